"""Annotated skeleton clips, whatever file they come from, as one record."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import UserError
from training.data.clips import Clip, all_finite, clip_of, usual_step
from training.data.conventions import (
    labels_from_zero,
    people_first,
    scores_apart,
    to_pixels,
    warn_of_nobody,
    warn_of_zeros,
)
from training.data.ntu import read_folder
from training.data.pickles import load_plain_pickle

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DataSet:
    """A data set's clips, class names and named splits (lists of clip names)."""

    name: str
    label_names: tuple[str, ...]
    clips: tuple[Clip, ...]
    splits: dict[str, frozenset[str]]

    def part(self, split: str) -> tuple[Clip, ...]:
        """Clips of a split, of several (``xsub_train&xview_train``: those that are in both), or ``all``.

        Raises:
            UserError: there is no such split, or it is empty.
        """
        clips = self.clips
        for name in split.split("&"):
            if name == "all":
                continue
            if name not in self.splits:
                known = ", ".join(sorted(self.splits)) or "none"
                raise UserError(f"{self.name} has no split '{name}'; it has {known}, and 'all'")
            clips = tuple(clip for clip in clips if clip.name in self.splits[name])
        if not clips:
            raise UserError(f"split '{split}' of {self.name} is empty{self._unknown(split)}")
        return clips

    def _unknown(self, split: str) -> str:
        """That the names in an empty split are none of the clips', if so."""
        own = {clip.name for clip in self.clips}
        names = {name for part in split.split("&") for name in self.splits.get(part, ())}
        return f": none of the {len(names)} clips it names is in the file" if names and not names & own else ""


def load_dataset(path: Path | str, fps: float | None = None) -> DataSet:
    """Read a PYSKL-style annotation pickle (also those of NTU, Kinetics, UCF101, HMDB51, FineGYM and Posetics), or a
    folder of NTU RGB+D's own ``.skeleton`` files.

    Sensor skeletons with other joints are mapped to COCO-17 by the file's ``to_coco17``; faces that the sensor did not
    measure are placed by ``training.data.faces``.

    Normalised coordinates are brought to pixels, joints at (0, 0) are absent whatever their score, and people who are
    never seen stand behind the others (``training.data.conventions``).

    What can be used but is probably not meant is logged once: any of these, numbers that are not finite, clips in which
    nobody is seen, and splits that name clips which are not there.

    Args:
        path: the file or the folder.
        fps: frames a second of its recordings; None for what it says itself.

    Raises:
        UserError: the file is not of that format; the message names the clip and what is wrong with it.
    """
    data = read_folder(Path(path)) if Path(path).is_dir() else load_plain_pickle(path)
    if not isinstance(data, dict) or not isinstance(data.get("annotations"), list):
        raise UserError(f"{path} is no annotation file: it needs a dict with 'annotations' and 'split'")
    if not data["annotations"]:
        raise UserError(f"{path} holds no annotations")
    names = _label_names(path, data.get("label_names"))
    mapping = _mapping(path, data.get("to_coco17"))
    if fps is not None:
        data["annotations"] = [
            {k: v for k, v in a.items() if k != "times_s"} | {"fps": fps} if isinstance(a, dict) else a
            for a in data["annotations"]
        ]
    data["annotations"] = scores_apart(path, data["annotations"])
    step = usual_step(data["annotations"])
    clips = tuple(_read(path, number, a, mapping, step) for number, a in enumerate(data["annotations"], 1))
    clips = tuple(people_first(clip) for clip in to_pixels(path, clips, data["annotations"]))
    clips = labels_from_zero(path, clips, names)
    if names is None:
        names = tuple(map(str, range(max(clip.label for clip in clips) + 1)))
    for clip in clips:
        if clip.label >= len(names):
            raise UserError(
                f"{path}, clip '{clip.name}': its label is {clip.label}, but there are {len(names)} classes"
            )
    splits = _splits(path, data.get("split"))
    _warn_of_numbers(path, data["annotations"])
    warn_of_zeros(path, data["annotations"])
    warn_of_nobody(path, clips, names)
    _warn_of_unknown(path, clips, splits)
    return DataSet(Path(path).stem, names, clips, splits)


def _warn_of_numbers(path: Path | str, annotations: list[dict[str, Any]]) -> None:
    odd = sum(not all_finite(annotation) for annotation in annotations)
    if odd:
        log.warning("%s: %d of its %d clips have keypoints that are no finite numbers; these joints count as absent",
                    path, odd, len(annotations))  # fmt: skip


def _warn_of_unknown(path: Path | str, clips: tuple[Clip, ...], splits: Mapping[str, frozenset[str]]) -> None:
    own = {clip.name for clip in clips}
    unknown = [f"{len(names - own)} of the {len(names)} in '{split}'" for split, names in splits.items() if names - own]
    if unknown:
        log.warning("%s: its splits name clips that are not in it: %s", path, ", ".join(unknown))


def _label_names(path: Path | str, names: Any) -> tuple[str, ...] | None:
    """The file's class names, which differ; None when it has none."""
    if names is None:
        return None
    if not _is_list(names):
        raise UserError(f"{path}: 'label_names' is no list of class names")
    found = tuple(map(str, names))
    twice = next((name for i, name in enumerate(found) if name in found[:i]), None)
    if twice is not None:
        raise UserError(f"{path}: 'label_names' has '{twice}' more than once")
    return found


def _splits(path: Path | str, splits: Any) -> dict[str, frozenset[str]]:
    """The file's splits; none when it says nothing about them."""
    if splits is None:
        return {}
    if not isinstance(splits, dict) or not all(
        _is_list(names) or isinstance(names, (set, frozenset)) for names in splits.values()
    ):
        raise UserError(f"{path}: 'split' is no dict of lists of clip names")
    return {str(split): frozenset(map(str, names)) for split, names in splits.items()}


def _mapping(path: Path | str, mapping: Any) -> list[int] | None:
    """The source joint of each COCO joint, or -1; None when the file's joints need no mapping."""
    if mapping is None:
        return None
    if (
        not _is_list(mapping)
        or len(mapping) != 17
        or not all(isinstance(joint, (int, np.integer)) for joint in mapping)
    ):
        raise UserError(f"{path}: 'to_coco17' is no list of 17 joint numbers")
    return [int(joint) for joint in mapping]


def _is_list(value: Any) -> bool:
    """Whether a value holds others in order; a string, whose letters would pass for names, does not."""
    return isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim == 1)


def _read(path: Path | str, number: int, annotation: Any, mapping: list[int] | None, step: float) -> Clip:
    """The clip of the file's ``number``th annotation, counted from 1.

    Raises:
        UserError: it is not of the expected form; the message names file and clip.
    """
    if not isinstance(annotation, dict):
        raise UserError(f"{path}: annotation {number} is no dict")
    clip = f"clip '{annotation['frame_dir']}'" if "frame_dir" in annotation else f"annotation {number}"
    try:
        return clip_of(annotation, mapping, step)
    except KeyError as error:
        raise UserError(f"{path}, {clip}: it has no {error}") from None
    except ValueError as error:
        raise UserError(f"{path}, {clip}: {error}") from None
