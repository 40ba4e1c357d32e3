"""Which frames of a source are worth handing on when the consumer is slower than the source."""

from __future__ import annotations

from enum import Enum


class Policy(str, Enum):
    """What happens to a frame while the consumer is busy.

    ``NEWEST``: only the newest frame is kept, older ones are dropped and counted. For cameras and streams: a label that
    is seconds late is worth nothing, and a queue in front of a slow consumer only ever grows.

    ``ALL``: every frame is delivered and the reader waits. For files: nothing runs away, and a result must not depend
    on how fast the machine is.

    ``PACED``: a file is played at the speed of its own time stamps and then treated like ``NEWEST``. For showing and
    measuring live behaviour with a recording.
    """

    NEWEST = "newest"
    ALL = "all"
    PACED = "paced"
