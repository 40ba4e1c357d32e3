"""People drawn by formula: their keypoints at any time, so that the truth is known at any frame rate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.types import Pose

# A standing body, x and y in parts of its height, feet at y = 0 (y down), centred on x = 0, facing the camera.
_BODY = np.array(
    [
        (0.00, -0.93), (0.02, -0.95), (-0.02, -0.95), (0.04, -0.94), (-0.04, -0.94), (0.11, -0.82), (-0.11, -0.82),
        (0.14, -0.64), (-0.14, -0.64), (0.15, -0.49), (-0.15, -0.49), (0.06, -0.53), (-0.06, -0.53), (0.06, -0.28),
        (-0.06, -0.28), (0.06, -0.04), (-0.06, -0.04),
    ]
)  # fmt: skip
_SWING = np.zeros(17)
_SWING[[7, 9, 13, 15]] = [-0.05, -0.11, 0.06, 0.16]
_SWING[[8, 10, 14, 16]] = [0.05, 0.11, -0.06, -0.16]

STEPS_HZ = 0.9
"""Full strides a second."""


def walker(time_s: float, x0: float, y: float, height: float, speed: float, phase: float = 0.0) -> NDArray[np.float32]:
    """(17, 2) keypoints of somebody walking sideways.

    Args:
        time_s: moment in seconds.
        x0: position in pixels at time 0.
        y: of the feet, in pixels.
        height: in pixels.
        speed: pixels a second, negative to the left.
        phase: of the gait, in radians.
    """
    body = _BODY.copy()
    body[:, 0] = body[:, 0] * 0.6 + _SWING * np.sin(2 * np.pi * STEPS_HZ * time_s + phase) * np.sign(speed)
    return (body * height + (x0 + speed * time_s, y)).astype(np.float32)


def waver(time_s: float, x: float = 320.0, y: float = 440.0, height: float = 300.0) -> NDArray[np.float32]:
    """(17, 2) keypoints of somebody standing who waves the right arm about once a second."""
    body = _BODY.copy()
    angle = 0.6 * np.sin(2 * np.pi * 1.1 * time_s)
    elbow = body[6] + (-0.12, -0.10)
    body[8] = elbow
    body[10] = elbow + 0.16 * np.array([np.sin(angle), -np.cos(angle)])
    return (body * height + (x, y)).astype(np.float32)


def pose_of(
    keypoints: NDArray[np.floating], score: float = 0.6, noise: float = 0.0, rng: np.random.Generator | None = None
) -> Pose:
    """A detector's view of a body.

    Args:
        keypoints: (17, 2) pixels.
        score: of the person and of every keypoint.
        noise: standard deviation of the keypoints' errors in pixels.
        rng: source of the noise.
    """
    seen = np.asarray(keypoints, np.float32)
    if noise and rng is not None:
        seen = (seen + rng.normal(0, noise, seen.shape)).astype(np.float32)
    margin = 0.05 * (seen[:, 1].max() - seen[:, 1].min())
    box = np.concatenate([seen.min(0) - margin, seen.max(0) + margin]).astype(np.float32)
    return Pose(seen, np.full(17, score, np.float32), box, score)
