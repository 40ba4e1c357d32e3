"""Keypoints that a network gone astray has left undefined."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def without_undefined(
    keypoints: NDArray[np.floating], scores: NDArray[np.floating]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
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
