"""What every pose estimator offers to the pipeline."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

from core.types import Frame, Person, Pose


class PoseEstimator(ABC):
    """Finds people and their 17 COCO keypoints in one frame after another.

    An estimator may keep state between frames (it may follow people), so the frames of one source go to one estimator
    in order of time; gaps are allowed. One that knows who is who says so in ``Pose.track``. Most need only the first
    two methods.
    """

    @abstractmethod
    def estimate(self, frame: Frame) -> tuple[Pose, ...]:
        """Everybody in the frame, in image pixels, surest first; an empty tuple for an empty scene."""

    @abstractmethod
    def close(self) -> None:
        """Release the networks; calling it twice does no harm."""

    def observe(self, people: tuple[Person, ...], time_s: float) -> None:  # noqa: B027
        """Learn what the tracker made of the poses: everybody tracked in the frame of time ``time_s``."""

    def make_repeatable(self) -> None:  # noqa: B027
        """Let nothing that is measured on this machine decide, so that a file gives the same poses on every run."""

    @property
    def helped_s(self) -> float:
        """Seconds of CPU time that other threads than the caller's have spent on poses so far."""
        return 0.0


class Estimates(Protocol):
    """The least that finds people."""

    def estimate(self, frame: Frame) -> tuple[Pose, ...]: ...

    def close(self) -> None: ...


class PlainEstimator(PoseEstimator):
    """Somebody's estimator that has the two methods and no more."""

    def __init__(self, estimator: Estimates) -> None:
        self._estimator = estimator

    def estimate(self, frame: Frame) -> tuple[Pose, ...]:
        return self._estimator.estimate(frame)

    def close(self) -> None:
        self._estimator.close()
