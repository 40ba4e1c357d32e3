"""Decisions through a real broker."""

from __future__ import annotations

import json
import logging
import queue
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sink_fakes import PATIENCE_S, result, wait_for

from pipeline.sinks import MqttSink, SinkError, create_publisher

mqtt = pytest.importorskip("paho.mqtt.client", reason="the package paho-mqtt is not installed")
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
needs_broker = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


class Broker:
    """A mosquitto of our own that knows one user."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        users = folder / "users"
        users.write_text("joe:hunter2\n", encoding="utf-8")
        users.chmod(0o600)
        subprocess.run([str(MOSQUITTO).replace("sbin", "bin") + "_passwd", "-U", str(users)], check=True)
        self._settings = folder / "mosquitto.conf"
        self._settings.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous false\npassword_file {users}\nuser root\n",
            encoding="utf-8",
        )
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        command = [str(MOSQUITTO), "-c", str(self._settings)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: answers(self.port))

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE_S)
            self._process = None

    def url(self, login: str = "joe:hunter2@", topic: str = "") -> str:
        return f"mqtt://{login}127.0.0.1:{self.port}{topic}"

    def listen(self, topic: str) -> tuple[Any, queue.Queue[str]]:
        """A client of the test's own, subscribed."""
        messages: queue.Queue[str] = queue.Queue()
        subscribed = queue.Queue[int]()
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        client.username_pw_set("joe", "hunter2")
        client.reconnect_delay_set(1, 1)
        client.on_message = lambda client, data, message: messages.put(message.payload.decode())
        client.on_connect = lambda client, *rest: client.subscribe(topic, qos=1)
        client.on_subscribe = lambda *rest: subscribed.put(1)
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        subscribed.get(timeout=PATIENCE_S)
        client.subscribed = subscribed
        return client, messages


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    yield broker
    broker.stop()


@needs_broker
def test_decisions_arrive_in_order(broker: Broker) -> None:
    client, messages = broker.listen("house/kitchen")
    with create_publisher(broker.url(topic="/house/kitchen")) as sink:  # type: ignore[attr-defined]
        assert sink.name == f"mqtt://***@127.0.0.1:{broker.port}/house/kitchen"
        for index in range(100):
            sink.write(result(index, index / 10, (1,), {1: ("süß", 0.9)}))
    records = [json.loads(messages.get(timeout=PATIENCE_S)) for _ in range(100)]
    assert [record["frame"] for record in records] == list(range(100))
    assert records[0]["label"] == "süß"
    assert sink.dropped == 0
    client.loop_stop()


@needs_broker
def test_decisions_wait_for_a_broker_that_restarts(broker: Broker, caplog) -> None:
    with caplog.at_level(logging.INFO), MqttSink(broker.url()) as sink:
        sink.write(result(0, 0.0, (1,), {1: ("walk", 0.9)}))
        wait_for(lambda: sink._confirmed == 1)
        broker.stop()
        wait_for(lambda: "is disconnected" in caplog.text)
        for index in range(1, 5):
            sink.write(result(index, 0.0, (1,), {1: ("walk", 0.9)}))
        broker.start()
        client, messages = broker.listen("skeleprompt/events")
        wait_for(lambda: sink._confirmed == 5)
        assert "is connected again" in caplog.text
    assert json.loads(messages.get(timeout=PATIENCE_S))["frame"] in (1, 2, 3, 4)
    client.loop_stop()
    for secret in ("joe", "hunter2"):
        assert secret not in caplog.text


@needs_broker
def test_a_broker_that_stays_away_costs_messages_but_no_time(broker: Broker, caplog) -> None:
    sink = MqttSink(broker.url())
    broker.stop()
    wait_for(lambda: not sink._client.is_connected())
    for index in range(1200):
        sink.write(result(index, 0.0, (1,), {1: ("walk", 0.9)}))
    sink.close()
    assert sink.dropped == 200
    assert "has not taken 1200 messages" in caplog.text


@needs_broker
def test_a_wrong_password_is_told_without_it(broker: Broker) -> None:
    with pytest.raises(SinkError, match="Not authorized") as caught:
        MqttSink(broker.url("joe:wr0ng@"))
    assert "wr0ng" not in str(caught.value)
    assert "joe" not in str(caught.value)


def test_no_broker_is_told_at_once() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(SinkError, match="cannot be reached: Connection refused") as caught:
        MqttSink(f"mqtt://joe:hunter2@127.0.0.1:{port}")
    assert "hunter2" not in str(caught.value)


def test_a_topic_has_no_wildcards() -> None:
    with pytest.raises(SinkError, match="no wildcards"):
        MqttSink("mqtt://127.0.0.1/house/+")


def test_a_missing_package_is_named(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "paho.mqtt", None)
    with pytest.raises(SinkError, match=r"skeleprompt\[publish\]"):
        MqttSink("mqtt://127.0.0.1")
