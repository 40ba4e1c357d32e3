"""A folder of NTU RGB+D ``.skeleton`` files as an annotation file's content: names, splits, and at most two people.

Some bodies are chairs and tables, and a person who was lost comes back under another number. The usual remedies, which
the data set's authors suggest and most of the literature uses with these very thresholds: where there are several
bodies, those are left out that are seen for a moment only or are as wide as high, and of the others the two that move
most stay.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import UserError
from training.data.ntu_protocol import (
    ACTIONS,
    SETUPS_60,
    TRAINING_CAMERAS,
    TRAINING_SUBJECTS_60,
    TRAINING_SUBJECTS_120,
)
from training.data.skeleton_file import JOINTS, Body, read_skeleton_file

log = logging.getLogger(__name__)

FPS = 30.0

TO_COCO17 = (3, -1, -1, -1, -1, 4, 8, 5, 9, 6, 10, 12, 16, 13, 17, 14, 18)
"""The Kinect v2 joint of each COCO joint; the head for the nose, nothing for eyes and ears."""

PEOPLE = 2
"""More are not kept."""

SHORTEST_FRAMES = 11
"""A body of no more frames is noise beside another one."""

WIDEST = 0.8
"""A body wider than this part of its height is no upright person in that frame."""

WIDE_FRAMES = 0.69754
"""A body with this part of its frames too wide is noise beside another one."""

_NAME = re.compile(r"S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})")


def files_of(folder: Path) -> list[Path]:
    """What ``read_folder`` reads: recordings, and lists of incomplete ones."""
    return [*_recordings(folder), *_lists(folder)]


def _recordings(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.skeleton"))


def _lists(folder: Path) -> list[Path]:
    return sorted(folder.glob("*missing_skeletons*.txt"))


def read_folder(folder: Path) -> dict[str, Any]:
    """All recordings of a folder and its sub-folders, as an annotation file would hold them.

    Recordings without anybody are left out, as are those named in a text file in the folder whose name contains
    ``missing_skeletons``: the authors publish lists of incomplete recordings under that name. Without setups above 17
    the folder is NTU RGB+D 60, with splits ``xsub`` and ``xview``; else it is 120, with ``xsub`` and ``xset``; each
    has ``_train`` or ``_val`` behind it.

    Raises:
        UserError: there is no recording, a file's name or content is not of the expected form.
    """
    files = _recordings(folder)
    if not files:
        raise UserError(f"{folder} holds no .skeleton files")
    left_out = {line.strip() for path in _lists(folder) for line in path.read_text().splitlines()}
    annotations, empty = [], 0
    for path in files:
        if path.stem in left_out:
            continue
        numbers = _numbers(path)
        frames, bodies = read_skeleton_file(path)
        if bodies:
            annotations.append(_annotation(path.stem, numbers, frames, bodies))
        else:
            empty += 1
    if not annotations:
        raise UserError(f"{folder}: there is nobody in any of its {len(files)} recordings")
    log.info("%d recordings; %d without anybody, %d on the list of incomplete ones",
             len(annotations), empty, len(files) - empty - len(annotations))  # fmt: skip
    large = any(a["setup"] > SETUPS_60 or a["label"] >= 60 for a in annotations)
    return {
        "annotations": annotations,
        "label_names": list(ACTIONS if large else ACTIONS[:60]),
        "split": _splits(annotations, large),
        "to_coco17": list(TO_COCO17),
    }


def _numbers(path: Path) -> tuple[int, int, int, int]:
    """Setup, camera, subject and action, from 1."""
    match = _NAME.fullmatch(path.stem)
    if match is None:
        raise UserError(f"{path}: a skeleton file is named like S001C002P003R002A013.skeleton")
    setup, camera, subject, _, action = (int(g) for g in match.groups())
    if not 1 <= action <= len(ACTIONS):
        raise UserError(f"{path}: there is no action {action}; there are {len(ACTIONS)}")
    return setup, camera, subject, action


def _annotation(name: str, numbers: tuple[int, int, int, int], frames: int, bodies: Sequence[Body]) -> dict[str, Any]:
    people = link(clean(bodies))
    keypoints = np.zeros((len(people), frames, JOINTS, 3), np.float32)
    scores = np.zeros((len(people), frames, JOINTS), np.float32)
    for person, parts in enumerate(people):
        for body in parts:
            keypoints[person, body.frames] = body.joints
            scores[person, body.frames] = body.scores
    seen = sorted({frame for parts in people for body in parts for frame in body.frames})
    during = slice(seen[0], seen[-1] + 1)  # nobody has come yet, or everybody has gone
    setup, camera, subject, action = numbers
    return {
        "frame_dir": name, "label": action - 1, "setup": setup, "view": camera, "subject": subject, "fps": FPS,
        "keypoint": keypoints[:, during], "keypoint_score": scores[:, during],
    }  # fmt: skip


def clean(bodies: Sequence[Body]) -> list[Body]:
    """Leave out bodies that are noise, and order the others by how much they move, most first.

    A rule that no body passes is not applied.
    """
    kept = list(bodies)
    for passes in (lambda b: len(b.frames) > SHORTEST_FRAMES, lambda b: _wide(b).mean() < WIDE_FRAMES):
        if len(kept) > 1:
            kept = [body for body in kept if passes(body)] or kept
    return sorted(kept, key=motion, reverse=True)


def link(bodies: Sequence[Body]) -> list[list[Body]]:
    """Bodies as people, ``PEOPLE`` at most: one is the same person as an earlier one if they never meet in a frame."""
    people: list[list[Body]] = []
    for body in bodies:
        frames = set(body.frames)
        for parts in people:
            if not any(frames.intersection(other.frames) for other in parts):
                parts.append(body)
                break
        else:
            if len(people) < PEOPLE:
                people.append([body])
    return people


def motion(body: Body) -> float:
    """Variance of the joints' coordinates over the frames in which the body is no wider than a person, in m^2."""
    upright = ~_wide(body)
    joints = np.stack(body.joints)
    return float((joints[upright] if upright.any() else joints).reshape(-1, 3).var(0).sum())


def _wide(body: Body) -> np.ndarray:
    """(frames,) whether the body is too wide for its height."""
    extent = np.ptp(np.stack(body.joints), axis=1)  # (frames, 3)
    return extent[:, 0] > WIDEST * extent[:, 1]


def _splits(annotations: list[dict[str, Any]], large: bool) -> dict[str, list[str]]:
    subjects = TRAINING_SUBJECTS_120 if large else TRAINING_SUBJECTS_60
    splits: dict[str, list[str]] = {}
    for a in annotations:
        trained = {"xsub": a["subject"] in subjects}
        if large:
            trained["xset"] = a["setup"] % 2 == 0
        else:
            trained["xview"] = a["view"] in TRAINING_CAMERAS
        for protocol, is_training in trained.items():
            splits.setdefault(f"{protocol}_{'train' if is_training else 'val'}", []).append(a["frame_dir"])
    return splits
