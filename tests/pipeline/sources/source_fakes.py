"""A camera that a test works by hand, and a clock that a test sets."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

PATIENCE_S = 30.0  # how long a test waits for another thread before it counts as stuck


def picture(value: int, size: tuple[int, int] = (64, 48)) -> np.ndarray:
    return np.full((size[1], size[0], 3), value, np.uint8)


def value_of(frame: Any) -> int:
    return int(frame.image[0, 0, 0])


def wait_for(condition: Callable[[], bool]) -> None:
    """Returns as soon as the condition holds; fails when it never does."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.002)


class HandClock:
    """Stands still until it is set. With ``tick_s`` every look at it moves it on, so that waiting passes time.

    ``moved_by`` is how the names of the threads begin whose looks do so. Where it is one thread only, the time that it
    sees pass does not depend on what other threads do meanwhile.
    """

    def __init__(self, now_s: float = 1000.0, tick_s: float = 0.0, moved_by: str = "") -> None:
        self.now_s = now_s
        self.tick_s = tick_s
        self._moved_by = moved_by
        self._lock = threading.Lock()

    def __call__(self) -> float:
        with self._lock:
            if threading.current_thread().name.startswith(self._moved_by):
                self.now_s += self.tick_s
            return self.now_s

    def advance(self, seconds: float) -> None:
        with self._lock:
            self.now_s += seconds


class HandCapture:
    """One connection. ``give`` hands it a picture; ``fail`` makes a read fail; without either a read hangs."""

    def __init__(self, opens: bool = True) -> None:
        self.released = threading.Event()
        self.waiting = threading.Event()  # a read has found nothing and hangs
        self._opens = opens
        self._steps: queue.Queue[tuple[bool, Any]] = queue.Queue()

    def give(self, *images: Any) -> HandCapture:
        for image in images:
            self._steps.put((True, image))
        return self

    def fail(self, times: int = 1) -> HandCapture:
        for _ in range(times):
            self._steps.put((False, None))
        return self

    def isOpened(self) -> bool:
        return self._opens

    def read(self) -> tuple[bool, Any]:
        try:
            return self._steps.get_nowait()
        except queue.Empty:
            self.waiting.set()
            step = self._steps.get()
            self.waiting.clear()
            return step

    def get(self, propId: int) -> float:
        return 0.0

    def release(self) -> None:
        self.released.set()


class HandCamera:
    """A device whose successive connections are the given captures; an exception in their place is raised."""

    def __init__(self, *connections: HandCapture | Exception, clock: Callable[[], float] | None = None) -> None:
        self.connections = list(connections)
        self.opened_s: list[float] = []
        self._clock = clock

    def __call__(self, target: int | str) -> HandCapture:
        number = len(self.opened_s)
        self.opened_s.append(self._clock() if self._clock is not None else 0.0)
        connection = self.connections[min(number, len(self.connections) - 1)]
        if isinstance(connection, Exception):
            raise connection
        return connection
