"""Frames in, labelled people out: sources, pose, tracking, windows, recognition, threads, sinks."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.errors import ModelError, UserError
    from core.types import Action, Frame, Person, Pose, Result
    from pipeline.pipeline import Pipeline
    from pipeline.recognition.model import ActionModel
    from pipeline.recognition.recogniser import Recogniser, RecogniserConfig
    from pipeline.sources import Policy, SourceError, open_source
    from pipeline.stages import PipelineError
    from pipeline.stats import PipelineStats
    from pipeline.tracking import Tracker, TrackerConfig

# Names are looked up when used: training needs the pre-processing of this package, not its cameras and networks.
_HOME = {
    name: module
    for module, names in {
        "core.errors": "ModelError UserError",
        "core.types": "Action Frame Person Pose Result",
        "pipeline.pipeline": "Pipeline",
        "pipeline.recognition.model": "ActionModel",
        "pipeline.recognition.recogniser": "Recogniser RecogniserConfig",
        "pipeline.sources": "Policy SourceError open_source",
        "pipeline.stages": "PipelineError",
        "pipeline.stats": "PipelineStats",
        "pipeline.tracking": "Tracker TrackerConfig",
    }.items()
    for name in names.split()
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
    "open_source",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
