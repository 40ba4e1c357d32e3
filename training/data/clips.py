"""One labelled recording: how it is kept, and how an annotation becomes it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


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

    @property
    def seen(self) -> bool:
        """Whether anybody is seen in any frame."""
        return bool((self.scores > 0).any())


def clip_of(annotation: dict[str, Any], mapping: list[int] | None, step: float = 1.0) -> Clip:
    """The clip that an annotation describes. Joints whose coordinates or score are no finite numbers are absent in it.

    Args:
        annotation: PYSKL's, of whatever joints.
        mapping: the source joint of each COCO joint, or -1; None where the joints are COCO's.
        step: by how much ``frame_index``, where there is one, rises in 1 / fps seconds; see ``usual_step``.

    Raises:
        KeyError: it lacks an entry.
        ValueError: it is of another form; the message goes on where "clip 'a', " ends.
    """
    keypoints = _numbers(annotation["keypoint"], "keypoints")
    if keypoints.ndim != 4 or keypoints.shape[3] not in (2, 3):
        raise ValueError(f"its keypoints have shape {keypoints.shape}, not (people, frames, joints, 2 or 3)")
    if not keypoints.shape[0] or not keypoints.shape[1]:
        raise ValueError(f"it has {keypoints.shape[0]} people and {keypoints.shape[1]} frames")
    if not np.isfinite(keypoints).all(-1).any():
        raise ValueError("none of its keypoints is a finite number; a frame without anybody has zeros")
    scores = np.where(_absent(keypoints), 0, _scores(annotation.get("keypoint_score"), keypoints.shape[:3]))
    if mapping is not None and (keypoints.shape[2] != 17 or keypoints.shape[3] == 3):
        from training.data.faces import to_coco17

        if max(mapping) >= keypoints.shape[2]:
            raise ValueError(f"it has {keypoints.shape[2]} joints, 'to_coco17' asks for joint {max(mapping)}")
        keypoints, scores = to_coco17(keypoints, scores, mapping)
    if keypoints.shape[2] != 17:
        raise ValueError(f"it has {keypoints.shape[2]} joints and no 'to_coco17' to map them to COCO's 17")
    bad = ~np.all(np.isfinite(keypoints), axis=-1)
    keypoints = np.where(bad[:, :, :, None], 0, keypoints)
    scores = np.where(bad, 0, np.nan_to_num(scores, posinf=0, neginf=0))
    if not scores.any() and keypoints.any():
        scores = np.any(keypoints != 0, axis=-1).astype(np.float32)
    times = _times_s(annotation, keypoints.shape[1], step)
    return Clip(str(annotation["frame_dir"]), _label(annotation), keypoints, scores.astype(np.float32), times)


def _absent(keypoints: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(M, T, V) whether a joint is where absent ones are put: at (0, 0) of a picture; in space, where the origin may be
    a joint's place, only with all others of its frame."""
    zero = (keypoints == 0).all(-1)
    return zero if keypoints.shape[-1] == 2 else np.broadcast_to(zero.all(-1, keepdims=True), zero.shape)


def all_finite(annotation: dict[str, Any]) -> bool:
    """Whether all coordinates and scores of an annotation that ``clip_of`` can read are finite numbers."""
    values = (annotation["keypoint"], annotation.get("keypoint_score"))
    return all(bool(np.isfinite(_numbers(v, "")).all()) for v in values if v is not None)


def _numbers(values: Any, what: str, kind: type[np.floating] = np.float32) -> NDArray[Any]:
    try:
        with np.errstate(over="ignore"):  # what single precision cannot hold is infinite then, and told as that
            return np.asarray(values, kind)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"its {what} are no array of numbers") from None


def _scores(scores: Any, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """(M, T, V) scores; ones when there are none."""
    if scores is None:
        return np.ones(shape, np.float32)
    scores = _numbers(scores, "scores")
    if scores.shape != shape:
        raise ValueError(f"its scores have shape {scores.shape}, not {shape} as its keypoints")
    return scores


def _label(annotation: dict[str, Any]) -> int:
    """Index of the class."""
    given = annotation["label"]
    try:
        label = int(given)
        fits = label >= 0 and label == given  # -1 would be the last class
    except (TypeError, ValueError, OverflowError):
        fits = False
    if not fits:
        raise ValueError(f"its label is {given!r}, which is no class: classes are numbered from 0 as in 'label_names'")
    return label


def usual_step(annotations: Iterable[Any]) -> float:
    """By how much the counters (``frame_index``) of a file's recordings usually rise from frame to frame.

    That much is one frame at the file's ``fps``. It is one for the whole file: a recording that kept every third frame
    only did not run faster than the others.
    """
    steps = []
    for annotation in annotations:
        try:
            rise = np.diff(np.asarray(annotation["frame_index"], np.float64))
        except (KeyError, TypeError, ValueError, OverflowError):
            continue  # no counter, or one that ``clip_of`` refuses
        if rise.ndim == 1 and rise.size:
            steps.append(float(np.median(rise)))
    usual = float(np.median(steps)) if steps else 1.0
    return usual if np.isfinite(usual) and usual > 1 else 1.0


def _times_s(annotation: dict[str, Any], frames: int, step: float) -> NDArray[np.float64]:
    """(T,) seconds of each frame: its own time stamps (``times_s``) if there are any, else by counter or rate."""
    if annotation.get("times_s") is not None:
        own = _numbers(annotation["times_s"], "times_s", np.float64)
        if own.shape != (frames,) or not np.isfinite(own).all() or (np.diff(own) < 0).any():
            raise ValueError(f"its times_s are no series of {frames} rising numbers")
        return own - own[0]
    irregular = "frame_index" in annotation  # the counter of the recording tells the time
    given = annotation["fps"] if irregular else annotation.get("fps", 30.0)
    try:
        fps = float(given)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"its fps are {given!r}, which is no number") from None
    if not (fps > 0 and np.isfinite(fps)):
        raise ValueError(f"its fps are {fps:g}")
    if not irregular:
        return np.arange(frames) / fps
    try:
        index = np.asarray(annotation["frame_index"], np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("its frame_index is no list of numbers") from None
    if index.shape != (frames,):
        raise ValueError(f"its frame_index has shape {index.shape} for {frames} frames")
    if not np.isfinite(index).all() or (np.diff(index) < 0).any():
        raise ValueError("its frame_index is no series of rising numbers")
    return (index - index[0]) / step / fps
