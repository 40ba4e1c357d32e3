"""What a live pose detector does to skeletons, done to clean ones, so that training sees what the pipeline will see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_PARTS = (
    (0, 1, 2, 3, 4),  # head
    (7, 9), (8, 10), (7, 8, 9, 10),  # left, right, both arms
    (13, 14, 15, 16), (11, 12, 13, 14, 15, 16),  # legs, lower body
    (9, 10), (15, 16),  # hands, feet
)  # fmt: skip


@dataclass(frozen=True)
class DetectorNoise:
    """How far and how often a pose estimator errs; lengths are parts of the body's extent.

    The figures are shaped after MoveNet on web video: two of its variants differ by 3 % of the body's extent at the
    median, score a fifth of the keypoints below 0.2, and lose the person in one frame of twenty.
    """

    jitter: float = 0.010  # white noise of each joint in each frame
    drift: float = 0.016  # slow error of each joint, correlated over about half a second
    outlier: float = 0.01  # part of joints that jump away in a frame
    missing_joint: float = 0.04  # part of joints that vanish in a frame
    missing_part: float = 0.25  # part of windows in which a body part is hidden throughout
    upper_body: float = 0.3  # part of synthetic windows in which the legs are out of the picture, as before a webcam
    missing_frame: float = 0.15  # part of windows in which some frames lack the person
    untouched: float = 0.3  # part of windows left as they are: small motions of the hands drown in noise otherwise


def detector_noise(
    keypoints: NDArray[np.float32],
    scores: NDArray[np.float32],
    rng: np.random.Generator,
    noise: DetectorNoise,
    synthetic: bool,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Disturb a sequence as a detector would.

    Args:
        keypoints: (T, 17, 2) pixels.
        scores: (T, 17).
        rng: source of randomness.
        noise: strength.
        synthetic: the skeletons come from a sensor or motion capture, not from a detector: scores are made up too,
            and the noise is full; otherwise the detector's own noise is there already and half is added.

    Returns:
        keypoints and scores of the same shapes; inputs are left alone.
    """
    if rng.random() < noise.untouched:
        return keypoints.astype(np.float32), scores.astype(np.float32)
    frames = len(keypoints)
    seen = scores > 0
    strength = rng.uniform(0.3, 1.7) * (1.0 if synthetic else 0.5)
    extent = extent_of(keypoints, seen)
    unit = (extent * strength)[:, None, None]

    drift = rng.normal(0, noise.drift, (frames // 6 + 2, 17, 2))
    at = np.linspace(0, len(drift) - 1, frames)
    lo = np.minimum(at.astype(int), len(drift) - 2)
    part = (at - lo)[:, None, None]
    slow = drift[lo] * (1 - part) + drift[lo + 1] * part
    moved = keypoints + unit * (slow + rng.normal(0, noise.jitter, keypoints.shape))
    jump = rng.random(seen.shape) < noise.outlier
    moved = moved + jump[..., None] * rng.normal(0, 0.15, keypoints.shape) * extent[:, None, None]

    out = scores.copy()
    if synthetic:
        base = rng.uniform(0.35, 0.9) + rng.normal(0, 0.1, (1, 17)) + rng.normal(0, 0.06, (frames, 17))
        out = np.where(seen, np.clip(base, 0.05, 0.98), 0.0)
    out[rng.random(seen.shape) < noise.missing_joint * rng.uniform(0, 2)] *= 0.3
    if rng.random() < noise.missing_part:
        hidden = list(_PARTS[rng.integers(len(_PARTS))])
        start, stop = sorted(rng.integers(0, frames + 1, 2)) if rng.random() < 0.5 else (0, frames)
        # A detector guesses hidden joints with a low score as often as it omits them.
        out[start:stop, hidden] *= rng.choice([0.0, 0.2, 0.4])
        moved[start:stop, hidden] += (
            rng.normal(0, 0.05, (stop - start, len(hidden), 2)) * extent[start:stop, None, None]
        )
    if synthetic and rng.random() < noise.upper_body:
        # Otherwise "no legs" would mean "one of the classes of web video"; a detector guesses legs near the lower edge.
        first = rng.choice([11, 13, 13, 15])
        out[:, first:] *= rng.choice([0.0, 0.15, 0.35])
        moved[:, first:] += rng.normal(0, 0.08, (1, 17 - first, 2)) * extent[:, None, None]
        moved[:, first:] += rng.normal(0, 0.04, (frames, 17 - first, 2)) * extent[:, None, None]
    if rng.random() < noise.missing_frame and frames > 4:
        start = int(rng.integers(frames))
        out[start : start + int(rng.integers(1, max(2, frames // 4)))] = 0
    return moved.astype(np.float32), out.astype(np.float32)


def geometry(keypoints: NDArray[np.float32], rng: np.random.Generator, mirror: bool) -> NDArray[np.float32]:
    """Small rotation, stretching and shearing and, when asked, a mirror image; (T, 17, 2) to (T, 17, 2).

    Shearing stands for the change of viewpoint that flat skeletons cannot be given.
    """
    angle = np.radians(rng.normal(0, 6))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    stretch = np.eye(2) + rng.normal(0, 0.07, (2, 2))
    if mirror:
        stretch = stretch @ np.diag([-1.0, 1.0])
    return (keypoints @ (turn @ stretch).T).astype(np.float32)


def extent_of(keypoints: NDArray[np.float32], seen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(T,) larger side of the box around the seen joints."""
    low = np.where(seen[..., None], keypoints, np.inf).min(1)
    high = np.where(seen[..., None], keypoints, -np.inf).max(1)
    side = (high - low).max(-1)
    return np.where(np.isfinite(side), side, 0.0).astype(np.float32)
