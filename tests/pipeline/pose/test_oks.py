"""Keypoint similarity against COCO's formula, and one pose a body after duplicates are dropped."""

from __future__ import annotations

import numpy as np
import pytest

from core.similarity import AREA_OF_BOX, COCO_SIGMAS, keypoint_area, match_poses, oks, suppress_duplicates
from core.types import Pose

STANDING = np.array(
    [[50, 10], [53, 7], [47, 7], [57, 9], [43, 9], [66, 30], [34, 30], [72, 55], [28, 55], [75, 78], [25, 78],
     [60, 85], [40, 85], [61, 125], [39, 125], [62, 165], [38, 165]], np.float32
)  # fmt: skip


def pose(keypoints: np.ndarray, score: float = 0.8, scores: np.ndarray | None = None) -> Pose:
    box = np.concatenate([keypoints.min(axis=0), keypoints.max(axis=0)])
    return Pose(keypoints, np.full(17, 0.8, np.float32) if scores is None else scores, box, score)


def test_same_body_is_one_and_far_body_is_zero():
    assert oks(pose(STANDING), pose(STANDING)) == pytest.approx(1.0)
    assert oks(pose(STANDING), pose(STANDING + 200)) == pytest.approx(0.0, abs=1e-6)


def test_follows_the_published_formula():
    moved = STANDING + np.float32(5)
    area = AREA_OF_BOX * 50 * 158  # keypoint extent 50 x 158; the short side is at least a third of the long one
    expected = [np.exp(-50 / (2 * AREA_OF_BOX * max(50, 158 / 3) * 158 * (2 * s) ** 2)) for s in COCO_SIGMAS]
    assert area < keypoint_area(STANDING)
    assert oks(pose(STANDING), pose(moved)) == pytest.approx(np.mean(expected), rel=1e-5)


def test_does_not_depend_on_picture_size():
    moved = STANDING + np.float32(4)
    assert oks(pose(STANDING), pose(moved)) == pytest.approx(oks(pose(STANDING * 7), pose(moved * 7)), rel=1e-4)


def test_doubtful_joints_do_not_count():
    half = np.where(np.arange(17) < 9, 0.9, 0.05).astype(np.float32)
    wrong_legs = STANDING.copy()
    wrong_legs[9:] += 300
    assert oks(pose(STANDING), pose(wrong_legs, scores=half), least_score=0.2) == pytest.approx(1.0)
    assert oks(pose(STANDING, scores=1 - half), pose(STANDING, scores=half), least_score=0.2) == 0.0


def test_one_body_reported_twice_is_kept_once():
    sure, twin, neighbour = pose(STANDING, 0.7), pose(STANDING + 2, 0.5), pose(STANDING + np.float32([60, 0]), 0.4)
    assert suppress_duplicates([twin, neighbour, sure], 0.6) == [sure, neighbour]


def test_one_point_poses_do_not_divide_by_zero():
    point = pose(np.full((17, 2), 3.0, np.float32))
    assert oks(point, point) == pytest.approx(1.0)


def test_slack_forgives_motion_of_its_size():
    moved = pose(STANDING + np.float32([30, 0]))
    assert oks(pose(STANDING), moved) < 0.1
    assert oks(pose(STANDING), moved, slack=30.0) > 0.55


def test_matching_pairs_each_pose_once_and_leaves_strangers():
    here = [pose(STANDING), pose(STANDING + np.float32([8, 0])), pose(STANDING + 500)]
    there = [pose(STANDING + np.float32([9, 0])), pose(STANDING + np.float32([1, 0]))]
    assert match_poses(here, there, 0.3) == {1: 0, 0: 1}
    assert match_poses(here, [], 0.3) == {}
