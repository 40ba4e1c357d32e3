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
        UserError: the file is not of that format; the message says what is missing.
    """
    data = read_folder(Path(path)) if Path(path).is_dir() else load_plain_pickle(path)
    if not isinstance(data, dict) or not isinstance(data.get("annotations"), list):
        raise UserError(f"{path} is no annotation file: it needs a dict with 'annotations' and 'split'")
    annotations = data["annotations"]
    labels = data.get("label_names")
    try:
        if labels is None:
            labels = [str(i) for i in range(max(int(a["label"]) for a in annotations) + 1)]
        mapping = data.get("to_coco17")
        clips = tuple(_clip(a, mapping) for a in annotations)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise UserError(
            f"{path}: an annotation is not of the expected form ({type(error).__name__}: {error})"
        ) from None
    splits = {str(k): frozenset(map(str, v)) for k, v in (data.get("split") or {}).items()}
    return DataSet(Path(path).stem, tuple(map(str, labels)), clips, splits)


def _clip(annotation: dict[str, Any], mapping: list[int] | None) -> Clip:
    keypoints = np.asarray(annotation["keypoint"], np.float32)
    if keypoints.ndim != 4:
        raise ValueError(f"keypoint has shape {keypoints.shape}, not (M, T, V, C)")
    scores = annotation.get("keypoint_score")
    scores = np.ones(keypoints.shape[:3], np.float32) if scores is None else np.asarray(scores, np.float32)
    if mapping is not None and (keypoints.shape[2] != 17 or keypoints.shape[3] == 3):
        from training.faces import to_coco17

        keypoints, scores = to_coco17(keypoints, scores, mapping)
    if keypoints.shape[2] != 17:
        raise ValueError(f"{keypoints.shape[2]} joints and no 'to_coco17' to map them to COCO's 17")
    bad = ~np.all(np.isfinite(keypoints), axis=-1)
    keypoints = np.where(bad[:, :, :, None], 0, keypoints)
    scores = np.where(bad, 0, np.nan_to_num(scores))
    if not scores.any() and keypoints.any():
        scores = np.any(keypoints != 0, axis=-1).astype(np.float32)
    if "frame_index" in annotation:  # irregular sampling: the counter of the recording tells the time
        index = np.asarray(annotation["frame_index"], np.float64)
        usual = np.median(np.diff(index)) if len(index) > 1 else 1.0
        times = (index - index[0]) / max(usual, 1.0) / float(annotation["fps"])
    else:
        times = np.arange(keypoints.shape[1]) / float(annotation.get("fps", 30.0))
    return Clip(str(annotation["frame_dir"]), int(annotation["label"]), keypoints, scores.astype(np.float32), times)
