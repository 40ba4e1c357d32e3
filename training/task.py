"""What a run is to learn: words from clips, and how it is measured meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from torch import nn

from core.errors import UserError
from training.data.clips import Clip
from training.data.conventions import learnable
from training.data.datasets import load_dataset
from training.data.vocabulary import IDLE, LABELS
from training.evaluate import evaluate
from training.finetune import predictor
from training.recipe import held_source, shipped_sources, validator
from training.windows.cut import Augmentation
from training.windows.source import Source

log = logging.getLogger(__name__)

Check = Callable[[nn.Module], dict[str, float]]
"""Figures of a model while it is trained."""


@dataclass(frozen=True)
class Task:
    """Words to be learnt from clips.

    Attributes:
        words: the model's classes.
        sources: training clips.
        validate: figures on other clips, if there are any.
        idle: index of the word for doing nothing, where held poses are to show it.
        whole: data sets of which the validation part is trained on.
    """

    words: tuple[str, ...]
    sources: list[Source]
    validate: Check | None
    idle: int | None = None
    whole: tuple[str, ...] = ()

    def with_proportions(self, sigma: float) -> Task:
        """The task with people of other proportions (``training.windows.proportions``); 0 leaves them as they are."""
        sources = [replace(s, augmentation=replace(s.augmentation, proportions=sigma)) for s in self.sources]
        return replace(self, sources=sources)

    def with_held(self, path: Path) -> Task:
        """The task with people in held pictures too, who do nothing.

        Raises:
            UserError: the file is not one of those.
        """
        return replace(self, sources=[*self.sources, held_source(path, self.sources)])


def shipped_task(folder: Path, frames: int, whole: tuple[str, ...] = ()) -> Task:
    """That of the shipped model, from a folder of the recipe's data sets.

    Raises:
        UserError: a file is missing or not of the expected form.
    """
    check = validator(folder, frames, whole=whole)
    return Task(
        LABELS, shipped_sources(folder, whole=whole), lambda model: check(predictor(model)), LABELS.index(IDLE), whole
    )


def own_task(path: Path, split: str, validate: str | None, people: int, frames: int, mirror: float = 0.5) -> Task:
    """That of a user's data set, which brings its own classes.

    Args:
        path: annotation file or folder.
        split: trained on.
        validate: split reported while training, or None.
        people: how many are pooled in a window.
        frames: longest window.
        mirror: probability of a mirrored window; 0 where classes name a side.

    Raises:
        UserError: the data cannot be read, there is no such split, or the one trained on has clips of one class only.
    """
    data = load_dataset(path)
    own = tuple((i,) for i in range(len(data.label_names)))
    learnt = learnable(data.name, data.part(split), data.label_names)
    labels = {clip.label for clip in learnt}
    if len(labels) == 1:
        raise UserError(
            f"split '{split}' of {data.name} has clips of '{data.label_names[labels.pop()]}' only: with one class "
            "there is nothing to tell apart"
        )
    sources = [Source(data.name, learnt, own, augmentation=Augmentation(mirror=mirror), people=people)]
    if validate is None:
        return Task(data.label_names, sources, None)
    clips = data.part(validate)
    _warn_of_known(validate, clips, learnt)

    def check(model: nn.Module) -> dict[str, float]:
        result = evaluate(predictor(model), clips, data.label_names, own, frames, people=people)
        return {validate: result.report()["top1"]}

    return Task(data.label_names, sources, check)


def _warn_of_known(validate: str, clips: Sequence[Clip], learnt: Sequence[Clip]) -> None:
    known = len({clip.name for clip in clips} & {clip.name for clip in learnt})
    if known:
        log.warning("%d of the %d clips in '%s' are trained on too, so its accuracy says little about new ones",
                    known, len(clips), validate)  # fmt: skip
