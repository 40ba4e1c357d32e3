"""What happens to a source while it runs, told in records rather than only in the log."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Severity(str, Enum):
    """``INFO``: good to know; ``WARNING``: pictures are missing, the run goes on; ``ERROR``: the source has ended."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class EventKind(str, Enum):
    """What has happened."""

    CORRUPT = "corrupt"
    TRUNCATED = "truncated"
    SIZE_CHANGED = "size_changed"
    CLOCK_JUMP = "clock_jump"
    RATE_ASSUMED = "rate_assumed"
    STALLED = "stalled"
    LOST = "lost"
    RECONNECTED = "reconnected"
    RETRY_FAILED = "retry_failed"
    GAVE_UP = "gave_up"


@dataclass(frozen=True, slots=True)
class SourceEvent:
    """One happening.

    Attributes:
        kind: what has happened.
        severity: how bad it is.
        message: one sentence, credentials redacted.
        time_s: time stamp of the newest frame before it, in the source's own seconds.
    """

    kind: EventKind
    severity: Severity
    message: str
    time_s: float


@dataclass(frozen=True, slots=True)
class SourceStats:
    """Counts since the source was opened.

    Attributes:
        delivered: frames handed to the consumer.
        dropped: frames that a newer one has replaced (see ``Policy``).
        corrupt: pictures that came empty or could not be decoded.
        stalls: reads that did not return in time.
        reconnects: connections made anew after a loss.
    """

    delivered: int = 0
    dropped: int = 0
    corrupt: int = 0
    stalls: int = 0
    reconnects: int = 0
