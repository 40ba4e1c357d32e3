"""Target data sets of the tables, and the batches and scores that every trial uses."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.clips import Clip
from training.data.datasets import load_dataset
from training.evaluate import Predict, evaluate
from training.recipe import SHIPPED, Part
from training.windows.cut import Augmentation
from training.windows.sampler import epoch_batches
from training.windows.source import Source

FRAMES = 32
"""Longest window, about two seconds."""

TARGETS = ("utkinect", "msr_action3d", "kard", "jhmdb_train")
"""Data sets that the encoder is transferred to; the source is trained on none of them."""

PASSES = {"utkinect": 20, "msr_action3d": 8, "kard": 8, "jhmdb_train": 5}
"""How often a trial sees each training clip, so that small and large sets cost about the same."""

Batches = Iterator[tuple[NDArray[np.float32], NDArray[np.int64]]]


@dataclass(frozen=True)
class Task:
    """A data set's own protocol: its classes, the clips learned from and those measured on.

    Attributes:
        name: the data set.
        label_names: its classes.
        source: training clips with their disturbances.
        held_out: clips measured on.
        passes: how often a trial sees each training clip.
    """

    name: str
    label_names: tuple[str, ...]
    source: Source
    held_out: tuple[Clip, ...]
    passes: int

    def steps(self, batch: int) -> int:
        """How many batches of ``batch`` windows a trial is trained on."""
        return self.passes * math.ceil(windows_of_a_pass(len(self.source.clips), batch) / batch)

    def batches(self, seed: int, batch: int) -> Batches:
        """All windows of a trial: features (B, M, T, 17, 5) and labels (B,)."""
        count = windows_of_a_pass(len(self.source.clips), batch)
        for number in range(self.passes):
            rng = np.random.default_rng((seed, number))
            for drawn in epoch_batches([self.source], len(self.label_names), rng, count, batch, FRAMES):
                yield drawn.features, drawn.target.argmax(1)

    def accuracy(self, predict: Predict, disturb: Callable[[NDArray], NDArray] | None = None) -> float:
        """Top-1 accuracy in percent; ``disturb`` changes the features (B, M, T, 17, 5) before the network sees them."""
        seen = predict if disturb is None else lambda features: predict(disturb(features))
        own = tuple((i,) for i in range(len(self.label_names)))
        result = evaluate(seen, self.held_out, self.label_names, own, FRAMES, people=self.source.people)
        return 100 * result.report()["top1"]

    def fraction(self, part: float, seed: int) -> Task:
        """The task with ``part`` of its training clips, the same part of each class and at least one, and as many
        passes over them."""
        rng = np.random.default_rng((seed, round(1000 * part)))
        labels = np.array([c.label for c in self.source.clips])
        kept: list[int] = []
        for label in np.unique(labels):
            own = rng.permutation(np.flatnonzero(labels == label))
            kept += own[: max(1, round(part * len(own)))].tolist()
        return replace(self, source=replace(self.source, clips=tuple(self.source.clips[i] for i in sorted(kept))))


def windows_of_a_pass(clips: int, batch: int) -> int:
    """As many as there are clips, or one more where a batch would have a single one: a batch norm finds no variance
    in it."""
    return clips + (clips % batch == 1)


def load_task(folder: Path, name: str) -> Task:
    """A data set of the recipe on its own protocol.

    Args:
        folder: where the annotation files are.
        name: file name without suffix.
    """
    part = recipe_part(name)
    data = load_dataset(folder / f"{name}.pkl")
    own = tuple((i,) for i in range(len(data.label_names)))
    augmentation = Augmentation(mirror=part.mirror, camera=part.camera)
    source = Source(name, data.part(part.train), own, augmentation=augmentation, people=part.people)
    return Task(name, data.label_names, source, data.part(part.validate[0]), PASSES[name])


def recipe_part(name: str) -> Part:
    """The data set's place in the shipped model's recipe."""
    return next(part for part in SHIPPED if part.file == name)
