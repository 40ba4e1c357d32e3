"""Other people's bodies: recordings replayed by somebody with longer arms, a shorter trunk, wider hips.

The training split of a sensor data set shows few people, often five. Changed limb lengths under the same motion are how
pose lifting makes more of them (the bone-length operation of Gong, Zhang and Feng, "PoseAug", CVPR 2021).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.skeleton import FACE, FOREARMS, HIPS, SHANKS, SHOULDERS, THIGHS, UPPER_ARMS

_LIMBS = (UPPER_ARMS, FOREARMS, THIGHS, SHANKS)  # from the trunk outwards
_UNCHANGED = 0.2  # part of the people who stay as they are


def draw_lengths(rng: np.random.Generator, sigma: float) -> NDArray[np.float64]:
    """Somebody's body: (8,) factors for the widths of hips and shoulders, the length of the trunk, the size of the
    head, upper arms, forearms, thighs and shanks, log-normal with ``sigma``; both sides are alike."""
    if rng.random() < _UNCHANGED:
        return np.ones(8)
    return np.exp(rng.normal(0, sigma, 8))


def change_proportions(
    keypoints: NDArray[np.floating], scores: NDArray[np.floating], lengths: NDArray[np.float64]
) -> NDArray[np.float32]:
    """The same motion by a body of other proportions.

    Parts hang on one another, so a longer trunk lifts the arms and a longer thigh lowers the shank; the middle of the
    hips stays. A part with an absent joint keeps its length, and an absent joint its place.

    Args:
        keypoints: (T, 17, C) in any unit, two or three coordinates.
        scores: (T, 17), 0 where a joint is absent.
        lengths: (8,) factors as ``draw_lengths`` gives.

    Returns:
        (T, 17, C).
    """
    hips, shoulders, trunk, head, *limbs = lengths - 1
    x: NDArray[np.float64] = keypoints.astype(np.float64)
    seen: NDArray[np.bool_] = scores > 0
    moved = np.zeros_like(x)
    middle_of_hips, middle_of_shoulders = x[:, HIPS].mean(1), x[:, SHOULDERS].mean(1)
    hips_seen, shoulders_seen = seen[:, HIPS].all(1, keepdims=True), seen[:, SHOULDERS].all(1, keepdims=True)

    lift = trunk * (middle_of_shoulders - middle_of_hips) * (hips_seen & shoulders_seen)
    for joint in HIPS:
        moved[:, joint] = hips * (x[:, joint] - middle_of_hips) * hips_seen
    for joint in SHOULDERS:
        moved[:, joint] = lift + shoulders * (x[:, joint] - middle_of_shoulders) * shoulders_seen
    for joint in FACE:
        moved[:, joint] = lift + head * (x[:, joint] - middle_of_shoulders) * shoulders_seen
    for part, pairs in zip(limbs, _LIMBS, strict=True):
        for upper, lower in pairs:
            both = (seen[:, upper] & seen[:, lower])[:, None]
            moved[:, lower] = moved[:, upper] + part * (x[:, lower] - x[:, upper]) * both
    return (x + moved * seen[..., None]).astype(np.float32)
