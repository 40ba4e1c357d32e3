"""Keypoints from SimCC distributions: one classification over the columns and one over the rows of the crop for each
keypoint.

Source: Li et al., "SimCC: a Simple Coordinate Classification Perspective for Human Pose Estimation", ECCV 2022, as
    RTMPose uses it
(Jiang et al., 2023).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def decode_simcc(
    along_x: NDArray[np.float32], along_y: NDArray[np.float32], split_ratio: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Take the highest bin along each axis.

    Args:
        along_x: (N, K, width * split_ratio).
        along_y: (N, K, height * split_ratio).
        split_ratio: bins a pixel.

    Returns:
        Keypoints (N, K, 2) in pixels of the crop, and their scores (N, K): the lower of both maxima. A keypoint whose
        score is not positive lies at minus one bin, as in mmpose.
    """
    scores = np.minimum(along_x.max(axis=2), along_y.max(axis=2)).astype(np.float32)
    bins = np.stack([along_x.argmax(axis=2), along_y.argmax(axis=2)], axis=-1).astype(np.float32)
    bins[scores <= 0] = -1
    return bins / np.float32(split_ratio), scores


def unflip_simcc(
    along_x: NDArray[np.float32], along_y: NDArray[np.float32], mirrored: NDArray[np.intp]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Turn the distributions of a mirrored crop into those of the crop.

    Args:
        along_x, along_y: as in :func:`decode_simcc`.
        mirrored: (K,) for each keypoint the one that it becomes in a mirror.
    """
    return along_x[:, mirrored, ::-1], along_y[:, mirrored]
