"""How alike two bodies are: overlap of boxes, and keypoint similarity that allows for motion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.oks import COCO_SIGMAS

Array = NDArray[np.floating]

LIMB_SPEED = np.array([0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.8, 0.8, 1.5, 1.5, 0.3, 0.3, 0.7, 0.7, 1.1, 1.1])
"""Body heights a second by which a keypoint commonly moves against the body's own motion: ankles much, hips little."""

LIMB_TIME_S = 0.3
"""After this time a limb is somewhere in its range; it does not get further away."""


def iou(a: Array, b: Array) -> NDArray[np.float64]:
    """Intersection over union of boxes (M, 4) and (N, 4), x1, y1, x2, y2 in pixels: (M, N) in [0, 1]."""
    a, b = np.asarray(a, np.float64).reshape(-1, 4), np.asarray(b, np.float64).reshape(-1, 4)
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    inner = np.clip(high - low, 0, None).prod(-1)
    union = _area(a)[:, None] + _area(b)[None] - inner
    return inner / np.maximum(union, 1e-9)


def keypoint_similarity(
    keypoints_a: Array,
    weights_a: Array,
    keypoints_b: Array,
    weights_b: Array,
    size: Array,
    slack: Array | float = 0.0,
    dt_s: Array | float = 0.0,
) -> NDArray[np.float64]:
    """Object keypoint similarity (COCO's OKS), widened by the motion that the time between the two bodies allows.

    Args:
        keypoints_a: (M, 17, 2) pixels; weights_a: (M, 17) in [0, 1].
        keypoints_b: (N, 17, 2) pixels; weights_b: (N, 17) in [0, 1].
        size: (M,) body height in pixels.
        slack: (M,) pixels by which the whole body may be misplaced (a prediction's standard deviation).
        dt_s: (M,) seconds between the two.

    Returns:
        (M, N) in [0, 1]: mean over the joints, weighted by the less certain of the two; 0 where they share none.
    """
    size = np.asarray(size, np.float64)[:, None]  # (M, 1)
    slack = np.broadcast_to(np.asarray(slack, np.float64), size.shape[:1])[:, None]
    dt = np.minimum(np.broadcast_to(np.asarray(dt_s, np.float64), size.shape[:1]), LIMB_TIME_S)[:, None]
    # COCO measures size as the root of the area; an upright body's is about half of its height.
    variance = (2 * COCO_SIGMAS * size * 0.5) ** 2 + (LIMB_SPEED * size * dt) ** 2 + slack**2  # (M, 17)
    distance2 = ((keypoints_a[:, None] - keypoints_b[None]) ** 2).sum(-1)  # (M, N, 17)
    weight = np.minimum(weights_a[:, None], weights_b[None])  # (M, N, 17)
    alike = np.exp(-distance2 / (2 * variance[:, None]))
    return (alike * weight).sum(-1) / np.maximum(weight.sum(-1), 1e-9)


def _area(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(-1)
