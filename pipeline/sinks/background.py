"""An output in a thread of its own, so that a slow disk does not hold up the pipeline."""

from __future__ import annotations

import contextlib
import threading

from core.errors import SinkError
from core.types import Result
from pipeline.channel import Channel, Full
from pipeline.sinks.base import Sink

CAPACITY = 8
"""Results that may wait; each holds a picture."""


class BackgroundSink(Sink):
    """Hands results to another sink in its own thread through a bounded queue.

    Args:
        sink: does the work; used from the new thread only, and closed there.
        live: when the queue is full a result is dropped and counted (labels on screen must not wait for a disk);
            otherwise ``write`` waits (every frame of a file counts).
        close_limit_s: longest wait of ``close`` for a disk that has stopped answering.
    """

    def __init__(self, sink: Sink, *, live: bool, capacity: int = CAPACITY, close_limit_s: float = 30.0) -> None:
        self.name = sink.name
        self._sink = sink
        self._close_limit_s = close_limit_s
        self._queue: Channel[Result] = Channel(capacity, Full.REFUSE if live else Full.WAIT)
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=f"sink:{self.name}", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Results that were not written because the queue was full; ``close`` says so in the log."""
        return self._queue.dropped

    def write(self, result: Result) -> None:
        """Queues a result. Raises what the sink behind has failed with, once."""
        if not self._queue.put(result):
            self._raise_error()
            raise SinkError(f"{self.name} is already closed")

    def close(self) -> None:
        """Writes what waits and completes the output. Raises what it has failed with, unless ``write`` has already."""
        self._queue.end()
        self._thread.join(self._close_limit_s)
        self._tell_lost(self.dropped, "frames")
        if self._thread.is_alive():
            raise SinkError(f"{self.name} does not finish: its disk does not answer")
        self._raise_error()

    def _raise_error(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _run(self) -> None:
        try:
            for result in self._queue:
                self._sink.write(result)
            self._sink.close()
        except Exception as error:
            with contextlib.suppress(Exception):
                self._sink.close()
            self._error = error
        finally:
            self._queue.cancel()  # lets a waiting ``write`` go
