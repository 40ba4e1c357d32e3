"""Results as a pipeline would give them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

import numpy as np

from core.types import Action, Frame, Person, Pose, Result
from pipeline.sinks import Sink

PATIENCE_S = 30.0


def wait_for(condition: Callable[[], bool]) -> None:
    """Returns as soon as the condition holds; fails when it never does."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.002)


def person(track: int, box: tuple[float, float, float, float] = (1.0, 2.0, 30.0, 40.0)) -> Person:
    pose = Pose(np.zeros((17, 2), np.float32), np.ones(17, np.float32), np.array(box, np.float32), 0.9)
    return Person(track, pose)


def action(label: str | None, probability: float = 0.9, time_s: float = 0.0) -> Action:
    top = ((label or "wave", probability), ("other", 1 - probability))
    return Action(label, probability, top, np.zeros(4, np.float32), time_s)


def result(
    index: int = 0,
    time_s: float = 0.0,
    seen: tuple[int, ...] = (),
    decided: Mapping[int, tuple[str | None, float]] | None = None,
    image: np.ndarray | None = None,
) -> Result:
    """A frame with the tracks ``seen`` and the decisions ``{track: (label, probability)}``."""
    if image is None:
        image = np.full((48, 64, 3), 20 + 10 * (index % 20), np.uint8)
    actions = {track: action(label, probability, time_s) for track, (label, probability) in (decided or {}).items()}
    people = tuple(person(track) for track in seen)
    return Result(Frame(index, time_s, image), people, actions, frozenset(actions))


class MemorySink(Sink):
    """Remembers what it was given; fails or waits on request."""

    def __init__(self, name: str = "memory", fail_at: int | None = None, fail_at_close: bool = False) -> None:
        self.name = name
        self.indices: list[int] = []
        self.closed = 0
        self.entered = threading.Event()
        self.gate = threading.Event()
        self.gate.set()
        self._fail_at = fail_at
        self._fail_at_close = fail_at_close

    def write(self, result: Result) -> None:
        self.entered.set()
        assert self.gate.wait(PATIENCE_S)
        if result.frame.index == self._fail_at:
            raise OSError(28, "No space left on device")
        self.indices.append(result.frame.index)

    def close(self) -> None:
        self.closed += 1
        if self._fail_at_close:
            raise OSError(5, "Input/output error")
