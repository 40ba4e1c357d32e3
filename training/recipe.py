"""What the shipped model is trained on: the training parts of all data sets and, once all has been chosen, the
validation parts of those from real video."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import UserError
from training.data.clips import Clip
from training.data.datasets import DataSet, load_dataset
from training.data.mocap import load_mocap
from training.data.vocabulary import IDLE, LABELS, MERGE, MOTIONLESS, merge_of
from training.evaluate import Predict, evaluate
from training.windows.cameras import ANYWHERE, IN_FRONT, CameraRange
from training.windows.cut import Augmentation
from training.windows.source import Source


@dataclass(frozen=True)
class Part:
    """A data set's place in the recipe.

    Attributes:
        file: name of the annotation file without its suffix.
        train: split trained on; ``a&b`` is what both share, so that the validation part of either stays unseen.
        validate: splits reported.
        weight: how often its clips are drawn.
        people: people in a window.
        mirror: probability of a mirrored window; 0 where classes name a side.
        camera: where virtual cameras stand.
        held: poses of its clips are held to show people who do nothing.
        anywhere: any pose is, not only those at the ends of a recording.
    """

    file: str
    train: str
    validate: tuple[str, ...]
    weight: float = 1.0
    people: int = 1
    mirror: float = 0.5
    camera: CameraRange = IN_FRONT
    held: bool = True
    anywhere: bool = False


SHIPPED = (
    Part("jhmdb_train", "train", ("val",), 1.5, anywhere=True),
    Part("jhmdb_train_lightning", "train", ("val",), 1.5, anywhere=True),
    Part("exercise_train", "train", ("val",), 2.0, held=False),
    Part("nw_ucla", "xview_train&xsub_train", ("xview_val", "xsub_val"), 2.0),
    Part("utkinect", "xsub_train", ("xsub_val",), 3.0),
    Part("msr_action3d", "xsub_train", ("xsub_val",), 2.5),
    Part("kard", "xsub_train", ("xsub_val",), 1.5),
    Part("msr_daily", "xsub_train", ("xsub_val",), 2.0),
    Part("florence", "xsub_train", ("xsub_val",), 2.0),
    Part("gtu", "train", ("val",), 1.5, mirror=0.0),
    Part("sbu", "train", ("val",), people=2, held=False),
)

VIDEO = ("jhmdb_train", "jhmdb_train_lightning", "exercise_train")
"""The parts that come from real video; the shipped model learns from their validation clips too."""

MOCAP_FILE = "mocap.npz"

MOCAP_WEIGHT = 0.4
"""The corpus is large and mostly walking; it is there to show whole-body actions from every side."""

IDLE_PART = 0.08
"""Of the training windows, how many show people who do nothing, made of recordings of people who do something."""

HELD_PART = 0.04
"""And how many show people in held pictures, where there are any."""


def require_merge(data: DataSet, words: tuple[str, ...] = LABELS) -> tuple[tuple[int, ...], ...]:
    """The data set's classes as indices of the model's words.

    Raises:
        UserError: the classes are not known to the merge and are not words of the model either.
    """
    merge = merge_of(data.name, list(data.label_names), words)
    if merge is None:
        raise UserError(
            f"the classes of {data.name} ({', '.join(data.label_names[:4])}, ...) have no place in the model's "
            f"vocabulary of {len(words)} words; train a model on it first, or name its classes by the model's words"
        )
    return tuple(merge)


def files_of_recipe(folder: Path) -> list[Path]:
    """The data sets of the recipe in a folder."""
    return [*(folder / f"{part.file}.pkl" for part in SHIPPED), folder / MOCAP_FILE]


def shipped_sources(folder: Path, parts: tuple[Part, ...] = SHIPPED, whole: Sequence[str] = ()) -> list[Source]:
    """Training sources of the shipped model from a folder of annotation files, the motion-capture corpus included.

    Args:
        folder: where the files are.
        parts: the recipe.
        whole: files of which the validation part is trained on too, once everything has been chosen.
    """
    sources = []
    for part in parts:
        data = load_dataset(folder / f"{part.file}.pkl")
        augmentation = Augmentation(mirror=part.mirror, camera=part.camera)
        merge = require_merge(data)
        held = still_labels(merge) if part.held else frozenset()
        clips = data.part("all" if part.file in whole else part.train)
        sources.append(Source(part.file, clips, merge, part.weight, augmentation, part.people, held, part.anywhere))
    sources.append(mocap_source(folder / MOCAP_FILE))
    return sources


def mocap_source(path: Path) -> Source:
    """The labelled recordings of the motion-capture corpus whose labels the merge knows, held-out takes left out."""
    names = list(MERGE["mocap"])
    clips = []
    for recording in load_mocap(path):
        if recording.label in MERGE["mocap"] and not recording.held_out:
            frames = len(recording.world)
            clips.append(
                Clip(
                    recording.name, names.index(recording.label), recording.world[None],
                    np.ones((1, frames, 17), np.float32), np.arange(frames) / recording.fps,
                )
            )  # fmt: skip
    index = {word: i for i, word in enumerate(LABELS)}
    merge = tuple(tuple(index[w] for w in MERGE["mocap"][name]) for name in names)
    augmentation = Augmentation(camera=ANYWHERE)
    walking = frozenset(label for label, words in enumerate(merge) if words == (index["walk"],))
    return Source("mocap", tuple(clips), merge, MOCAP_WEIGHT, augmentation, 1, still_labels(merge), True, walking)


def held_source(path: Path, others: Sequence[Source]) -> Source:
    """People in held pictures, as a pose model saw them: what ``extract`` made of what ``hold`` wrote.

    Args:
        path: of the file; its one class is the word for doing nothing.
        others: sources of the recipe, of which so many windows are drawn that this one's are a fixed part.

    Raises:
        UserError: the file cannot be read or has other classes.
    """
    data = load_dataset(path)
    if data.label_names != (IDLE,):
        raise UserError(f"{path} has classes other than '{IDLE}'; give what `extract` made of what `hold` wrote")
    clips = tuple(clip for clip in data.clips if clip.scores.any())
    if not clips:
        raise UserError(f"the pose model found nobody in {path}")
    weight = HELD_PART / (1 - HELD_PART) * sum(s.weight * len(s.clips) for s in others) / len(clips)
    return Source("held", clips, require_merge(data), weight, still=True)


def still_labels(merge: tuple[tuple[int, ...], ...]) -> frozenset[int]:
    """Classes whose poses, held, show a person who does nothing."""
    motionless = {LABELS.index(word) for word in MOTIONLESS}
    return frozenset(label for label, words in enumerate(merge) if not motionless & set(words))


def validator(
    folder: Path, frames: int, parts: tuple[Part, ...] = SHIPPED, whole: Sequence[str] = ()
) -> Callable[[Predict], dict[str, float]]:
    """A function that gives a model's top-1 accuracy on every validation split of the recipe but those trained on."""
    data = [(part, load_dataset(folder / f"{part.file}.pkl")) for part in parts if part.file not in whole]

    def validate(predict: Predict) -> dict[str, float]:
        figures = {}
        for part, loaded in data:
            for split in part.validate:
                result = evaluate(
                    predict, loaded.part(split), loaded.label_names, require_merge(loaded), frames, people=part.people
                )
                figures[f"{part.file}:{split}"] = result.report()["top1"]
        return figures

    return validate
