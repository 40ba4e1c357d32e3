"""Annotated skeleton clips, whatever file they come from, as one record."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import UserError
from training.ntu import read_folder
from training.pickles import load_plain_pickle


@dataclass(frozen=True)
class Clip:
    """One labelled recording of up to M people as COCO-17 joints.

    Attributes:
        name: the annotation's ``frame_dir``.
        label: index into the data set's class names.
        keypoints: (M, T, 17, C) float32; pixels with y down for C = 2; for C = 3 metres, x right and y up as the
            recording camera sees it, z towards that camera.
        scores: (M, T, 17) float32; 0 marks an absent joint.
        times_s: (T,) seconds of each frame.
    """

    name: str
    label: int
    keypoints: NDArray[np.float32]
    scores: NDArray[np.float32]
    times_s: NDArray[np.float64]

    @property
    def is_3d(self) -> bool:
        return self.keypoints.shape[-1] == 3


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
            raise UserError(f"split '{split}' of {self.name} is empty")
        return clips


def load_dataset(path: Path | str) -> DataSet:
    """Read a PYSKL-style annotation pickle (also those of NTU, Kinetics, UCF101, HMDB51, FineGYM and Posetics), or a
    folder of NTU RGB+D's own ``.skeleton`` files.

    Sensor skeletons with other joints are mapped to COCO-17 by the file's ``to_coco17``; faces that the sensor did not
    measure are placed by ``training.faces``.

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
    clips = tuple(_read(path, number, a, mapping) for number, a in enumerate(data["annotations"], 1))
    if names is None:
        names = tuple(map(str, range(max(clip.label for clip in clips) + 1)))
    for clip in clips:
        if clip.label >= len(names):
            raise UserError(
                f"{path}, clip '{clip.name}': its label is {clip.label}, but there are {len(names)} classes"
            )
    return DataSet(Path(path).stem, names, clips, _splits(path, data.get("split")))


def _label_names(path: Path | str, names: Any) -> tuple[str, ...] | None:
    """The file's class names; None when it has none."""
    if names is None:
        return None
    if not _is_list(names):
        raise UserError(f"{path}: 'label_names' is no list of class names")
    return tuple(map(str, names))


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


def _read(path: Path | str, number: int, annotation: Any, mapping: list[int] | None) -> Clip:
    """The clip of the file's ``number``th annotation, counted from 1.

    Raises:
        UserError: it is not of the expected form; the message names file and clip.
    """
    if not isinstance(annotation, dict):
        raise UserError(f"{path}: annotation {number} is no dict")
    clip = f"clip '{annotation['frame_dir']}'" if "frame_dir" in annotation else f"annotation {number}"
    try:
        return _clip(annotation, mapping)
    except KeyError as error:
        raise UserError(f"{path}, {clip}: it has no {error}") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{path}, {clip}: {error}") from None


def _clip(annotation: dict[str, Any], mapping: list[int] | None) -> Clip:
    """Raises KeyError, TypeError, ValueError or OverflowError for an annotation of another form."""
    keypoints = np.asarray(annotation["keypoint"], np.float32)
    if keypoints.ndim != 4 or keypoints.shape[3] not in (2, 3):
        raise ValueError(f"its keypoints have shape {keypoints.shape}, not (people, frames, joints, 2 or 3)")
    if not keypoints.shape[0] or not keypoints.shape[1]:
        raise ValueError(f"it has {keypoints.shape[0]} people and {keypoints.shape[1]} frames")
    scores = _scores(annotation.get("keypoint_score"), keypoints.shape[:3])
    if mapping is not None and (keypoints.shape[2] != 17 or keypoints.shape[3] == 3):
        from training.faces import to_coco17

        if max(mapping) >= keypoints.shape[2]:
            raise ValueError(f"it has {keypoints.shape[2]} joints, 'to_coco17' asks for joint {max(mapping)}")
        keypoints, scores = to_coco17(keypoints, scores, mapping)
    if keypoints.shape[2] != 17:
        raise ValueError(f"it has {keypoints.shape[2]} joints and no 'to_coco17' to map them to COCO's 17")
    bad = ~np.all(np.isfinite(keypoints), axis=-1)
    keypoints = np.where(bad[:, :, :, None], 0, keypoints)
    scores = np.where(bad, 0, np.nan_to_num(scores))
    if not scores.any() and keypoints.any():
        scores = np.any(keypoints != 0, axis=-1).astype(np.float32)
    times = _times_s(annotation, keypoints.shape[1])
    return Clip(str(annotation["frame_dir"]), _label(annotation), keypoints, scores.astype(np.float32), times)


def _scores(scores: Any, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """(M, T, V) scores; ones when there are none."""
    if scores is None:
        return np.ones(shape, np.float32)
    scores = np.asarray(scores, np.float32)
    if scores.shape != shape:
        raise ValueError(f"its scores have shape {scores.shape}, not {shape} as its keypoints")
    return scores


def _label(annotation: dict[str, Any]) -> int:
    label = int(annotation["label"])
    if label < 0 or label != annotation["label"]:  # -1 would be the last class
        raise ValueError(f"its label is {annotation['label']!r}, which is no class")
    return label


def _times_s(annotation: dict[str, Any], frames: int) -> NDArray[np.float64]:
    """(T,) seconds of each frame."""
    irregular = "frame_index" in annotation  # the counter of the recording tells the time
    fps = float(annotation["fps"] if irregular else annotation.get("fps", 30.0))
    if not (fps > 0 and np.isfinite(fps)):
        raise ValueError(f"its fps are {fps:g}")
    if not irregular:
        return np.arange(frames) / fps
    index = np.asarray(annotation["frame_index"], np.float64)
    if index.shape != (frames,):
        raise ValueError(f"its frame_index has shape {index.shape} for {frames} frames")
    if not np.isfinite(index).all() or (np.diff(index) < 0).any():
        raise ValueError("its frame_index is no series of rising numbers")
    usual = np.median(np.diff(index)) if frames > 1 else 1.0
    return (index - index[0]) / max(usual, 1.0) / fps
