"""A clock that can be stopped, so that a video can be paused."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class PausableClock:
    """Monotonic seconds that stand still between ``pause`` and ``resume``; safe to use from any thread.

    A file that is played by this clock waits while it stands and resumes where it was.

    Args:
        clock: the clock behind it.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._paused_at: float | None = None
        self._lost = 0.0

    def __call__(self) -> float:
        with self._lock:
            now = self._clock() if self._paused_at is None else self._paused_at
            return now - self._lost

    @property
    def paused(self) -> bool:
        """Whether it stands still."""
        return self._paused_at is not None

    def pause(self) -> None:
        """Stop it; twice does no harm."""
        with self._lock:
            if self._paused_at is None:
                self._paused_at = self._clock()

    def resume(self) -> None:
        """Resume from where it stopped."""
        with self._lock:
            if self._paused_at is not None:
                self._lost += self._clock() - self._paused_at
                self._paused_at = None
