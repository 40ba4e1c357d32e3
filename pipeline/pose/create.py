"""From the user's words for a pose model to the estimator."""

from __future__ import annotations

from typing import Any

from core.errors import PoseError
from pipeline.pose.base import PoseEstimator

SPECS = ("movenet", "movenet-multipose", "rtmpose:FILE.onnx", "mmpose:CONFIG")
"""What :func:`create_pose` understands."""


def create_pose(spec: str = "movenet", **options: Any) -> PoseEstimator:
    """Make a pose estimator.

    Args:
        spec: one of ``SPECS``; what follows the colon is a file, configuration or alias.
        options: keyword options of the estimator's class, or of ``create_rtmpose`` and ``create_mmpose``; ``weights``
            is the file of an mmpose model's weights.

    Raises:
        PoseError: the spec names no known estimator, or its networks cannot be loaded.
    """
    name, _, argument = spec.partition(":")
    if name == "mmpose" and argument:
        from pipeline.pose.openmmlab.mmpose import create_mmpose

        return create_mmpose(argument, **options)
    if "weights" in options or "trust_weights" in options:
        raise PoseError(f"Weights belong to an mmpose model, not to '{spec}'.")
    if name == "rtmpose" and argument:
        from pipeline.pose.openmmlab.rtmpose import create_rtmpose

        return create_rtmpose(argument, **options)
    if "detector" in options:
        raise PoseError(f"A person detector belongs to an rtmpose or mmpose model, not to '{spec}'.")
    if name == "movenet" and not argument:
        from pipeline.pose.movenet.follow import MoveNetFollower

        return MoveNetFollower(**options)
    if name == "movenet-multipose" and not argument:
        from pipeline.pose.movenet.multipose import MoveNetMultipose

        return MoveNetMultipose(**options)
    raise PoseError(f"The pose model '{spec}' is not known; choose one of {', '.join(SPECS)}.")
