"""All files of the shipped model's recipe, with the classes and splits of the real ones and clips of a second."""

from __future__ import annotations

import pickle
from itertools import product
from pathlib import Path

import numpy as np

from tests.training.toy import COCO_FROM_KINECT, moving, recording, write_mocap
from training.data.vocabulary import ALIASES, MERGE

OWN = (("train", "val"),)
BY_SUBJECT = (("xsub_train", "xsub_val"),)

PROTOCOLS = {
    "jhmdb_train": OWN, "jhmdb_train_lightning": OWN, "exercise_train": OWN,
    "nw_ucla": (("xview_train", "xview_val"), *BY_SUBJECT),
    "utkinect": BY_SUBJECT, "msr_action3d": BY_SUBJECT, "kard": BY_SUBJECT, "msr_daily": BY_SUBJECT,
    "florence": BY_SUBJECT, "gtu": OWN, "sbu": OWN,
}  # fmt: skip
"""File -> the training and the validation split of each of its protocols."""

VIDEO_FILES = ("jhmdb_train", "jhmdb_train_lightning", "exercise_train")
"""Skeletons in pixels; the other files are a sensor's."""

FPS = 15.0


def family(file: str) -> str:
    """What comes first in the names of a file's clips. The two of JHMDB hold the same videos, so they share it."""
    return ALIASES.get(file, file)


def validation_names(*files: str) -> set[str]:
    """Names of the clips that some protocol of these files measures on."""
    return {name for file in files for name, sides in _clips(file) if "val" in sides}


def write_recipe(folder: Path) -> Path:
    """One clip of every class for each side of each protocol; NW-UCLA's two protocols make four of a class."""
    for number, file in enumerate(PROTOCOLS):
        (folder / f"{file}.pkl").write_bytes(pickle.dumps(_annotations(file, 1000 * number)))
    labels = (*MERGE["mocap"], "a label that no word stands for")
    write_mocap(folder / "mocap.npz", takes=3 * len(labels), frames=24, labels=labels)
    return folder


def _clips(file: str) -> list[tuple[str, tuple[str, ...]]]:
    """Names, class by class, and on which side of each protocol a clip is: ``train`` or ``val``."""
    sides = list(product(("train", "val"), repeat=len(PROTOCOLS[file])))
    return [(f"{family(file)}/{name}/{'-'.join(side)}", side) for name in MERGE[family(file)] for side in sides]


def _annotations(file: str, seed: int) -> dict:
    """An annotation file's content; ``seed`` makes its clips differ from other files'."""
    classes, clips = sorted(MERGE[family(file)]), _clips(file)
    annotations = []
    for number, (name, _) in enumerate(clips):
        label = classes.index(name.split("/")[1])
        keypoints = _keypoints(file, label % 2, seed + number)
        annotations.append({
            "frame_dir": name, "label": label, "fps": FPS, "total_frames": keypoints.shape[1], "keypoint": keypoints,
            "keypoint_score": np.ones(keypoints.shape[:3], np.float32),
        })  # fmt: skip
    split = {
        own: [name for name, sides in clips if sides[pair] == side]
        for pair, protocol in enumerate(PROTOCOLS[file])
        for side, own in zip(("train", "val"), protocol, strict=True)
    }
    data = {"split": split, "label_names": classes, "annotations": annotations}
    return data if file in VIDEO_FILES else data | {"to_coco17": COCO_FROM_KINECT}


def _keypoints(file: str, motion: int, seed: int) -> np.ndarray:
    """(M, T, V, C) of somebody who moves in one of two ways, of two people for the set of interactions."""
    if file in VIDEO_FILES:
        return moving(motion, seed, frames=16).keypoints
    people = [recording(motion, seed)]
    if file == "sbu":
        people.append(recording(1 - motion, seed + 500) + np.float32([0.8, 0, 0]))
    return np.concatenate(people)
