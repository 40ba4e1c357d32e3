"""Who is who from frame to frame."""

from pipeline.tracking.tracker import Tracker, TrackerConfig

__all__ = ["Tracker", "TrackerConfig"]
