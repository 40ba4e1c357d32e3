"""Decisions published to an MQTT broker."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any
from urllib.parse import unquote, urlsplit

from core.errors import SinkError
from core.redact import redact_url
from core.types import Result
from pipeline.sinks.base import Sink
from pipeline.sinks.records import DecisionRecords, as_line

logger = logging.getLogger(__name__)

DEFAULT_TOPIC = "skeleprompt/events"

BACKLOG = 1000
"""Messages that wait while the broker is away; beyond, new ones are dropped and counted."""

_CONNECT_S = 5.0
_CLOSE_S = 2.0


class MqttSink(Sink):
    """Publishes the same JSON as the event file, at least once each (QoS 1). Connects anew by itself after a loss.

    Args:
        url: ``mqtt://[USER:PASSWORD@]HOST[:PORT][/TOPIC]``; ``mqtts`` for TLS.

    Attributes:
        dropped: messages lost because the broker was away for too long.

    Raises:
        SinkError: when the package is missing or the broker cannot be reached or does not take us.
    """

    dropped = 0

    def __init__(self, url: str) -> None:
        try:
            from paho.mqtt import client as mqtt
            from paho.mqtt.enums import CallbackAPIVersion
        except ImportError:
            raise SinkError('publishing needs the package paho-mqtt: pip install "skeleprompt[publish]"') from None
        self.name = redact_url(url)
        parts = urlsplit(url)
        tls = parts.scheme == "mqtts"
        try:
            port = parts.port or (8883 if tls else 1883)
        except ValueError:
            raise SinkError(f"{self.name} is not a valid address") from None
        self.topic = unquote(parts.path.strip("/")) or DEFAULT_TOPIC
        if any(wildcard in self.topic for wildcard in "+#"):
            raise SinkError(f"{self.name}: a topic to publish to has no wildcards")
        self._queue_full = mqtt.MQTT_ERR_QUEUE_SIZE
        self._records = DecisionRecords()
        self._answer: Any = None
        self._answered = threading.Event()
        self._sent = 0
        self._confirmed = 0
        self._progress = threading.Condition()
        self._closed = False
        self._client: Any = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.max_queued_messages_set(BACKLOG)
        self._client.reconnect_delay_set(1, 30)
        self._client.connect_timeout = _CONNECT_S
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish
        if parts.username is not None:
            password = None if parts.password is None else unquote(parts.password)
            self._client.username_pw_set(unquote(parts.username), password)
        if tls:
            self._client.tls_set()
        self._connect(parts.hostname or "localhost", port)

    def write(self, result: Result) -> None:
        """Hands the decisions of this frame to the client; never waits for the network."""
        for record in self._records.of(result):
            info = self._client.publish(self.topic, as_line(record), qos=1)
            if info.rc == self._queue_full:
                self.dropped += 1
            else:  # also while disconnected: the client keeps it
                self._sent += 1

    def close(self) -> None:
        """Waits a moment for the last confirmations and leaves."""
        if self._closed:
            return
        self._closed = True
        end_s = time.perf_counter() + _CLOSE_S
        with self._progress:
            while self._confirmed < self._sent and self._client.is_connected():
                left_s = end_s - time.perf_counter()
                if left_s <= 0:
                    break
                self._progress.wait(left_s)
            lost = self._sent - self._confirmed + self.dropped
        self._client.disconnect()
        self._client.loop_stop()
        self._tell_lost(lost, "messages")

    def _connect(self, host: str, port: int) -> None:
        try:
            self._client.connect(host, port)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "no answer"
            raise SinkError(f"the broker {self.name} cannot be reached: {reason}") from None
        self._client.loop_start()
        if self._answered.wait(_CONNECT_S) and not self._answer.is_failure:
            return
        self._client.disconnect()
        self._client.loop_stop()
        reason = "no answer" if self._answer is None else f"it says '{self._answer}'"
        raise SinkError(f"the broker {self.name} does not take the connection: {reason}")

    def _on_connect(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if self._answered.is_set() and not reason.is_failure:
            logger.info("%s is connected again", self.name)
        self._answer = reason
        self._answered.set()

    def _on_publish(self, client: Any, userdata: Any, mid: Any, reason: Any, properties: Any) -> None:
        with self._progress:
            self._confirmed += 1
            self._progress.notify_all()

    def _on_disconnect(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if not self._closed and self._answered.is_set():
            logger.warning("%s is disconnected (%s); messages wait for it to come back", self.name, reason)
