"""Time stamps that only ever go forwards."""

from __future__ import annotations

import math

LONGEST_GAP_S = 3600.0
"""A recording's step forwards beyond this is taken for a broken time stamp, not for an hour without pictures."""

SMALL_STEP_BACK_S = 0.25
"""Up to this far backwards a stamp is out of order; farther back the clock was set anew (some are each second)."""

_SMALLEST_STEP_S = 1e-3


class Timeline:
    """Turns raw stamps (a container's, a clock's) into strictly increasing seconds that start at 0.

    - A stamp slightly out of order is moved to just after the one before.
    - After a jump (far backwards, absurdly far forwards, not a number) the line goes on one frame interval later.
    - Stamps that never advance (a bare H.264 stream has none) are replaced by the nominal rate.

    Args:
        interval_s: nominal seconds between two frames, used where the stamps say nothing.
    """

    def __init__(self, interval_s: float) -> None:
        self.interval_s = interval_s
        self.jumps = 0
        self.assumed = 0  # pictures whose moment the nominal rate has told
        self._offset: float | None = None
        self._last = 0.0
        self._first_raw = 0.0
        self._advanced = False

    @property
    def last_s(self) -> float:
        """The newest stamp given out."""
        return self._last

    def stamp(self, raw: float, longest_gap_s: float = LONGEST_GAP_S) -> float:
        """Seconds since the first stamp, more than any before.

        Args:
            raw: seconds from any origin.
            longest_gap_s: a step forwards beyond this is not believed; infinity believes any.
        """
        if self._offset is None:
            self._first_raw = raw if math.isfinite(raw) else 0.0
            self._offset = -self._first_raw
            return self._last
        if not self._advanced and raw == self._first_raw:
            self._last += self.interval_s
            self.assumed += 1
            return self._last
        wanted = raw + self._offset
        if not math.isfinite(wanted) or wanted > self._last + longest_gap_s or wanted < self._last - SMALL_STEP_BACK_S:
            self.jumps += 1
            self._last += self.interval_s
            if math.isfinite(raw):
                self._offset = self._last - raw
        else:
            self._last = max(wanted, self._last + _SMALLEST_STEP_S)
        self._advanced = True
        return self._last
