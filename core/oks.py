"""Object keypoint similarity: how much two poses look like the same body."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.types import Pose

COCO_SIGMAS = np.array(
    [.026, .025, .025, .035, .035, .079, .079, .072, .072, .062, .062, .107, .107, .087, .087, .089, .089], np.float32
)  # fmt: skip
"""How far human annotators disagree about each keypoint, relative to body size (COCO keypoint evaluation)."""

AREA_OF_BOX = 0.53
"""A body covers about half of the box around it; COCO's similarity wants the body's area."""


def keypoint_area(keypoints: NDArray[np.float32]) -> float:
    """Body area in square pixels, guessed from the extent of (17, 2) keypoints.

    The short side counts at least a third of the long one, so that somebody seen from the side or lying straight is not
    taken for a tiny body.
    """
    width, height = (keypoints.max(axis=0) - keypoints.min(axis=0)).tolist()
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
