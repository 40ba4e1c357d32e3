"""What every pose estimator offers to the pipeline."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from core.types import Frame, Person, Pose


@runtime_checkable
class PoseEstimator(Protocol):
    """Finds people and their 17 COCO keypoints in one frame after another.

    An estimator may keep state between frames (it may follow people), so the frames of one source go to one estimator
    in order of time; gaps are allowed. One that knows who is who says so in ``Pose.track``.
    """

    def estimate(self, frame: Frame) -> tuple[Pose, ...]:
        """Everybody in the frame, in image pixels, surest first; an empty tuple for an empty scene."""
        ...

    def close(self) -> None:
        """Release the networks; calling it twice does no harm."""
        ...


@runtime_checkable
class Observer(Protocol):
    """An estimator that wants to know what the tracker made of its poses."""

    def observe(self, people: tuple[Person, ...], time_s: float) -> None:
        """Called after tracking with everybody tracked in the frame of time ``time_s``."""
        ...
