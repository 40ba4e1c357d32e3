"""Skeletons as parents, and parents from a sensor's joint names."""

from __future__ import annotations

import pytest

from core.skeleton import (
    COCO_PARENTS,
    KINECT_PARENTS,
    NTU_PARENTS,
    check_parents,
    parents_from_names,
)

KINECT_V1 = (
    "hip_center", "spine", "shoulder_center", "head", "shoulder_left", "elbow_left", "wrist_left", "hand_left",
    "shoulder_right", "elbow_right", "wrist_right", "hand_right", "hip_left", "knee_left", "ankle_left",
    "foot_left", "hip_right", "knee_right", "ankle_right", "foot_right",
)  # fmt: skip
KARD = (
    "head", "neck", "shoulder_right", "elbow_right", "hand_right", "shoulder_left", "elbow_left", "hand_left",
    "torso", "hip_right", "knee_right", "foot_right", "hip_left", "knee_left", "foot_left",
)  # fmt: skip


@pytest.mark.parametrize(("parents", "joints"), [(COCO_PARENTS, 17), (KINECT_PARENTS, 20), (NTU_PARENTS, 25)])
def test_shipped_skeletons_are_trees(parents: tuple[int, ...], joints: int) -> None:
    assert len(parents) == joints
    check_parents(parents)


def test_names_give_the_kinect_tree_in_any_order() -> None:
    assert parents_from_names(KINECT_V1) == KINECT_PARENTS
    backwards = KINECT_V1[::-1]
    named = {n: backwards[p] for n, p in zip(backwards, parents_from_names(backwards), strict=True)}
    assert named == {n: KINECT_V1[p] for n, p in zip(KINECT_V1, KINECT_PARENTS, strict=True)}


def test_a_tracker_without_wrists_hangs_hands_on_elbows() -> None:
    named = {n: KARD[p] for n, p in zip(KARD, parents_from_names(KARD), strict=True)}
    assert named["hand_left"] == "elbow_left"
    assert named["foot_right"] == "knee_right"
    assert named["torso"] == "torso"
    assert named["head"] == "neck"


@pytest.mark.parametrize(
    ("parents", "words"), [((0, 2, 1), "circle"), ((0, 1, 0), "one root"), ((0, 0, 7), "0..2"), ((1, 0), "one root")]
)
def test_what_is_no_tree_is_refused(parents: tuple[int, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_parents(parents)


def test_an_unknown_joint_is_named() -> None:
    with pytest.raises(ValueError, match="tail_left"):
        parents_from_names(["hip_center", "tail_left"])
