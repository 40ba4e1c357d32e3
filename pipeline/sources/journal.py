"""Counts and events of one source, kept by several threads."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from pipeline.sources.events import EventKind, Severity, SourceEvent, SourceStats

logger = logging.getLogger(__name__)

EventCallback = Callable[[SourceEvent], None]

_LEVEL = {Severity.INFO: logging.INFO, Severity.WARNING: logging.WARNING, Severity.ERROR: logging.ERROR}


class Journal:
    """Collects events while locks are held; ``publish`` passes them on when none is.

    A callback may take as long as it likes and may call the source's own methods, so it must never run under the lock
    of the hand-over.
    """

    def __init__(self, on_event: EventCallback | None) -> None:
        self._on_event = on_event
        self._pending: deque[SourceEvent] = deque()
        self._lock = threading.Lock()
        self.stats = SourceStats()

    def count(self, **more: int) -> None:
        """Adds to the named counts of ``stats``."""
        with self._lock:
            now = self.stats
            self.stats = replace(now, **{key: getattr(now, key) + number for key, number in more.items()})

    def note(self, kind: EventKind, severity: Severity, message: str, time_s: float) -> None:
        """Keeps an event for the next ``publish``."""
        self._pending.append(SourceEvent(kind, severity, message, time_s))

    def publish(self) -> None:
        """Logs the kept events and calls back with each. Call it with no lock held."""
        while True:
            try:
                event = self._pending.popleft()
            except IndexError:
                return
            logger.log(_LEVEL[event.severity], "%s", event.message)
            if self._on_event is None:
                continue
            try:
                self._on_event(event)
            except Exception:
                logger.exception("the callback for source events failed")
