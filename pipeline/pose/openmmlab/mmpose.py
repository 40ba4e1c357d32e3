"""Any OpenMMLab pose model, run by mmpose itself.

This is the only module of the pipeline that leads to torch, and only when somebody asks for an mmpose model. For a
model that has proved itself, ``python -m engines export-pose`` makes a file that needs neither.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import EngineError, PoseError
from core.similarity import without_undefined
from core.types import Frame, Pose
from engines.openmmlab.model import keypoint_names, kind_of, load_model
from engines.openmmlab.needs import missing_packages
from pipeline.pose.base import PoseEstimator
from pipeline.pose.openmmlab.detector import Boxes, create_detector
from pipeline.pose.openmmlab.reduce import coco_indices
from pipeline.pose.openmmlab.topdown import DETECT_EVERY_S, PERSON_SCORE, TopDown
from pipeline.pose.picture import as_bgr

__all__ = ["BoxModel", "OneStageModel", "create_mmpose", "missing_packages"]


def create_mmpose(
    config: str,
    weights: str | Path | None = None,
    *,
    trust_weights: bool = False,
    device: str = "auto",
    detector: str = "movenet",
    flip_test: bool = False,
    detect_every_s: float = DETECT_EVERY_S,
    person_score: float = PERSON_SCORE,
) -> PoseEstimator:
    """A pose estimator from an mmpose configuration and checkpoint.

    Args:
        config: a configuration file, or the name of one that mmpose ships.
        weights: the checkpoint.
        trust_weights: load a checkpoint that holds arbitrary Python objects, which can run code from it.
        device: ``cpu``, ``cuda:0``, or ``auto`` for a GPU where there is one.
        detector: where boxes come from, see :func:`pipeline.pose.openmmlab.detector.create_detector`; a one-stage
            model needs
            none.
        flip_test: also look at each crop in the mirror: surer, and twice the time.
        detect_every_s: seconds between two runs of the detector.
        person_score: people below this score are left out.

    Raises:
        PoseError: mmpose is not installed, or the configuration, the weights or the detector cannot be used.
    """
    try:
        config = os.path.expanduser(config)
        weights = weights and os.path.expanduser(weights)
        model = load_model(config, weights, device=_device(device), trusted=trust_weights)
        if kind_of(model) == "one-stage":
            return OneStageModel(model, config)
        return TopDown(
            BoxModel(model, config, flip_test=flip_test),
            create_detector(detector),
            detect_every_s=detect_every_s,
            person_score=person_score,
        )
    except EngineError as error:
        raise PoseError(str(error)) from error


class BoxModel:
    """A top-down mmpose model: keypoints of the person in each box, all boxes in one batch."""

    def __init__(self, model: Any, name: str, *, flip_test: bool = False) -> None:
        """Take a loaded model.

        Args:
            model: a ``TopdownPoseEstimator`` in evaluation mode.
            name: what to call it in messages.
            flip_test: see :func:`create_mmpose`.

        Raises:
            PoseError: the model does not find all of COCO's 17 keypoints.
        """
        self._joints = coco_indices(keypoint_names(model), name)
        self._model = model
        self._model.test_cfg["flip_test"] = flip_test

    def keypoints_in(self, image: NDArray[np.uint8], boxes: Boxes) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Keypoints (N, 17, 2) in image pixels and scores (N, 17) of the people in (N, 4) boxes, N >= 1."""
        from mmpose.apis import inference_topdown

        samples = inference_topdown(self._model, image, boxes)
        found = [sample.pred_instances for sample in samples]
        keypoints = np.stack([np.asarray(one.keypoints[0]) for one in found])[:, self._joints]
        scores = np.stack([np.asarray(one.keypoint_scores[0]) for one in found])[:, self._joints]
        return keypoints[..., :2].astype(np.float32), scores.astype(np.float32)

    def close(self) -> None:
        """Release the model."""
        self._model = None


class OneStageModel(PoseEstimator):
    """A one-stage mmpose model as a pose estimator."""

    def __init__(self, model: Any, name: str) -> None:
        """Take a loaded model.

        Args:
            model: a ``BottomupPoseEstimator`` in evaluation mode.
            name: what to call it in messages.

        Raises:
            PoseError: the model does not find all of COCO's 17 keypoints.
        """
        self._joints = coco_indices(keypoint_names(model), name)
        self._model = model

    def estimate(self, frame: Frame) -> tuple[Pose, ...]:
        """Everybody in the frame, in image pixels, surest first."""
        from mmpose.apis import inference_bottomup

        found = inference_bottomup(self._model, as_bgr(frame.image))[0].pred_instances
        if not len(found):
            return ()
        everywhere = np.asarray(found.keypoints, np.float32).reshape(len(found), -1, 2)[:, self._joints]
        unsure = np.asarray(found.keypoint_scores, np.float32)[:, self._joints]
        people = [without_undefined(*person) for person in zip(everywhere, unsure, strict=True)]
        keypoints, scores = (np.stack(each) for each in zip(*people, strict=True))
        boxes = np.asarray(found.bboxes, np.float32) if "bboxes" in found else _around(keypoints)
        sure = np.asarray(found.bbox_scores, np.float32) if "bbox_scores" in found else scores.mean(axis=1)
        order = np.argsort(-sure, kind="stable")
        return tuple(Pose(keypoints[i], scores[i], boxes[i], float(sure[i])) for i in order)

    def close(self) -> None:
        """Release the model."""
        self._model = None


def _around(keypoints: NDArray[np.float32]) -> Boxes:
    """(N, 4) boxes around (N, 17, 2) keypoints, for models that give none."""
    return np.concatenate([keypoints.min(axis=1), keypoints.max(axis=1)], axis=1)


def _device(device: str) -> str:
    """torch's name of the device."""
    from engines.openmmlab.needs import require

    require()
    import torch

    if device == "auto":
        return "cuda:0" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise PoseError("torch finds no NVIDIA GPU here; choose the device cpu.")
    return device
