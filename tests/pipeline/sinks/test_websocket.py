"""Decisions over a real WebSocket."""

from __future__ import annotations

import json
import sys

import pytest
from sink_fakes import result, wait_for

from pipeline.sinks import SinkError, create_publisher

client = pytest.importorskip("websockets.sync.client", reason="the package websockets is not installed")

from pipeline.sinks import WebSocketSink  # noqa: E402


def test_every_client_gets_every_decision() -> None:
    with WebSocketSink(port=0) as sink:
        with client.connect(sink.name) as one, client.connect(sink.name) as two:
            wait_for(lambda: len(sink._clients) == 2)
            one.send("a client may talk")
            for index in range(50):
                sink.write(result(index, index / 10, (1,), {1: ("süß", 0.9)}))
            for connection in (one, two):
                records = [json.loads(connection.recv(timeout=30)) for _ in range(50)]
                assert [record["frame"] for record in records] == list(range(50))
                assert records[0]["label"] == "süß"
        wait_for(lambda: not sink._clients)
        sink.write(result(51, 5.1, (1,), {1: ("walk", 0.9)}))  # nobody listens, nobody minds


def test_what_was_decided_before_the_end_still_arrives() -> None:
    sink = WebSocketSink(port=0)
    with client.connect(sink.name) as connection:
        wait_for(lambda: len(sink._clients) == 1)
        for index in range(20):
            sink.write(result(index, index / 10, (1,), {1: ("walk", 0.9)}))
        sink.close()
        assert [json.loads(message)["frame"] for message in connection] == list(range(20))
    with pytest.raises(SinkError, match="no longer served"):
        sink.write(result(20, 2.0, (1,), {1: ("walk", 0.9)}))
    sink.close()


def test_a_client_that_does_not_read_loses_its_oldest_and_holds_up_nobody(caplog) -> None:
    labels = dict.fromkeys(range(20), ("a very long label " * 2000, 0.9))
    with (
        WebSocketSink(port=0) as sink,
        client.connect(sink.name, max_queue=1, close_timeout=0) as _deaf,
        client.connect(sink.name) as good,
    ):
        wait_for(lambda: len(sink._clients) == 2)
        received = 0
        while sink.dropped == 0:
            sink.write(result(received, 0.0, decided=labels))
            received += len([good.recv(timeout=30) for _ in labels])
            assert received < 20_000
    assert f"has not taken {sink.dropped} messages" in caplog.text


def test_a_port_in_use_is_told_at_once() -> None:
    with WebSocketSink(port=0) as sink, pytest.raises(SinkError, match="cannot be served"):
        WebSocketSink(port=sink.port)


def test_addresses() -> None:
    with create_publisher("ws://127.0.0.1:0") as sink:  # type: ignore[attr-defined]
        assert isinstance(sink, WebSocketSink)
    for bad in ("http://host", "ws://", "nonsense", "ws://host:99999"):
        with pytest.raises(SinkError):
            create_publisher(bad)


def test_a_missing_package_is_named(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "websockets", None)
    monkeypatch.setitem(sys.modules, "websockets.asyncio.server", None)
    with pytest.raises(SinkError, match=r"skeleprompt\[publish\]"):
        WebSocketSink(port=0)
