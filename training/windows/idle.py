"""People who do nothing in particular, made of recordings of people who do something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.preprocess import RATE_HZ
from core.skeleton import HIPS
from training.data.clips import Clip
from training.windows.cameras import CameraRange, random_rotation
from training.windows.cut import project_people
from training.windows.noise import extent_of
from training.windows.source import Source

SECONDS = 2.4
"""Length of a held pose: a window and what a higher tempo takes of it."""

_STROLLING = 0.15  # part of the idle people who stroll in place, where a source shows how people walk
_DETECTED = 0.5  # part of the held 3-D poses that tremble as a detector's


@dataclass(frozen=True)
class IdlePeople:
    """Whoever may be shown doing nothing.

    Attributes:
        still: recordings of which a pose may be held, each with its source.
        walking: 3-D recordings of walking people, each with its source.
        detected: recordings by a pose model, whose trembling is real.
        kept: those of them in which nobody moves; where there are any, the trembling is theirs alone.
        idle: index of the word for doing nothing.
    """

    still: tuple[tuple[Source, Clip], ...]
    walking: tuple[tuple[Source, Clip], ...]
    detected: tuple[Clip, ...]
    kept: tuple[Clip, ...]
    idle: int

    @classmethod
    def of(cls, sources: Sequence[Source], idle: int) -> IdlePeople:
        """Those of the training sources."""
        every = [(source, clip) for source in sources for clip in source.clips]
        return cls(
            tuple((source, clip) for source, clip in every if clip.label in source.held),
            tuple((source, clip) for source, clip in every if clip.label in source.walking and clip.is_3d),
            tuple(clip for _, clip in every if not clip.is_3d),
            tuple(clip for source, clip in every if source.still),
            idle,
        )

    def draw(self, rng: np.random.Generator) -> tuple[Source, Clip, tuple[int, ...]]:
        """A source, a person of it who does nothing, and the words that may be right: of a stroll, walking too."""
        if self.walking and rng.random() < _STROLLING:
            source, clip = self.walking[rng.integers(len(self.walking))]
            return source, strolling_clip(clip, rng), (self.idle, *source.merge[clip.label])
        source, clip = self.still[rng.integers(len(self.still))]
        donors = self.kept or self.detected
        if clip.is_3d and donors and rng.random() < _DETECTED:
            detected = donors[rng.integers(len(donors))]
            held = detected_clip(clip, detected, rng, source.anywhere, source.augmentation.camera, bool(self.kept))
        else:
            held = held_clip(clip, rng, source.anywhere)
        return source, held, (self.idle,)


def held_clip(clip: Clip, rng: np.random.Generator, anywhere: bool, seconds: float = SECONDS) -> Clip:
    """A person who keeps a pose of a clip.

    A body of a 3-D recording sways a little; one of a 2-D recording trembles as the pose model made that clip tremble.

    Args:
        clip: a recording.
        rng: source of randomness.
        anywhere: keep the pose of any frame; otherwise of the first or the last, where recordings are at rest.
        seconds: length.
    """
    visible = _visible(clip)
    frame = _frame(visible, rng, anywhere)
    if clip.is_3d:
        keypoints, times = _swaying(clip, frame, rng, seconds)
    else:
        trembling, order, times = _trembling(clip, visible, rng, seconds)
        keypoints = clip.keypoints[:1, [frame]].astype(np.float64) + trembling[None, order]
    return _held(clip, keypoints, np.repeat(clip.scores[:1, [frame]], len(times), axis=1), times)


def detected_clip(
    clip: Clip, detected: Clip, rng: np.random.Generator, anywhere: bool, camera: CameraRange, still: bool = False,
    seconds: float = SECONDS,
) -> Clip:  # fmt: skip
    """A person who keeps a pose of a 3-D clip, as a pose model saw somebody else: (1, T, 17, 2) that tremble as
    ``detected`` does, in parts of the body's extent, and with its scores.

    Args:
        clip: a 3-D recording.
        detected: a 2-D recording by a pose model.
        rng: source of randomness.
        anywhere: as for ``held_clip``.
        camera: where the virtual camera stands.
        still: nobody moves in ``detected``, so that whatever moves there is the pose model's error, slow drift too.
        seconds: length.
    """
    frame = _frame(_visible(clip), rng, anywhere)
    pose = Clip(clip.name, clip.label, clip.keypoints[:1, [frame]], clip.scores[:1, [frame]], clip.times_s[[frame]])
    pixels = project_people(pose, random_rotation(rng, camera), rng.uniform(*camera.distance_m)).astype(np.float64)
    visible = _visible(detected)
    trembling, order, times = _trembling(detected, visible, rng, seconds, still)
    own, theirs = detected.keypoints[0, visible], detected.scores[0, visible]
    scale = extent_of(pixels[0], pose.scores[0] > 0)[0] / np.maximum(extent_of(own, theirs > 0), 1e-6)
    trembling = np.where(theirs[..., None] > 0, trembling * scale[:, None, None], 0)
    scores = np.where(pose.scores > 0, theirs[None, order], 0)
    return _held(clip, pixels + trembling[None, order], scores, times)


def strolling_clip(clip: Clip, rng: np.random.Generator) -> Clip:
    """A walking person (3-D) who hardly gets anywhere and takes their time."""
    hips = clip.keypoints[:1][:, :, HIPS].mean(2, keepdims=True)
    path = (hips - hips.mean(1, keepdims=True)) * np.array([1, 0, 1], np.float32)  # the height stays
    keypoints = clip.keypoints[:1] - (1 - rng.uniform(0, 0.15)) * path
    times = clip.times_s[0] + (clip.times_s - clip.times_s[0]) * rng.uniform(1.2, 2.2)
    return Clip(f"strolling/{clip.name}", clip.label, keypoints.astype(np.float32), clip.scores[:1], times)


def _held(clip: Clip, keypoints: NDArray[np.floating], scores: NDArray, times: NDArray[np.float64]) -> Clip:
    return Clip(f"idle/{clip.name}", clip.label, keypoints.astype(np.float32), scores.astype(np.float32), times)


def _visible(clip: Clip) -> NDArray[np.intp]:
    """Frames in which most of the first person is seen; all where there are none."""
    visible = np.flatnonzero((clip.scores[0] > 0).sum(-1) >= 12)
    return visible if len(visible) else np.arange(len(clip.times_s))


def _frame(visible: NDArray[np.intp], rng: np.random.Generator, anywhere: bool) -> int:
    return int(rng.choice(visible if anywhere else visible[[0, -1]]))


def _swaying(
    clip: Clip, frame: int, rng: np.random.Generator, seconds: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(1, T, 17, 3) of a pose that sways about the feet, and times."""
    t = np.arange(int(seconds * RATE_HZ) + 1) / RATE_HZ
    held = np.repeat(clip.keypoints[:1, frame : frame + 1], len(t), axis=1)
    height = np.maximum(held[..., 1:2] - held[..., 1:2].min(2, keepdims=True), 0)
    sway = np.stack([a * np.sin(2 * np.pi * f * t + p) for a, f, p in zip(
        rng.uniform(0, 0.02, 3), rng.uniform(0.1, 0.5, 3), rng.uniform(0, 6, 3), strict=True)], -1)  # fmt: skip
    return (held + sway[None, :, None] * height * np.array([1, 0.2, 1])).astype(np.float64), t


def _trembling(
    clip: Clip, visible: NDArray[np.intp], rng: np.random.Generator, seconds: float, still: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.float64]]:
    """A clip's own detector noise (F, 17, 2), which is what a running median takes away of its visible frames, or the
    median of them all if everybody keeps ``still``; the order (T,) in which these are gone through, there and back; and
    times (T,)."""
    own: NDArray[np.float64] = clip.keypoints[0, visible].astype(np.float64)
    padded = np.pad(own, ((2, 2), (0, 0), (0, 0)), mode="edge")
    median = np.median(own if still else np.stack([padded[i : i + len(own)] for i in range(5)]), axis=0)
    step = float(np.median(np.diff(clip.times_s))) if len(clip.times_s) > 1 else 1 / RATE_HZ
    times = np.linspace(0, int(seconds / step) * step, int(seconds / step) + 1)
    there_and_back = np.concatenate([np.arange(len(own)), np.arange(len(own))[::-1]])
    order = there_and_back[(rng.integers(len(own)) + np.arange(len(times))) % len(there_and_back)]
    return own - median, order, times
