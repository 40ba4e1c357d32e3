"""How patient a live source is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """Time-outs and retries, in seconds.

    Attributes:
        open_timeout_s: for connecting and for the first picture.
        stall_timeout_s: a read that takes longer counts as hung, and the connection is made anew.
        backoff_first_s: wait before the first retry after a loss; doubled at every further failure.
        backoff_max_s: longest wait between two retries.
        max_retries: retries in a row before giving up with an error; None retries for ever.
    """

    open_timeout_s: float = 10.0
    stall_timeout_s: float = 5.0
    backoff_first_s: float = 0.5
    backoff_max_s: float = 30.0
    max_retries: int | None = None

    def backoff_s(self, attempt: int) -> float:
        """Seconds to wait before retry number ``attempt`` (from 1): exponential, capped."""
        return min(self.backoff_first_s * 2.0 ** min(attempt - 1, 30), self.backoff_max_s)
