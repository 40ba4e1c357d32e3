"""Network input for any skeleton, in two or three dimensions (section 4.5).

Windows of COCO-17 skeletons in image pixels have a preparation of their own, which the live pipeline calls and which
estimates a person's size from body proportions. This one serves every other skeleton and needs only to be told where
its middle is and how long its unit of length.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

HEIGHT_M = 1.7
"""Unit of length for skeletons in metres: a standing person's height."""

MAX_EXTENT = 2.0
"""Coordinates are clipped to this many units from the middle of the body."""

MAX_SPEED = 10.0
"""Velocities are clipped to this many units a second; anything faster is a jump of the tracker."""


def skeleton_features(
    positions: NDArray[np.floating],
    weights: NDArray[np.floating],
    rate_hz: float,
    centre: Sequence[int],
    unit: float | NDArray[np.floating] = HEIGHT_M,
) -> NDArray[np.float32]:
    """Features of one skeleton sequence at a fixed rate; each frame looks at itself and its predecessor only.

    Args:
        positions: (T, V, C) coordinates, C being 2 or 3.
        weights: (T, V) in [0, 1]; 0 marks an absent joint, whose coordinates then do not matter.
        rate_hz: frames a second.
        centre: joints whose mean is the origin of each frame (all seen joints where none of these is seen).
        unit: the length that becomes 1, one for all frames or (T,).

    Returns:
        (T, V, 2C + 1) float32: coordinates, velocity of the joint itself (not relative to the centre) a second, weight.
        Everything is 0 where the weight is; the velocity is 0 in the first frame and where the joint was absent before.
    """
    x = np.asarray(positions, np.float32)
    w = np.where(np.isfinite(x).all(-1), np.clip(np.asarray(weights, np.float32), 0.0, 1.0), 0.0)
    coords = x.shape[-1]
    features = np.zeros((*w.shape, 2 * coords + 1), np.float32)
    if not len(x):
        return features
    seen = w > 0
    x = np.where(seen[..., None], x, 0.0)
    scale = np.maximum(np.broadcast_to(np.asarray(unit, np.float32), (len(x),)), 1e-6)[:, None, None]

    middle = np.zeros_like(seen)
    middle[:, list(centre)] = seen[:, list(centre)]
    anchor = np.where(middle.any(1, keepdims=True), middle, seen)  # (T, V)
    origin = (x * anchor[..., None]).sum(1, keepdims=True) / np.maximum(anchor.sum(1), 1)[:, None, None]

    both = seen[1:] & seen[:-1]
    velocity = np.where(both[..., None], (x[1:] - x[:-1]) * (rate_hz / scale[1:]), 0.0)

    features[..., :coords] = np.clip((x - origin) / scale, -MAX_EXTENT, MAX_EXTENT) * seen[..., None]
    features[1:, :, coords:-1] = np.clip(velocity, -MAX_SPEED, MAX_SPEED)
    features[..., -1] = w
    return features
