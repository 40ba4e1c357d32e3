"""Several outputs as one, of which any may fail alone."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from core.errors import UserError
from core.types import Result
from pipeline.sinks.base import Sink

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SinkFailure:
    """An output that has failed.

    Attributes:
        name: of the output.
        reason: one sentence.
    """

    name: str
    reason: str


class SinkGroup(Sink):
    """Passes each result to all outputs. One that fails is logged, closed and left out; the others go on.

    Args:
        sinks: the outputs; closed with the group.

    Attributes:
        failures: outputs that failed so far, for the report at the end.
    """

    def __init__(self, sinks: Iterable[Sink] = ()) -> None:
        self.name = "outputs"
        self.failures: tuple[SinkFailure, ...] = ()
        self._sinks = list(sinks)

    def write(self, result: Result) -> None:
        """Never raises on behalf of an output."""
        for sink in tuple(self._sinks):
            try:
                sink.write(result)
            except Exception as error:
                self._sinks.remove(sink)
                self._note(sink, error)
                self._close(sink, quietly=True)

    def close(self) -> None:
        """Completes every output that still works."""
        while self._sinks:
            self._close(self._sinks.pop(0), quietly=False)

    def _close(self, sink: Sink, quietly: bool) -> None:
        try:
            sink.close()
        except Exception as error:
            if not quietly:
                self._note(sink, error)

    def _note(self, sink: Sink, error: Exception) -> None:
        reason = str(error) if isinstance(error, (UserError, OSError)) else f"{type(error).__name__}: {error}"
        self.failures += (SinkFailure(sink.name, reason),)
        # A bug is worth its traceback; a full disk is not.
        logger.error("%s has failed: %s", sink.name, reason, exc_info=None if isinstance(error, UserError) else error)
