"""Virtual cameras: 3-D skeletons seen from anywhere a real camera might stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FOCAL = 1000.0
"""Focal length in pixels; any value does, the pre-processing divides by the person's size."""


@dataclass(frozen=True)
class CameraRange:
    """Where virtual cameras stand, seen from the middle of the recorded person."""

    yaw_deg: float = 180.0  # turned around the vertical axis by up to this much to either side
    pitch_deg: tuple[float, float] = (-10.0, 35.0)  # looking down by this much
    roll_deg: float = 6.0
    distance_m: tuple[float, float] = (2.2, 9.0)


ANYWHERE = CameraRange()
"""For recordings whose heading means nothing (motion capture)."""

IN_FRONT = CameraRange(yaw_deg=75.0, pitch_deg=(-15.0, 25.0))
"""For depth-sensor sets, whose actions are made towards the sensor; hidden sides were never measured well."""


def _turn(axis: int, radians: float) -> NDArray[np.float64]:
    a, b = [(1, 2), (2, 0), (0, 1)][axis]
    m = np.eye(3)
    m[a, a] = m[b, b] = np.cos(radians)
    m[a, b], m[b, a] = -np.sin(radians), np.sin(radians)
    return m


def random_rotation(rng: np.random.Generator, where: CameraRange) -> NDArray[np.float64]:
    """(3, 3) rotation from a y-up world to a camera's view, x right, y up, z towards the camera."""
    yaw = np.radians(rng.uniform(-where.yaw_deg, where.yaw_deg))
    pitch = np.radians(rng.uniform(*where.pitch_deg))
    roll = np.radians(rng.uniform(-where.roll_deg, where.roll_deg))
    return _turn(2, roll) @ _turn(0, pitch) @ _turn(1, yaw)


def project(
    world: NDArray[np.floating], rotation: NDArray[np.floating], distance_m: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Perspective view of skeletons from a camera that looks at their middle.

    Args:
        world: (T, V, 3) metres, y up, right-handed.
        rotation: (3, 3) world to camera, as ``random_rotation`` gives.
        distance_m: of the camera from the middle of the sequence.

    Returns:
        pixels (T, V, 2), x right, y down; and (T, V, 3) metres in the camera's frame: x right, y down, z away from
        the camera.
    """
    middle = world.reshape(-1, 3).mean(0)
    seen = (world - middle) @ rotation.T  # x right, y up, z towards the camera
    camera = np.stack([seen[..., 0], -seen[..., 1], -seen[..., 2]], -1)
    depth = np.maximum(camera[..., 2:] + distance_m, 0.3)
    return (camera[..., :2] / depth * FOCAL).astype(np.float32), camera.astype(np.float32)
