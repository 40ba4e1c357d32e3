"""What other programs write into annotation files, brought to this one's conventions, with a notice."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import UserError
from training.data.clips import Clip

log = logging.getLogger(__name__)

MOST_NORMALISED = 2.0
"""No body in pixels is this small: a file whose coordinates all lie within is normalised by the size of the picture."""

CENTRED_FRACTION = 0.1
"""Normalised coordinates of which more are negative run from -1 to 1 about the picture's middle, not from 0 to 1."""


FARTHEST_M = 20.0
"""Nobody stands farther from a sensor; larger coordinates are pixels."""


def scores_apart(path: Path | str, annotations: Sequence[Any]) -> list[Any]:
    """Part triples of x, y and score, as OpenPose and COCO write them, into keypoints and scores; 3-D joints stay.

    Triples are told from joints in space by a third number that stays within [0, 1] beside pixels that no room holds.
    """
    found = [t for t in map(_triples, annotations) if t is not None]
    if not found or len(found) < len(annotations):
        return list(annotations)
    numbers = np.nan_to_num(np.concatenate([t.reshape(-1, 3) for t in found]), posinf=0, neginf=0)
    pixels, last = np.abs(numbers[:, :2]).max(initial=0) > FARTHEST_M, numbers[:, 2]
    if not pixels or last.min() < 0 or last.max() > 1:
        return list(annotations)
    log.warning("%s: its keypoints are x, y and score; the third number is taken for the score", path)
    return [a | {"keypoint": t[..., :2], "keypoint_score": t[..., 2]} for a, t in zip(annotations, found, strict=True)]


def _triples(annotation: Any) -> NDArray[np.float32] | None:
    """(M, T, V, 3) keypoints without scores of their own, else None."""
    if not isinstance(annotation, dict) or annotation.get("keypoint_score") is not None:
        return None
    try:
        keypoints = np.asarray(annotation.get("keypoint"), np.float32)
    except (TypeError, ValueError, OverflowError):
        return None  # refused in a sentence when it is read
    return keypoints if keypoints.ndim == 4 and keypoints.shape[-1] == 3 else None


def labels_from_zero(path: Path | str, clips: Sequence[Clip], names: Sequence[str] | None) -> tuple[Clip, ...]:
    """Shift labels that run from 1 to the number of names, so that they are indices of the names."""
    labels = {clip.label for clip in clips}
    if names is None or min(labels) != 1 or max(labels) != len(names):
        return tuple(clips)
    log.warning("%s: its labels run from 1 to %d; 1 is taken for '%s'", path, len(names), names[0])
    return tuple(replace(clip, label=clip.label - 1) for clip in clips)


def to_pixels(path: Path | str, clips: Sequence[Clip], annotations: Sequence[dict[str, Any]]) -> tuple[Clip, ...]:
    """Bring normalised 2-D coordinates to pixels by each clip's ``img_shape``; pixels and 3-D clips stay as they are.

    Args:
        path: of the file, for messages.
        clips: as read.
        annotations: what each clip was read from.

    Raises:
        UserError: the coordinates are normalised and a clip does not say how large its picture is.
    """
    planar = [clip for clip in clips if not clip.is_3d]
    seen = [clip.keypoints[clip.scores > 0] for clip in planar]
    xy = np.concatenate(seen) if seen else np.zeros((0, 2), np.float32)
    if not xy.size or np.abs(xy).max() > MOST_NORMALISED:
        return tuple(clips)
    centred = bool((xy < 0).mean() > CENTRED_FRACTION)
    scaled = []
    for clip, annotation in zip(clips, annotations, strict=True):
        if clip.is_3d:
            scaled.append(clip)
            continue
        size = _picture_size(annotation)
        if size is None:
            raise UserError(
                f"{path}, clip '{clip.name}': its keypoints are normalised (all within {MOST_NORMALISED:g}) and "
                "it has no 'img_shape' (height, width) to bring them to pixels"
            )
        keypoints = (clip.keypoints + 1) / 2 if centred else clip.keypoints
        keypoints = np.where(clip.scores[..., None] > 0, keypoints * np.array(size, np.float32), 0)
        scaled.append(replace(clip, keypoints=keypoints.astype(np.float32)))
    span = "-1 to 1" if centred else "0 to 1"
    log.warning("%s: its keypoints are normalised (%s) and were brought to pixels by 'img_shape'", path, span)
    return tuple(scaled)


def _picture_size(annotation: dict[str, Any]) -> tuple[float, float] | None:
    """(width, height) in pixels of an annotation's ``img_shape`` (height, width)."""
    try:
        height, width = (float(side) for side in annotation["img_shape"])
    except (KeyError, TypeError, ValueError):
        return None
    return (width, height) if height > 1 and width > 1 else None


def people_first(clip: Clip) -> Clip:
    """Put people who are never seen behind the others, whose order stays: training takes the first person."""
    empty: NDArray[np.bool_] = ~np.any(clip.scores > 0, axis=(1, 2))  # (M,)
    if not empty[:-1].any():
        return clip
    order = np.argsort(empty, kind="stable")
    return replace(clip, keypoints=clip.keypoints[order], scores=clip.scores[order])


def warn_of_zeros(path: Path | str, annotations: Sequence[dict[str, Any]]) -> None:
    """Say once in how many clips a joint at (0, 0), which is where absent ones are put, has a score."""
    odd = 0
    for annotation in annotations:
        keypoints, scores = np.asarray(annotation["keypoint"]), annotation.get("keypoint_score")
        if scores is not None and keypoints.shape[-1] == 2:
            odd += bool(np.any(np.all(keypoints == 0, axis=-1) & (np.asarray(scores) > 0)))
    if odd:
        log.warning("%s: %d of its %d clips have joints at (0, 0) with a score; these joints count as absent",
                    path, odd, len(annotations))  # fmt: skip


def warn_of_nobody(path: Path | str, clips: Sequence[Clip], names: Sequence[str]) -> None:
    """Say once in which classes nobody is seen in any clip."""
    lost = _classes_of_nobody(clips, names)
    if lost:
        log.warning("%s: nobody is seen in any clip of %s", path, lost)


def _classes_of_nobody(clips: Sequence[Clip], names: Sequence[str]) -> str:
    lost = {clip.label for clip in clips} - {clip.label for clip in clips if clip.seen}
    return ", ".join(f"'{names[label]}'" for label in sorted(lost))


def learnable(name: str, clips: Sequence[Clip], names: Sequence[str]) -> tuple[Clip, ...]:
    """Leave out the clips in which nobody is seen: an empty window would be learnt as the mark of its class.

    Args:
        name: of the data set, for messages.
        clips: of a training split.
        names: of its classes.

    Raises:
        UserError: nobody is seen in any clip of a class.
    """
    lost = _classes_of_nobody(clips, names)
    if lost:
        raise UserError(f"{name}: nobody is seen in any training clip of {lost}, so it cannot be learnt")
    seen = tuple(clip for clip in clips if clip.seen)
    if len(seen) < len(clips):
        skipped = [clip.name for clip in clips if not clip.seen]
        log.warning("%s: nobody is seen in %d of its clips, which are skipped: %s%s",
                    name, len(skipped), ", ".join(skipped[:3]), ", ..." if len(skipped) > 3 else "")  # fmt: skip
    return seen
