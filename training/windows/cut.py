"""From recorded clips to network windows: exactly as the live pipeline does for evaluation, disturbed for training."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from core.preprocess import RATE_HZ, resample, window_features
from core.skeleton import MIRROR
from training.data.clips import Clip
from training.windows.cameras import IN_FRONT, CameraRange, project, random_rotation
from training.windows.noise import DetectorNoise, detector_noise, geometry
from training.windows.proportions import change_proportions, draw_lengths

MIN_FRAMES = 4
"""No window is shorter: a live decision needs at least a quarter of a second too."""


@dataclass(frozen=True)
class Augmentation:
    """How training windows differ from their recordings."""

    noise: DetectorNoise = field(default_factory=DetectorNoise)
    tempo: float = 0.2  # faster or slower by up to this part
    mirror: float = 0.5  # probability
    camera: CameraRange = IN_FRONT  # of 3-D recordings
    frame_rates: tuple[float, float] = (10.0, 30.0)  # cameras imitated by dropping frames before resampling
    crop: float = 0.5  # probability of a window shorter than possible
    proportions: float = 0.0  # spread of the lengths of people's body parts, as the logarithm of a factor


def recorded_view(clip: Clip) -> NDArray[np.float32]:
    """(M, T, 17, 2) pixels as the recording camera saw them; 2-D clips as they are."""
    if not clip.is_3d:
        return clip.keypoints
    seen = clip.scores > 0
    distance = float(np.median(-clip.keypoints[..., 2][seen])) if seen.any() else 3.0
    return project_people(clip, np.eye(3), max(distance, 1.0))


def project_people(clip: Clip, rotation: NDArray[np.floating], distance_m: float) -> NDArray[np.float32]:
    """(M, T, 17, 2) pixels, x right, y down, of a 3-D recording by a camera that looks at its middle from a distance in
    metres; ``rotation`` (3, 3) is ``random_rotation``'s."""
    seen = clip.scores > 0
    middle = clip.keypoints[seen].mean(0) if seen.any() else np.zeros(3, np.float32)
    filled = np.where(seen[..., None], clip.keypoints, middle)  # absent joints must not shift the middle
    people, frames = filled.shape[:2]
    pixels, _ = project(filled.reshape(people * frames, 17, 3), rotation, distance_m)
    return pixels.reshape(people, frames, 17, 2)


def clip_features(clip: Clip, people: int = 1) -> NDArray[np.float32]:
    """The whole clip as the live pipeline would see it: (M, T, 17, 5) at the model's rate, M at most ``people``."""
    pixels = recorded_view(clip)[:people]
    grid = _grid(clip.times_s)
    out = []
    for xy, scores in zip(pixels, clip.scores[:people], strict=True):
        out.append(window_features(*observed(clip.times_s, xy, scores, grid)))
    return np.stack(out)


def observed(
    times_s: NDArray[np.float64],
    positions: NDArray[np.float32],
    scores: NDArray[np.float32],
    grid_s: NDArray[np.float64],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """One person's joints (T, V, C) and their scores (T, V) at the grid's times. Frames without the person are no
    observations, as live, so a short loss is bridged."""
    seen = (scores > 0).any(-1)
    if not seen.any():
        count = len(grid_s)
        return np.zeros((count, *positions.shape[1:]), np.float32), np.zeros((count, scores.shape[1]), np.float32)
    return resample(times_s[seen], positions[seen], scores[seen], grid_s)


def sliding_windows(features: NDArray[np.float32], frames: int, stride: int) -> list[NDArray[np.float32]]:
    """Windows (M, <= frames, 17, 5) that cover a clip's features (M, T, 17, 5); one when the clip is no longer than a
    window."""
    total = features.shape[1]
    if total <= frames:
        return [features]
    count = int(np.ceil((total - frames) / stride)) + 1
    starts = np.unique(np.round(np.linspace(0, total - frames, count)).astype(int))
    return [features[:, s : s + frames] for s in starts]


def centre_window(features: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """The middle (M, <= frames, 17, 5) of a clip's features."""
    start = max((features.shape[1] - frames) // 2, 0)
    return features[:, start : start + frames]


def _grid(times_s: NDArray[np.float64], phase: float = 0.0) -> NDArray[np.float64]:
    return np.arange(times_s[0] + phase / RATE_HZ, times_s[-1] + 1e-6, 1 / RATE_HZ)


def training_window(
    clip: Clip,
    rng: np.random.Generator,
    frames: int,
    augmentation: Augmentation,
    mirror: bool,
    people: int = 1,
) -> NDArray[np.float32]:
    """A random, disturbed window of a clip, (M, <= frames, 17, 5)."""
    if augmentation.proportions:
        clip = _other_bodies(clip, rng, augmentation.proportions)
    if clip.is_3d:
        rotation = random_rotation(rng, augmentation.camera)
        pixels = project_people(clip, rotation, rng.uniform(*augmentation.camera.distance_m))
    else:
        pixels = clip.keypoints
    pixels, scores = pixels[:people], clip.scores[:people]

    times = clip.times_s * np.exp(rng.uniform(-augmentation.tempo, augmentation.tempo))
    kept = _imitate_frame_rate(times, rng.uniform(*augmentation.frame_rates))
    grid = _grid(times[kept], rng.uniform(0, 1) if len(kept) > MIN_FRAMES else 0.0)
    length = frames
    if rng.random() < augmentation.crop:
        length = int(rng.integers(max(MIN_FRAMES, frames // 3), frames + 1))
    before = 0  # a window from the middle has a frame before it, which its first velocity needs
    if len(grid) > length:
        start = int(rng.integers(len(grid) - length + 1))
        before = min(start, 1)
        grid = grid[start - before : start + length]

    turn = rng.integers(2**32)
    out = []
    for xy, s in zip(pixels, scores, strict=True):
        xy, s = observed(times[kept], xy[kept], s[kept], grid)
        if mirror:
            xy, s = xy[:, MIRROR], s[:, MIRROR]
        xy = geometry(xy, np.random.default_rng(turn), mirror)
        xy, s = detector_noise(xy, s, rng, augmentation.noise, synthetic=clip.is_3d)
        out.append(window_features(xy, s)[before:])
    return np.stack(out)


def _other_bodies(clip: Clip, rng: np.random.Generator, sigma: float) -> Clip:
    """The clip with everybody's proportions changed."""
    people = [
        change_proportions(keypoints, scores, draw_lengths(rng, sigma))
        for keypoints, scores in zip(clip.keypoints, clip.scores, strict=True)
    ]
    return replace(clip, keypoints=np.stack(people))


def _imitate_frame_rate(times: NDArray[np.float64], fps: float) -> NDArray[np.intp]:
    """Indices of the frames that a camera of ``fps`` would have taken."""
    wanted = np.arange(times[0], times[-1] + 1e-9, 1 / fps)
    kept = np.unique(np.searchsorted(times, wanted - 1e-6).clip(0, len(times) - 1))
    return kept if len(kept) >= MIN_FRAMES else np.arange(len(times))
