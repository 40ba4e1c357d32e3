"""Accuracy of a model on a data set's split, by the model's words or by the data set's own classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import UserError
from training.data.clips import Clip
from training.windows.batches import pad_windows
from training.windows.cut import centre_window, clip_features, sliding_windows

Predict = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Features (B, M, T, 17, 5) to logits (B, classes)."""


@dataclass(frozen=True)
class Evaluation:
    """What a model said of each clip.

    Attributes:
        label_names: the data set's classes.
        target: (N,) true class of each clip.
        scores: (N, classes) probability of each of the data set's classes.
    """

    label_names: tuple[str, ...]
    target: NDArray[np.int64]
    scores: NDArray[np.float64]

    @property
    def predicted(self) -> NDArray[np.int64]:
        return self.scores.argmax(1)

    def report(self) -> dict:
        """``n``, ``top1``, ``top5``, ``mean_class_accuracy`` and ``per_class``, in parts of one.

        A class that another one equals was not chosen, so that a model without an opinion has 0 and not 1.
        """
        own = self.scores[np.arange(len(self.target)), self.target][:, None]
        rank = (~(self.scores < own)).sum(1) - 1  # no number is below another
        hit = rank == 0
        per_class = {self.label_names[c]: float(hit[self.target == c].mean()) for c in np.unique(self.target)}
        return {
            "n": len(self.target),
            "top1": float(hit.mean()),
            "top5": float((rank < 5).mean()),
            "mean_class_accuracy": float(np.mean(list(per_class.values()))),
            "per_class": per_class,
        }


def class_probabilities(
    probabilities: NDArray[np.floating], merge: Sequence[tuple[int, ...]], open_vocabulary: bool
) -> NDArray[np.float64]:
    """Probabilities of the model's words, (N, words), as those of a data set's classes, (N, classes).

    A class that stands for several words has the sum of their probabilities. Without ``open_vocabulary`` the classes
    share the whole probability; with it a last column holds that of all the words that are none of the classes.
    """
    summed = np.stack([probabilities[:, list(words)].sum(1) for words in merge], axis=1).astype(np.float64)
    if open_vocabulary:
        return np.concatenate(
            [summed, 1 - probabilities[:, sorted({w for m in merge for w in m})].sum(1)[:, None]], axis=1
        )
    return summed / np.maximum(summed.sum(1, keepdims=True), 1e-12)


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Over the last axis."""
    e = np.exp(np.asarray(logits, np.float64) - logits.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def clip_probabilities(
    predict: Predict,
    clips: Sequence[Clip],
    frames: int,
    views: str = "sliding",
    people: int = 1,
    batch: int = 64,
) -> NDArray[np.float64]:
    """The model's probabilities for whole clips, (N, words).

    Args:
        predict: the network.
        clips: recordings.
        frames: length of a window.
        views: ``sliding`` averages the windows at a stride of half a window that cover a clip, which is what the live
            pipeline would have said of it; ``centre`` looks at the middle window alone.
        people: how many people of a clip are pooled.
        batch: windows in one call.

    Raises:
        UserError: the network's logits are not finite; every comparison with them would count as right.
    """
    seen = (clip_features(clip, people) for clip in clips)
    if views == "centre":
        return mean_probabilities(predict, [[centre_window(features, frames)] for features in seen], batch)
    return mean_probabilities(predict, [sliding_windows(features, frames, frames // 2) for features in seen], batch)


def mean_probabilities(
    predict: Predict, windows_of: Sequence[Sequence[NDArray[np.float32]]], batch: int = 64
) -> NDArray[np.float64]:
    """The mean of a network's probabilities over the windows (M, T, V, F) of each clip, (N, classes).

    Windows of about the same length share a call.

    Raises:
        UserError: the network's logits are not finite; every comparison with them would count as right.
    """
    windows = [window for own in windows_of for window in own]
    owners = np.repeat(np.arange(len(windows_of)), [len(own) for own in windows_of])
    order = np.argsort([w.shape[1] for w in windows], kind="stable")
    probabilities: list[NDArray | None] = [None] * len(windows)
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        logits = predict(pad_windows([windows[i] for i in chosen]))
        if not np.isfinite(logits).all():
            raise UserError("the network's answers are not finite numbers: its training diverged; try a lower --lr")
        for i, p in zip(chosen, softmax(logits), strict=True):
            probabilities[i] = p
    stacked = np.stack([p for p in probabilities if p is not None])
    return np.stack([stacked[owners == i].mean(0) for i in range(len(windows_of))])


def evaluate(
    predict: Predict,
    clips: Sequence[Clip],
    label_names: tuple[str, ...],
    merge: Sequence[tuple[int, ...]],
    frames: int,
    views: str = "sliding",
    people: int = 1,
    open_vocabulary: bool = False,
) -> Evaluation:
    """Let a model name every clip.

    Classes of the data set that the model does not tell apart (they map to the same words) count as one: the first of
    them.
    """
    first = {words: next(c for c, other in enumerate(merge) if other == words) for words in merge}
    canonical = [first[words] for words in merge]
    kept = sorted(set(canonical))
    position = {c: i for i, c in enumerate(kept)}
    probabilities = clip_probabilities(predict, clips, frames, views, people)
    scores = class_probabilities(probabilities, [merge[c] for c in kept], open_vocabulary)
    target = np.array([position[canonical[clip.label]] for clip in clips])
    names = tuple(" / ".join(label_names[c] for c, k in enumerate(canonical) if k == keep) for keep in kept)
    return Evaluation(names, target, scores)
