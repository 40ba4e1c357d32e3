"""How alike two bodies are: keypoint similarity, with or without motion, overlap of boxes, and what both suppress."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.types import Pose

Array = NDArray[np.floating]

COCO_SIGMAS = np.array(
    [.026, .025, .025, .035, .035, .079, .079, .072, .072, .062, .062, .107, .107, .087, .087, .089, .089], np.float32
)  # fmt: skip
"""How far human annotators disagree about each keypoint, relative to body size (COCO keypoint evaluation)."""

AREA_OF_BOX = 0.53
"""A body covers about half of the box around it; COCO's similarity wants the body's area."""

LIMB_SPEED = np.array([0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.8, 0.8, 1.5, 1.5, 0.3, 0.3, 0.7, 0.7, 1.1, 1.1])
"""Body heights a second by which a keypoint commonly moves against the body's own motion: ankles much, hips little."""

LIMB_TIME_S = 0.3
"""After this time a limb is somewhere in its range; it does not get further away."""


def keypoint_area(keypoints: NDArray[np.float32]) -> float:
    """Body area in square pixels, guessed from the extent of (17, 2) keypoints.

    The short side counts at least a third of the long one, so that somebody seen from the side or lying straight is not
    taken for a tiny body.
    """
    extent: list[float] = (keypoints.max(axis=0) - keypoints.min(axis=0)).tolist()
    width, height = extent
    longest = max(width, height, 1.0)
    return AREA_OF_BOX * longest * max(min(width, height), longest / 3)


def oks(a: Pose, b: Pose, least_score: float = 0.0, slack: float = 0.0) -> float:
    """Object keypoint similarity of two poses, in [0, 1] (COCO keypoint evaluation, with the mean area of both).

    Args:
        a: a pose in pixels.
        b: another pose in pixels of the same picture size.
        least_score: keypoints count where both poses are at least this sure; where none is, the similarity is 0.
        slack: pixels by which the body may have moved between the two, as a standard deviation.
    """
    both = np.minimum(a.scores, b.scores) >= least_score
    if not both.any():
        return 0.0
    area = (keypoint_area(a.keypoints) + keypoint_area(b.keypoints)) / 2
    squared = ((a.keypoints - b.keypoints) ** 2).sum(axis=1)
    terms = np.exp(-squared / (2 * (area * (2 * COCO_SIGMAS) ** 2 + slack**2)))
    return float(terms[both].mean())


def suppress_duplicates(poses: Sequence[Pose], threshold: float, least_score: float = 0.2) -> list[Pose]:
    """Keep the surest of poses that describe one body (non-maximum suppression by keypoint similarity).

    Args:
        poses: poses of one picture.
        threshold: a pose more similar than this to a surer one is dropped.
        least_score: see :func:`oks`; doubtful keypoints say nothing about whose body it is.
    """
    kept: list[Pose] = []
    for pose in sorted(poses, key=lambda p: p.score, reverse=True):
        if all(oks(pose, other, least_score) <= threshold for other in kept):
            kept.append(pose)
    return kept


def match_poses(poses: Sequence[Pose], others: Sequence[Pose], least: float) -> dict[int, int]:
    """Pair poses with others, most similar first, each at most once.

    Args:
        poses: poses of one picture.
        others: poses of the same picture, from elsewhere.
        least: pairs less similar than this stay apart.

    Returns:
        Index into ``poses`` -> index into ``others``.
    """
    pairs = sorted(
        ((oks(pose, other, 0.2), i, j) for i, pose in enumerate(poses) for j, other in enumerate(others)), reverse=True
    )
    matched: dict[int, int] = {}
    for similarity, i, j in pairs:
        if similarity >= least and i not in matched and j not in matched.values():
            matched[i] = j
    return matched


def iou(a: Array, b: Array) -> NDArray[np.float64]:
    """Intersection over union of boxes (M, 4) and (N, 4), x1, y1, x2, y2 in pixels: (M, N) in [0, 1]."""
    a, b = np.asarray(a, np.float64).reshape(-1, 4), np.asarray(b, np.float64).reshape(-1, 4)
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    inner: NDArray[np.float64] = np.clip(high - low, 0, None).prod(-1)
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
    similarity: NDArray[np.float64] = (alike * weight).sum(-1) / np.maximum(weight.sum(-1), 1e-9)
    return similarity


def suppress_boxes(boxes: Array, scores: Array, iou: float) -> NDArray[np.intp]:
    """Keep the surest of boxes that overlap.

    Args:
        boxes: (N, 4) x1, y1, x2, y2.
        scores: (N,).
        iou: a box whose intersection with a surer kept one is more than this part of their union is left out.

    Returns:
        Indices of the boxes to keep, surest first.
    """
    # cv2.dnn.NMSBoxes keeps the same and is faster (0.05 ms against 0.5 for sixty boxes), but it drops scores of 0 and
    # takes any two boxes without an area for one; ``iou`` in this loop would double the time.
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


def without_undefined(keypoints: Array, scores: Array) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """One body in which every number is one; a keypoint that has no place or no score is an absent one.

    Args:
        keypoints: (17, 2) pixels; not a number or infinite where undefined.
        scores: (17,) as the network gives them.

    Returns:
        Keypoints, the undefined ones in the middle of the others, where they make no body larger; and scores in
        [0, 1], 0 for the undefined ones.
    """
    defined = np.isfinite(keypoints).all(axis=-1) & np.isfinite(scores)
    scores = np.where(defined, np.clip(scores, 0, 1), 0)
    if not defined.all():
        middle = keypoints[defined].mean(axis=0) if defined.any() else np.zeros(2)
        keypoints = np.where(defined[:, None], keypoints, middle)
    return keypoints.astype(np.float32), scores.astype(np.float32)


def _area(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    area: NDArray[np.float64] = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(-1)
    return area
