"""What every output looks like to the pipeline."""

from __future__ import annotations

import logging
from types import TracebackType
from typing import Protocol, TypeVar, runtime_checkable

from core.types import Result

logger = logging.getLogger(__name__)

_Self = TypeVar("_Self", bound="SinkBase")


@runtime_checkable
class Sink(Protocol):
    """Takes results, one thread at a time.

    Attributes:
        name: for messages; no credentials.
    """

    name: str

    def write(self, result: Result) -> None:
        """Takes one result. Raises ``SinkError`` or ``OSError`` when the output has failed."""

    def close(self) -> None:
        """Completes the output. Safe to call twice."""


class SinkBase:
    """The context manager that all sinks here share; leaving it closes, also after an error of the run."""

    name: str
    _told = False

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Completes the output."""
        raise NotImplementedError

    def _tell_lost(self, number: int, what: str) -> None:
        """Says in the log, once, how much of a run did not get through; to be called by ``close``."""
        if number and not self._told:
            self._told = True
            logger.warning("%s has not taken %d %s", self.name, number, what)
