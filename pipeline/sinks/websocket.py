"""A WebSocket server that tells every decision to whoever is connected."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Any

from core.errors import SinkError
from core.types import Result
from pipeline.channel import Channel, Full
from pipeline.sinks.base import Sink
from pipeline.sinks.records import DecisionRecords, as_line

CLIENT_BACKLOG = 256
"""Messages that may wait for a slow client; beyond, its oldest are dropped."""

_START_S = 10.0
_STOP_S = 2.0


class WebSocketSink(Sink):
    """Serves decisions at ``ws://host:port``: a text message per person and decision, the same JSON as the event file.

    A client gets what is decided while it is connected. A slow one loses its oldest messages; nobody waits for it.

    Args:
        host: address to listen at.
        port: 0 takes a free one.

    Attributes:
        port: the port in use.
        dropped: messages that slow clients have lost; ``close`` says so in the log.

    Raises:
        SinkError: when the package is missing or the port cannot be had.
    """

    dropped = 0

    def __init__(self, host: str = "127.0.0.1", port: int = 8765) -> None:
        try:
            import websockets.asyncio.server  # noqa: F401
        except ImportError:
            raise SinkError('publishing needs the package websockets: pip install "skeleprompt[publish]"') from None
        self.name = f"ws://{host}:{port}"
        self.port = port
        self._host = host
        self._records = DecisionRecords()
        # Each client's task, with what waits for it and what wakes it; touched by the server's thread only.
        self._clients: dict[asyncio.Task[Any], tuple[Channel[str], asyncio.Event]] = {}
        self._loop = asyncio.new_event_loop()
        self._stop: asyncio.Event | None = None
        self._ready = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=f"sink:{self.name}", daemon=True)
        self._thread.start()
        if not self._ready.wait(_START_S):
            raise SinkError(f"{self.name} does not start")
        if self._error is not None:
            reason = getattr(self._error, "strerror", None) or self._error
            raise SinkError(f"{self.name} cannot be served: {reason}") from None

    def write(self, result: Result) -> None:
        """Hands the decisions of this frame to the server; never waits."""
        messages = [as_line(record) for record in self._records.of(result)]
        if not self._thread.is_alive():
            raise SinkError(f"{self.name} is no longer served")
        if messages:
            self._loop.call_soon_threadsafe(self._spread, messages)

    def close(self) -> None:
        """Says goodbye to the clients."""
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._set_stop)
        self._thread.join(2 * _STOP_S)
        self._tell_lost(self.dropped, "messages")

    # the server's thread

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except Exception as error:
            self._error = error
        finally:
            self._ready.set()
            self._loop.close()

    async def _serve(self) -> None:
        from websockets.asyncio.server import serve

        self._stop = asyncio.Event()
        async with serve(self._client, self._host, self.port, close_timeout=_STOP_S / 2, compression=None) as server:
            self.port = server.sockets[0].getsockname()[1]
            self.name = f"ws://{self._host}:{self.port}"
            self._ready.set()
            await self._stop.wait()
            # What was handed over before close() still goes out.
            for queue, wake in self._clients.values():
                queue.end()
                wake.set()
            if self._clients:
                await asyncio.wait(tuple(self._clients), timeout=_STOP_S)

    async def _client(self, connection: Any) -> None:
        """Sends to one client until it leaves."""
        from websockets.exceptions import ConnectionClosed

        task = asyncio.current_task()
        assert task is not None
        queue: Channel[str] = Channel(CLIENT_BACKLOG, Full.DROP_OLDEST)
        wake = asyncio.Event()
        self._clients[task] = queue, wake
        gone = asyncio.ensure_future(_listen(connection))
        gone.add_done_callback(lambda _: wake.set())
        try:
            while not gone.done() and not queue.finished:
                if (message := queue.poll()) is None:
                    wake.clear()
                    await wake.wait()
                    continue
                with contextlib.suppress(ConnectionClosed):
                    await connection.send(message)
        finally:
            gone.cancel()
            del self._clients[task]

    def _spread(self, messages: list[str]) -> None:
        for queue, wake in self._clients.values():
            before = queue.dropped
            for message in messages:
                queue.put(message)
            self.dropped += queue.dropped - before
            wake.set()

    def _set_stop(self) -> None:
        if self._stop is not None:
            self._stop.set()


async def _listen(connection: Any) -> None:
    """Throws away what a client says, until it leaves; unread messages would block its pings and its goodbye."""
    async for _ in connection:
        pass
