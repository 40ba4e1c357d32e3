"""Which clips an epoch sees, and in which batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.windows.batches import pad_windows
from training.windows.cut import training_window
from training.windows.idle import IdlePeople
from training.windows.source import Source


@dataclass(frozen=True)
class Batch:
    """Windows with their targets.

    Attributes:
        features: (B, M, T, 17, 5).
        target: (B, words) bool, True for each word that may be right.
        choices: (B, words) bool, True for each word of the clip's data set.
    """

    features: NDArray[np.float32]
    target: NDArray[np.bool_]
    choices: NDArray[np.bool_]


def class_balance(source: Source, power: float = 0.5) -> NDArray[np.float64]:
    """Probability of drawing each clip: rare classes are drawn more often than their size says, ``power`` 1 evens
    them out."""
    labels = np.array([clip.label for clip in source.clips])
    counts = np.bincount(labels)[labels].astype(np.float64)
    p = counts**-power
    return p / p.sum()


def epoch_batches(
    sources: Sequence[Source],
    words: int,
    rng: np.random.Generator,
    count: int,
    batch: int,
    frames: int,
    idle: int | None = None,
    idle_part: float = 0.0,
) -> Iterator[Batch]:
    """Draw ``count`` windows in batches of windows of about the same length.

    Args:
        sources: what to draw from, by weight times number of clips.
        words: size of the model's vocabulary.
        rng: all randomness of the epoch.
        count: windows to draw.
        batch: windows in a batch.
        frames: longest window.
        idle: index of the word for doing nothing, when windows of people who do are to be made
            (``training.windows.idle``).
        idle_part: part of all windows made so.
    """
    share = np.array([s.weight * len(s.clips) for s in sources])
    balance = [class_balance(s) for s in sources]
    nothing = None if idle is None else IdlePeople.of(sources, idle)
    everything = np.ones(words, bool)
    drawn: list[tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]] = []
    for kind in rng.choice(len(sources), count, p=share / share.sum()):
        source = sources[kind]
        if nothing is not None and nothing.still and rng.random() < idle_part:
            source, clip, right = nothing.draw(rng)
            target, choices = _one_hot(right, words), everything
        else:
            clip = source.clips[rng.choice(len(source.clips), p=balance[kind])]
            own = source.words()  # of one word there is nothing to choose, so it is told from all of them
            target = _one_hot(source.merge[clip.label], words)
            choices = _one_hot(own, words) if len(own) > 1 else everything
        mirror = rng.random() < source.augmentation.mirror
        drawn.append((training_window(clip, rng, frames, source.augmentation, mirror, source.people), target, choices))
    order = np.argsort([w.shape[1] + 100 * w.shape[0] + rng.uniform(0, 3) for w, _, _ in drawn])
    groups = [order[i : i + batch] for i in range(0, count, batch)]
    for i in rng.permutation(len(groups)):
        chosen = [drawn[j] for j in groups[i]]
        yield Batch(
            pad_windows([w for w, _, _ in chosen]),
            np.stack([t for _, t, _ in chosen]),
            np.stack([c for _, _, c in chosen]),
        )


def _one_hot(indices: Sequence[int], size: int) -> NDArray[np.bool_]:
    out = np.zeros(size, bool)
    out[list(indices)] = True
    return out
