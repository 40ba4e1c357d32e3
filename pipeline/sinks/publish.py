"""Decisions for other programs, over the network."""

from __future__ import annotations

from urllib.parse import urlsplit

from core.errors import SinkError
from core.redact import redact_url
from pipeline.sinks.base import Sink
from pipeline.sinks.mqtt import MqttSink
from pipeline.sinks.websocket import WebSocketSink


def create_publisher(url: str) -> Sink:
    """The sink for an address: ``ws://HOST:PORT`` serves, ``mqtt[s]://[USER:PASSWORD@]HOST[:PORT][/TOPIC]`` publishes.

    Raises:
        SinkError: for another scheme, a missing package, a port in use or a broker that does not take us.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise SinkError(f"{redact_url(url)} is not a valid address") from None
    if parts.scheme not in ("ws", "mqtt", "mqtts") or not host:
        raise SinkError(f"{redact_url(url)} is no address to publish at (ws://HOST:PORT or mqtt://HOST/TOPIC)")
    if parts.scheme == "ws":
        return WebSocketSink(host, 8765 if port is None else port)
    return MqttSink(url)
