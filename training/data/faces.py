"""Sensor skeletons as COCO-17: joints renamed, and the face that depth sensors do not measure put where it must be.

A detector always gives eyes and ears. Without them the network could tell sensor recordings from video by the missing
face and would never give a live person a class that only the sensor sets know.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.skeleton import HIPS

_FACE = {  # joint: (forward, to the left, up) from the middle of the head, metres, of an adult
    0: (0.10, 0.0, -0.01),
    1: (0.08, 0.032, 0.03),
    2: (0.08, -0.032, 0.03),
    3: (0.0, 0.072, 0.0),
    4: (0.0, -0.072, 0.0),
}


def to_coco17(
    keypoints: NDArray[np.float32], scores: NDArray[np.float32], mapping: list[int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Rename a sensor's joints and add the face.

    The face looks where the chest does: across the line of the shoulders, away from the sensor's blind side.

    Args:
        keypoints: (M, T, V, 3) metres in the sensor's frame: +x to the sensor's left, +y up, +z away from it; or (..,
            2).
        scores: (M, T, V).
        mapping: source joint of each COCO joint, or -1; the nose's is the head.

    Returns:
        (M, T, 17, C) and (M, T, 17). Three coordinates come back as x right, y up, z towards the camera.
    """
    source = np.asarray(mapping)
    out = keypoints[:, :, np.maximum(source, 0)]
    s = scores[:, :, np.maximum(source, 0)] * (source >= 0)
    if keypoints.shape[-1] != 3:
        return out, s
    out = out * np.array([-1, 1, -1], np.float32)
    if (source >= 0).sum() < 17:
        head = out[:, :, 0].copy()
        across = out[:, :, 5] - out[:, :, 6]  # right shoulder to left shoulder
        across[..., 1] = 0
        left = across / np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-6)
        # The head leans with the trunk, half as much.
        trunk = head - out[:, :, HIPS].mean(2)
        up = trunk / np.maximum(np.linalg.norm(trunk, axis=-1, keepdims=True), 1e-6) + np.array([0, 1, 0], np.float32)
        up /= np.maximum(np.linalg.norm(up, axis=-1, keepdims=True), 1e-6)
        forward = np.cross(left, up)
        for joint, (f, sideways, u) in _FACE.items():
            out[:, :, joint] = head + f * forward + sideways * left + u * up
            s[:, :, joint] = s[:, :, 0]
    missing = s <= 0
    out[missing] = 0
    return out.astype(np.float32), s.astype(np.float32)
