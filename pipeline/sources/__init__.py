"""Where frames come from: cameras, streams, video files and pictures."""

from core.errors import SourceError
from core.redact import redact_text, redact_url
from pipeline.sources.base import FrameSource
from pipeline.sources.events import EventKind, Severity, SourceEvent, SourceStats
from pipeline.sources.opening import open_source, opens_at_once
from pipeline.sources.options import LiveOptions
from pipeline.sources.policy import Policy
from pipeline.sources.source import Source

__all__ = [
    "EventKind",
    "FrameSource",
    "LiveOptions",
    "Policy",
    "Severity",
    "Source",
    "SourceError",
    "SourceEvent",
    "SourceStats",
    "open_source",
    "opens_at_once",
    "redact_text",
    "redact_url",
]
