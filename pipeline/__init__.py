"""Frames in, labelled people out: sources, pose, tracking, windows, recognition, threads, sinks."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.errors import ModelError, UserError
    from core.types import Action, Frame, Person, Pose, Result, Window
    from pipeline.pipeline import Pipeline
    from pipeline.recognition.model import ActionModel
    from pipeline.recognition.recogniser import Recogniser, RecogniserConfig
    from pipeline.sources import Policy, SourceError, open_source
    from pipeline.stages import PipelineError
    from pipeline.stats import PipelineStats
    from pipeline.tracking import Tracker, TrackerConfig

# Names are looked up when used: training needs the pre-processing of this package, not its cameras and networks.
_HOME = {
    "Action": "types",
    "ActionModel": "action_model",
    "Frame": "types",
    "ModelError": "action_model",
    "Person": "types",
    "Pipeline": "pipeline",
    "PipelineError": "stages",
    "PipelineStats": "stats",
    "Policy": "sources",
    "Pose": "types",
    "Recogniser": "recogniser",
    "RecogniserConfig": "recogniser",
    "Result": "types",
    "SourceError": "sources",
    "Tracker": "tracking",
    "TrackerConfig": "tracking",
    "UserError": "errors",
    "Window": "types",
    "open_source": "sources",
}

__all__ = [
    "Action",
    "ActionModel",
    "Frame",
    "ModelError",
    "Person",
    "Pipeline",
    "PipelineError",
    "PipelineStats",
    "Policy",
    "Pose",
    "Recogniser",
    "RecogniserConfig",
    "Result",
    "SourceError",
    "Tracker",
    "TrackerConfig",
    "UserError",
    "Window",
    "open_source",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
