"""Frames a second, age and drops over the last moments, for the status bar and the progress line."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from core.types import Result


@dataclass(frozen=True, slots=True)
class Reading:
    """What the meter shows.

    Attributes:
        fps: results a second over the last moments.
        age_ms: largest age among them (from capture to result).
        dropped: frames dropped since the start.
        people: in the newest frame.
        time_s: capture time of the newest frame.
    """

    fps: float
    age_ms: float
    dropped: int
    people: int
    time_s: float


class Meter:
    """Fed with every result, by one thread.

    Args:
        over_s: how far back it looks.
        clock: monotonic seconds.
    """

    def __init__(self, over_s: float = 2.0, clock: Callable[[], float] = time.perf_counter) -> None:
        self._over_s = over_s
        self._clock = clock
        self._seen: deque[tuple[float, float]] = deque()  # when, age_ms

    def update(self, result: Result) -> Reading:
        """Count a result and read the meter."""
        now = self._clock()
        self._seen.append((now, result.age_ms))
        # Two are kept however old: at one frame in five seconds there is a rate, too.
        while len(self._seen) > 2 and now - self._seen[0][0] > self._over_s:
            self._seen.popleft()
        span = now - self._seen[0][0]
        fps = (len(self._seen) - 1) / span if span > 0 else 0.0
        age_ms = max(age for _, age in self._seen)
        return Reading(fps, age_ms, result.dropped, len(result.people), result.frame.time_s)
