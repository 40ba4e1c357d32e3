"""Sources and pose estimators that follow a script: for faults, which real ones do not show on demand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
from stick_figures import pose_of, walker, waver

from core.types import Frame, Pose
from pipeline.pose import PoseEstimator
from pipeline.sources import FrameSource

IMAGE = np.zeros((48, 64, 3), np.uint8)


class ScriptedSource(FrameSource):
    """Frames at a steady rate, as fast as they are asked for.

    Args:
        frames: how many; None for no end.
        fps: of their time stamps.
        at: called with the index before each frame; may wait or raise.
        stamp: time stamp of a frame number, instead of number / fps.
    """

    origin_s: float | None = None

    def __init__(
        self,
        frames: int | None = 60,
        fps: float = 30.0,
        at: Callable[[int], None] = lambda index: None,
        stamp: Callable[[int], float] | None = None,
    ) -> None:
        self.name, self.fps = "script", fps
        self.closed = threading.Event()
        self._frames, self._at = frames, at
        self._stamp = stamp or (lambda index: index / fps)

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        while (self._frames is None or index < self._frames) and not self.closed.is_set():
            self._at(index)
            yield Frame(index, self._stamp(index), IMAGE)
            index += 1

    def close(self) -> None:
        self.closed.set()


class ScriptedPose(PoseEstimator):
    """A waver and a walker, by the frame's time.

    Args:
        at: called with the frame before each answer; may wait or raise.
    """

    def __init__(self, at: Callable[[Frame], None] = lambda frame: None) -> None:
        self.closed = 0
        self._at = at

    def estimate(self, frame: Frame) -> tuple[Pose, ...]:
        self._at(frame)
        t = frame.index / 30
        return pose_of(waver(t, 500)), pose_of(walker(t % 6, 80, 400, 200, 60))

    def close(self) -> None:
        self.closed += 1


class Alarm(Exception):
    """What goes wrong in a test."""


def raise_at(number: int) -> Callable[[int], None]:
    def at(index: int) -> None:
        if index == number:
            raise Alarm(f"at {number}")

    return at


def pipeline_threads() -> list[threading.Thread]:
    """The stages that are running."""
    return [t for t in threading.enumerate() if t.name.startswith(("pose:", "recognise:", "source:"))]


def wait_until(true: Callable[[], bool], timeout_s: float = 20.0) -> bool:
    """Poll; only as long as it is not true."""
    end = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
