"""An output in a thread of its own, so that a slow disk does not hold up the pipeline."""

from __future__ import annotations

import contextlib
import threading
from collections import deque

from core.errors import SinkError
from core.types import Result
from pipeline.sinks.base import Sink, SinkBase

CAPACITY = 8
"""Results that may wait; each holds a picture."""


class BackgroundSink(SinkBase):
    """Hands results to another sink in its own thread through a bounded queue.

    Args:
        sink: does the work; used from the new thread only, and closed there.
        live: when the queue is full a result is dropped and counted (labels on screen must not wait for a disk);
            otherwise ``write`` waits (every frame of a file counts).
        close_limit_s: longest wait of ``close`` for a disk that has stopped answering.

    Attributes:
        dropped: results that were not written because the queue was full; ``close`` says so in the log.
    """

    def __init__(self, sink: Sink, *, live: bool, capacity: int = CAPACITY, close_limit_s: float = 30.0) -> None:
        self.name = sink.name
        self.dropped = 0
        self._sink = sink
        self._live = live
        self._capacity = capacity
        self._close_limit_s = close_limit_s
        self._changed = threading.Condition()
        self._queue: deque[Result] = deque()
        self._closing = False
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=f"sink:{self.name}", daemon=True)
        self._thread.start()

    def write(self, result: Result) -> None:
        """Queues a result. Raises what the sink behind has failed with, once."""
        with self._changed:
            while not self._live and len(self._queue) >= self._capacity and self._works():
                self._changed.wait()
            self._raise_error()
            if self._closing:
                raise SinkError(f"{self.name} is already closed")
            if len(self._queue) >= self._capacity:
                self.dropped += 1
                return
            self._queue.append(result)
            self._changed.notify_all()

    def close(self) -> None:
        """Writes what waits and completes the output. Raises what it has failed with, unless ``write`` has already."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(self._close_limit_s)
        self._tell_lost(self.dropped, "frames")
        if self._thread.is_alive():
            raise SinkError(f"{self.name} does not finish: its disk does not answer")
        with self._changed:
            self._raise_error()

    def _works(self) -> bool:
        return self._error is None and not self._closing and self._thread.is_alive()

    def _raise_error(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            self._closing = True
            raise error

    def _run(self) -> None:
        try:
            while (result := self._next()) is not None:
                self._sink.write(result)
            self._sink.close()
        except Exception as error:
            with contextlib.suppress(Exception):
                self._sink.close()
            with self._changed:
                self._error = error
                self._queue.clear()
                self._changed.notify_all()

    def _next(self) -> Result | None:
        with self._changed:
            while not self._queue and not self._closing:
                self._changed.wait()
            if not self._queue:
                return None
            result = self._queue.popleft()
            self._changed.notify_all()
            return result
