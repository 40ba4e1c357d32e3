"""From the user's words for a pose model to the estimator."""

from __future__ import annotations

from typing import Any

from pipeline.pose.base import PoseError, PoseEstimator

SPECS = ("movenet", "movenet-multipose", "rtmpose:FILE.onnx", "mmpose:CONFIG")
"""What :func:`create_pose` understands."""


def create_pose(spec: str = "movenet", **options: Any) -> PoseEstimator:
    """Make a pose estimator.

    Args:
        spec: one of ``SPECS``; what follows the colon is a file, configuration or alias.
        options: keyword options of the estimator's class.

    Raises:
        PoseError: the spec names no known estimator, or its networks cannot be loaded.
    """
    name, _, argument = spec.partition(":")
    if name in ("movenet", "movenet-multipose") and not argument:
        from pipeline.pose.movenet import MoveNetMultipose

        return MoveNetMultipose(**options)
    raise PoseError(f"The pose model '{spec}' is not known; choose one of {', '.join(SPECS)}.")
