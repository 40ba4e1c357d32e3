"""The one COCO-17: names, mirror image and body parts; and skeletons as trees, the root being its own parent."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

COCO_KEYPOINTS = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip
"""The 17 COCO keypoints in order; left and right are the person's own."""

# Joints left then right; limbs as (upper joint, lower joint), left then right.
FACE = (0, 1, 2, 3, 4)
SHOULDERS, HIPS, ANKLES = (5, 6), (11, 12), (15, 16)
TORSO = (*SHOULDERS, *HIPS)
FLANKS = ((5, 11), (6, 12))
UPPER_ARMS, FOREARMS = ((5, 7), (6, 8)), ((7, 9), (8, 10))
THIGHS, SHANKS = ((11, 13), (12, 14)), ((13, 15), (14, 16))

# Without the lines inside the face: on most people they are a blot of a few pixels.
DRAWN_LIMBS = (
    (5, 6), (5, 7), (7, 9), (6, 8), (8, 10), (5, 11), (6, 12), (11, 12), (11, 13), (13, 15), (12, 14), (14, 16),
    (0, 5), (0, 6),
)  # fmt: skip


def _mirrored(name: str) -> str:
    side, _, part = name.partition("_")
    return {"left": f"right_{part}", "right": f"left_{part}"}.get(side, name)


MIRROR = np.array([COCO_KEYPOINTS.index(_mirrored(name)) for name in COCO_KEYPOINTS])
"""(17,) index of the joint on the other side of the body."""

COCO_PARENTS = (0, 0, 0, 1, 2, 0, 0, 5, 6, 7, 8, 5, 6, 11, 12, 13, 14)
"""COCO-17 in two dimensions, rooted at the nose."""

KINECT_PARENTS = (0, 0, 1, 2, 2, 4, 5, 6, 2, 8, 9, 10, 0, 12, 13, 14, 0, 16, 17, 18)
"""The 20 joints of Kinect v1, rooted at the hip centre."""

NTU_PARENTS = (0, 0, 20, 2, 20, 4, 5, 6, 20, 8, 9, 10, 0, 12, 13, 14, 0, 16, 17, 18, 1, 7, 7, 11, 11)
"""The 25 joints of Kinect v2 as in NTU RGB+D, rooted at the base of the spine; tips and thumbs hang on the hands."""

# The nearest joints towards the trunk, best first: trackers differ in which of them they report.
_TOWARDS_ROOT: dict[str, tuple[str, ...]] = {
    "spine": ("hip_center",),
    "torso": ("hip_center",),
    "spine_shoulder": ("spine", "torso"),
    "shoulder_center": ("spine_shoulder", "spine", "torso"),
    "neck": ("spine_shoulder", "shoulder_center", "spine", "torso"),
    "head": ("neck", "shoulder_center"),
    "nose": ("head", "neck"),
    "hip": ("hip_center", "torso", "spine"),
    "knee": ("hip",),
    "ankle": ("knee",),
    "foot": ("ankle", "knee"),
    "shoulder": ("spine_shoulder", "shoulder_center", "neck"),
    "elbow": ("shoulder",),
    "wrist": ("elbow",),
    "hand": ("wrist", "elbow"),
    "hand_tip": ("hand", "wrist"),
    "thumb": ("hand", "wrist"),
}


def parents_from_names(names: Sequence[str]) -> tuple[int, ...]:
    """Parents of a depth sensor's joints, in whatever order and choice it reports them.

    Args:
        names: joint names such as ``hip_center``, ``spine``, ``shoulder_left``.

    Returns:
        Parent index of each joint; the one joint without anything nearer the trunk is the root.

    Raises:
        ValueError: a name is unknown, or the joints do not hang together.
    """
    index = {name: i for i, name in enumerate(names)}
    parents = []
    for name in names:
        stem, _, side = name.rpartition("_")
        sided = side in ("left", "right")
        key = stem if sided else name
        if key != "hip_center" and key not in _TOWARDS_ROOT:
            raise ValueError(f"no parent is known for a joint named {name!r}")
        candidates = _TOWARDS_ROOT.get(key, ())
        found = [n for c in candidates for n in ((f"{c}_{side}", c) if sided else (c,)) if n in index]
        parents.append(index[found[0]] if found else index[name])
    check_parents(parents)
    return tuple(parents)


def check_parents(parents: Sequence[int]) -> None:
    """Make sure that a list of parents is a tree.

    Raises:
        ValueError: an index is out of range, or there is not exactly one root that all joints lead to.
    """
    joints = len(parents)
    if any(not 0 <= p < joints for p in parents):
        raise ValueError(f"a skeleton of {joints} joints has parents in 0..{joints - 1}, not {list(parents)}")
    roots = [j for j, p in enumerate(parents) if j == p]
    if len(roots) != 1:
        raise ValueError(f"a skeleton has one root (a joint that is its own parent), not {len(roots)}: {roots}")
    for joint in range(joints):
        at = joint
        for _ in range(joints):
            at = parents[at]
        if at != roots[0]:
            raise ValueError(f"joint {joint} does not lead to the root: its parents form a circle")
