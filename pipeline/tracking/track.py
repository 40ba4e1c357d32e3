"""What is remembered of one person between frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.types import Pose
from pipeline.tracking.kalman import KalmanBox


class Track:
    """One person's filtered box and latest pose.

    Args:
        number: for people in view, its id; negative while the track is not confirmed.
        pose: first observation.
        time_s: its time.
    """

    def __init__(self, number: int, pose: Pose, time_s: float) -> None:
        self.number = number
        self.pose = pose
        self.born_s = time_s
        self.seen_s = time_s
        self.observations = 1
        self.confirmed = False
        self._kalman = KalmanBox(pose.box)
        self._centre = self._kalman.centre  # filtered centre at the time of ``pose``
        self._now_s = time_s

    @property
    def box(self) -> NDArray[np.float64]:
        """(4,) x1, y1, x2, y2 in pixels, as expected now."""
        return self._kalman.box

    @property
    def height(self) -> float:
        """Pixels, as expected now."""
        return self._kalman.height

    @property
    def slack(self) -> float:
        """Pixels by which the expected position may be wrong."""
        return self._kalman.centre_std

    @property
    def moved(self) -> NDArray[np.float64]:
        """(2,) pixels by which the body is expected to have moved since ``pose``."""
        return self._kalman.centre - self._centre

    def unseen_s(self, time_s: float) -> float:
        """Seconds since the person was last observed."""
        return time_s - self.seen_s

    def predict(self, time_s: float) -> None:
        """Carry the box on to a time in seconds."""
        self._kalman.predict(time_s - self._now_s)
        self._now_s = time_s

    def update(self, pose: Pose) -> None:
        """Take in the pose observed at the time of the latest ``predict``."""
        self._kalman.update(pose.box)
        self._centre = self._kalman.centre
        self.pose = pose
        self.seen_s = self._now_s
        self.observations += 1
