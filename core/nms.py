"""Non-maximum suppression of boxes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def suppress_boxes(boxes: NDArray[np.floating], scores: NDArray[np.floating], iou: float) -> NDArray[np.intp]:
    """Keep the surest of boxes that overlap.

    Args:
        boxes: (N, 4) x1, y1, x2, y2.
        scores: (N,).
        iou: a box whose intersection with a surer kept one is more than this part of their union is left out.

    Returns:
        Indices of the boxes to keep, surest first.
    """
    order = np.argsort(-scores, kind="stable")
    boxes = boxes.astype(np.float64)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept = []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(best)
        sides = np.minimum(boxes[best, 2:], boxes[rest, 2:]) - np.maximum(boxes[best, :2], boxes[rest, :2])
        shared = np.clip(sides, 0, None).prod(axis=1)
        order = rest[shared <= iou * (areas[best] + areas[rest] - shared)]
    return np.array(kept, np.intp)
