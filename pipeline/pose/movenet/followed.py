"""One person whom the estimator follows from frame to frame."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from core.similarity import oks
from core.types import Pose
from pipeline.pose.movenet.lightning import presence
from pipeline.pose.movenet.smooth import OneEuro
from pipeline.pose.movenet.square import LIKELY, MARGIN, Square, inner_box, longer_side, square_around

VELOCITY_S = 0.15
"""Seconds over which a person's velocity is averaged."""

FARTHEST = 0.5
"""A prediction moves a person by at most this share of the body's extent; beyond that it would be a guess."""

MARGIN_A_SECOND = 0.3
"""The square's margin grows by this much for each second since the person was last seen."""

PRESENCE_S = 0.1
"""Seconds over which a person's presence is averaged."""

STEADY_S = 0.1
"""Seconds over which somebody has to move as foretold to count as steady; a surprise ends it at once."""

SLACK_A_SECOND = 0.6
"""A prediction is off by this share of the body's extent for each second since the person was last seen."""

SHRINK_S = 0.2
"""The area in which a person is looked for grows at once and shrinks over this time: legs that were in doubt for a few
frames must not fall out of the picture for good."""


@dataclass(slots=True, eq=False)
class Followed:
    """A person with the last pose, its time and the motion since.

    Attributes:
        track: the person's id.
        pose: as the network gave it, in image pixels.
        time_s: capture time of ``pose``.
        confirmed_s: the last time at which there was no doubt that somebody is there.
        usual_presence: how sure the network was of the person lately, see :func:`presence`.
        reach: (4,) x1, y1, x2, y2 of where the likely keypoints are and recently were.
        velocity: (2,) pixels a second, x and y.
        smoother: takes the tremble out of what is shown.
        steadiness: how similar the poses lately were to what the motion before them foretold, in [0, 1].
    """

    track: int
    pose: Pose
    time_s: float
    confirmed_s: float
    usual_presence: float = field(init=False)
    reach: NDArray[np.float32] = field(init=False)
    velocity: NDArray[np.float32] = field(default_factory=lambda: np.zeros(2, np.float32))
    smoother: OneEuro = field(default_factory=OneEuro)
    steadiness: float = 0.0
    _shown: Pose = field(init=False)

    def __post_init__(self) -> None:
        self._shown = self.pose
        self.usual_presence = presence(self.pose)
        self.reach = inner_box(self.pose.box)

    @property
    def extent(self) -> float:
        """Longer side of the keypoints' extent in pixels."""
        return longer_side(inner_box(self.pose.box))

    def predicted(self, time_s: float) -> Pose:
        """Where the body should be at ``time_s`` if it keeps its velocity."""
        return self._moved_on(self.pose, time_s)

    def square(self, time_s: float, frame_size: tuple[int, int]) -> Square:
        """The square in which to look for the person at ``time_s``."""
        margin = MARGIN + MARGIN_A_SECOND * min(time_s - self.time_s, 0.5)
        return square_around(self.reach + np.tile(self._shift(time_s), 2), frame_size, margin)

    def moved(self, pose: Pose, time_s: float) -> None:
        """Take over the pose of a new frame."""
        as_expected = oks(self.predicted(time_s), pose, LIKELY)
        rise = 1 - math.exp(-(time_s - self.time_s) / STEADY_S)
        self.steadiness = min(as_expected, self.steadiness + rise * (as_expected - self.steadiness))
        share = 1 - np.exp(-(time_s - self.time_s) / PRESENCE_S)
        self.usual_presence += float(share) * (presence(pose) - self.usual_presence)
        inner = inner_box(pose.box)
        before = self.reach + np.tile(self._shift(time_s), 2)
        before = before + np.float32(1 - np.exp(-(time_s - self.time_s) / SHRINK_S)) * (inner - before)
        self.reach = np.concatenate([np.minimum(before[:2], inner[:2]), np.maximum(before[2:], inner[2:])])
        both = np.minimum(pose.scores, self.pose.scores) >= LIKELY
        dt_s = time_s - self.time_s
        if both.sum() >= 4 and dt_s > 0:
            # The median joint moves with the body; single limbs swing.
            velocity = np.median(pose.keypoints[both] - self.pose.keypoints[both], axis=0) / dt_s
            weight = 1 - np.exp(-dt_s / VELOCITY_S)
            self.velocity = (self.velocity + weight * (velocity - self.velocity)).astype(np.float32)
        self.pose, self.time_s = pose, time_s

    def _moved_on(self, pose: Pose, time_s: float) -> Pose:
        shift = self._shift(time_s)
        return replace(pose, keypoints=pose.keypoints + shift, box=pose.box + np.tile(shift, 2), predicted=True)

    def _shift(self, time_s: float) -> NDArray[np.float32]:
        """(2,) pixels that the body should have moved by since the last pose."""
        shift = self.velocity * np.float32(time_s - self.time_s)
        distance, farthest = float(np.linalg.norm(shift)), FARTHEST * self.extent
        return shift * np.float32(farthest / distance) if distance > farthest else shift

    def likeness(self, pose: Pose, time_s: float) -> float:
        """Keypoint similarity of a pose found at ``time_s`` to what is expected of this person then."""
        slack = SLACK_A_SECOND * self.extent * (time_s - self.time_s)
        return oks(self.predicted(time_s), pose, LIKELY, slack)

    def shown(self, time_s: float, smooth: bool) -> Pose:
        """The person at ``time_s``, with less tremble if ``smooth``; moved on where nobody has looked in that frame.

        To be called once for each frame.
        """
        if self.time_s != time_s:
            return self._moved_on(self._shown, time_s)
        self._shown = self.pose
        if smooth:
            keypoints = self.smoother(self.pose.keypoints, self.pose.scores, time_s, self.extent)
            self._shown = replace(self.pose, keypoints=keypoints)
        return self._shown
