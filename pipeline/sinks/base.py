"""What every output looks like to the pipeline."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from types import TracebackType
from typing import TypeVar

from core.types import Result

logger = logging.getLogger(__name__)

_Self = TypeVar("_Self", bound="Sink")


class Sink(ABC):
    """Takes results, one thread at a time; a context manager that closes, also after an error of the run.

    Attributes:
        name: for messages; no credentials.
    """

    name: str
    _told = False

    @property
    def dropped(self) -> int | None:
        """What did not get through for want of room; None where nothing is ever left out."""
        return None

    @abstractmethod
    def write(self, result: Result) -> None:
        """Takes one result. Raises ``SinkError`` or ``OSError`` when the output has failed."""

    @abstractmethod
    def close(self) -> None:
        """Completes the output. Safe to call twice."""

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _tell_lost(self, number: int, what: str) -> None:
        """Says in the log, once, how much of a run did not get through; to be called by ``close``."""
        if number and not self._told:
            self._told = True
            logger.warning("%s has not taken %d %s", self.name, number, what)
