"""Which pose belongs to which track."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from core.preprocess import keypoint_weights
from core.similarity import iou, keypoint_similarity
from core.types import Pose
from pipeline.tracking.track import Track

KEYPOINT_SHARE = 0.6
"""Part of the keypoints in the similarity; the boxes have the rest. Boxes of people who cross are nearly the same."""

MAX_SPEED = 4.0
"""Nobody moves by more than this many body heights a second."""

MAX_SIZE_RATIO = 2.0
"""A body that is this much taller or shorter than expected is somebody else."""

FADING_PER_S = 0.1
"""How much less a track is believed for each second that it has not been seen, so that people in view come first."""


def similarities(tracks: Sequence[Track], poses: Sequence[Pose], time_s: float) -> NDArray[np.float64]:
    """How well each pose continues each track: (M, N), at most 1, and minus infinity where it cannot."""
    if not tracks or not poses:
        return np.zeros((len(tracks), len(poses)))
    unseen = np.array([t.unseen_s(time_s) for t in tracks])  # (M,)
    height = np.array([t.height for t in tracks])
    slack = np.array([t.slack for t in tracks])
    boxes = np.stack([t.box for t in tracks])
    found = np.stack([p.box for p in poses]).astype(np.float64)

    expected, expected_weights = _joints([t.pose for t in tracks])
    expected += np.stack([t.moved for t in tracks])[:, None]
    alike = keypoint_similarity(expected, expected_weights, *_joints(poses), height, slack, unseen)
    # A prediction that is uncertain by some pixels must not be held to the pixel: the boxes grow by that much.
    grown = slack[:, None] * np.array([-1.0, -1.0, 1.0, 1.0])
    overlap = iou(boxes + grown, found)
    value = KEYPOINT_SHARE * alike + (1 - KEYPOINT_SHARE) * overlap - FADING_PER_S * unseen[:, None]

    centres, found_centres = (boxes[:, :2] + boxes[:, 2:]) / 2, (found[:, :2] + found[:, 2:]) / 2
    distance = np.linalg.norm(centres[:, None] - found_centres[None], axis=-1)  # (M, N)
    reach = height * (0.3 + MAX_SPEED * np.minimum(unseen, 1.0))
    ratio = np.maximum(found[:, 3] - found[:, 1], 1.0)[None] / height[:, None]
    possible = (distance <= reach[:, None]) & (ratio < MAX_SIZE_RATIO) & (ratio > 1 / MAX_SIZE_RATIO)
    return np.where(possible, value, -np.inf)


def _joints(poses: Sequence[Pose]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Keypoints (N, 17, 2) and weights (N, 17); what a detector has left undefined weighs nothing."""
    keypoints = np.stack([p.keypoints for p in poses]).astype(np.float64)
    weights = keypoint_weights(np.stack([p.scores for p in poses])).astype(np.float64)
    defined = np.isfinite(keypoints).all(-1) & np.isfinite(weights)
    return np.where(defined[..., None], keypoints, 0.0), np.where(defined, weights, 0.0)


def assign(value: NDArray[np.float64], least: float) -> list[tuple[int, int]]:
    """One-to-one pairs (row, column) with the largest sum of values, none of them below ``least``."""
    if not value.size:
        return []
    # A pair below the limit costs exactly as much as leaving both alone, so it never displaces a good pair.
    rows, columns = linear_sum_assignment(np.maximum(value, least), maximize=True)
    return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if value[r, c] > least]
