"""Where results go: event lines, annotated video, segment tables, publishers."""

from core.errors import SinkError
from pipeline.sinks.background import BackgroundSink
from pipeline.sinks.base import Sink
from pipeline.sinks.events import EventSink
from pipeline.sinks.group import SinkFailure, SinkGroup
from pipeline.sinks.mqtt import MqttSink
from pipeline.sinks.publish import create_publisher
from pipeline.sinks.records import DecisionRecords, as_line
from pipeline.sinks.segments import SegmentSink
from pipeline.sinks.video import VideoSink
from pipeline.sinks.websocket import WebSocketSink

__all__ = [
    "BackgroundSink",
    "DecisionRecords",
    "EventSink",
    "MqttSink",
    "SegmentSink",
    "Sink",
    "SinkError",
    "SinkFailure",
    "SinkGroup",
    "VideoSink",
    "WebSocketSink",
    "as_line",
    "create_publisher",
]
