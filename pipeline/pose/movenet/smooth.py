"""Less tremble, little delay: the One-Euro filter on keypoints.

Source: Casiez, Roussel, Vogel, "1 Euro Filter: a simple speed-based low-pass filter for noisy input in interactive
systems", CHI 2012. The filter smooths strongly while a joint is still and hardly at all while it moves fast.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class OneEuro:
    """One person's keypoints over time. Times are in seconds, so the result does not depend on the frame rate.

    Speeds are measured in body sizes a second, so that somebody far away is smoothed as somebody close by.
    """

    def __init__(self, min_cutoff_hz: float = 2.0, beta: float = 30.0, speed_cutoff_hz: float = 3.0) -> None:
        """Choose how much to smooth.

        Args:
            min_cutoff_hz: cut-off frequency for a joint at rest; lower means less tremble.
            beta: how much the cut-off rises for each body size a second of speed; higher means less delay.
            speed_cutoff_hz: cut-off frequency for the estimate of the speed.
        """
        self.min_cutoff_hz = min_cutoff_hz
        self.beta = beta
        self.speed_cutoff_hz = speed_cutoff_hz
        self._time_s = 0.0
        self._place: NDArray[np.float32] | None = None
        self._speed: NDArray[np.float32] | None = None

    def __call__(
        self, keypoints: NDArray[np.float32], scores: NDArray[np.float32], time_s: float, size: float
    ) -> NDArray[np.float32]:
        """Filter the keypoints of a new frame.

        Args:
            keypoints: (17, 2) pixels.
            scores: (17,) in [0, 1]; a joint of score 0.2 and less is not to be trusted and pulls half as much.
            time_s: the frame's time, larger than before.
            size: the body's size in pixels.

        Returns:
            (17, 2) smoothed keypoints in pixels.
        """
        if self._place is None or self._speed is None or time_s <= self._time_s:
            self._place, self._speed, self._time_s = keypoints, np.zeros_like(keypoints), time_s
            return keypoints
        dt_s, self._time_s = time_s - self._time_s, time_s
        speed = (keypoints - self._place) / (dt_s * max(size, 1.0))
        self._speed = self._speed + _weight(self.speed_cutoff_hz, dt_s) * (speed - self._speed)
        cutoff_hz = self.min_cutoff_hz + self.beta * np.linalg.norm(self._speed, axis=1, keepdims=True)
        trust = np.clip(scores[:, None] / 0.4, 0.5, 1.0)
        self._place = (self._place + trust * _weight(cutoff_hz, dt_s) * (keypoints - self._place)).astype(np.float32)
        return self._place


def _weight(cutoff_hz: float | NDArray[np.floating], dt_s: float) -> NDArray[np.float32]:
    """Share of the new value in a first-order low-pass filter after ``dt_s`` seconds."""
    return np.asarray(1 / (1 + 1 / (2 * np.pi * cutoff_hz * dt_s)), np.float32)
