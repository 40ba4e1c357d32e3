"""Waiting by a clock that may be set while one waits."""

from __future__ import annotations

from collections.abc import Callable

LATE_S = 1.0
"""A player this far behind (a suspended machine, a clock set forwards) goes on from there instead of rushing after."""


class Deadline:
    """A span of time that begins now. A clock set back starts the span again rather than lengthening it."""

    def __init__(self, clock: Callable[[], float], span_s: float) -> None:
        self._clock = clock
        self._span_s = span_s
        self._start_s = clock()

    def left_s(self) -> float:
        """Seconds still to wait; 0 or less when the span is over."""
        now_s = self._clock()
        self._start_s = min(self._start_s, now_s)
        return self._start_s + self._span_s - now_s


class Pacer:
    """Says when each frame of a recording is due if it is played as live.

    Attributes:
        origin_s: the clock's reading at time stamp 0; None until ``start``.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._previous_s = 0.0
        self.origin_s: float | None = None

    def start(self) -> None:
        """Time stamp 0 is now."""
        self.origin_s = self._clock()

    def left_s(self, time_s: float) -> float | None:
        """Seconds until the frame with this time stamp is due (0 or less: now); None before ``start``."""
        if self.origin_s is None:
            return None
        now_s = self._clock()
        left_s = self.origin_s + time_s - now_s
        # The frame before was given when due, so more than the distance to it can only be the clock's doing.
        gap_s = time_s - self._previous_s
        if left_s > gap_s + LATE_S or left_s < -LATE_S:
            left_s = gap_s if left_s > 0 else 0.0
            self.origin_s = now_s + left_s - time_s
        return left_s

    def given(self, time_s: float) -> None:
        """The frame with this time stamp has been handed over."""
        self._previous_s = time_s
