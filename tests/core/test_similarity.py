"""Keypoint similarity against COCO's formula and over time, overlap of boxes, and one pose or box a body."""

from __future__ import annotations

import numpy as np
import pytest

from core.similarity import (
    AREA_OF_BOX,
    COCO_SIGMAS,
    iou,
    keypoint_area,
    keypoint_similarity,
    match_poses,
    oks,
    suppress_boxes,
    suppress_duplicates,
)
from core.types import Pose
from tests.pipeline.stick_figures import walker

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


def test_suppression_keeps_the_surest() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10], [0, 0, 10, 4]], np.float32)
    assert suppress_boxes(boxes, np.array([0.5, 0.9, 0.7, 0.6]), 0.5).tolist() == [1, 2, 3]
    assert suppress_boxes(np.zeros((0, 4)), np.zeros(0), 0.5).tolist() == []


def test_iou_of_known_boxes() -> None:
    a = np.array([[0, 0, 10, 10], [5, 0, 15, 10]])
    b = np.array([[0, 0, 10, 10], [10, 10, 20, 20], [0, 0, 0, 0]])
    np.testing.assert_allclose(iou(a, b), [[1, 0, 0], [1 / 3, 0, 0]])


def test_a_body_is_most_like_itself() -> None:
    bodies = np.stack([walker(0.0, x, 300, 150, 100) for x in (100, 130, 400)])
    weights = np.ones((3, 17))
    value = keypoint_similarity(bodies, weights, bodies, weights, np.full(3, 150.0))
    np.testing.assert_allclose(np.diag(value), 1.0)
    assert value[0, 1] < 0.2
    assert value[0, 2] == pytest.approx(0, abs=1e-6)


def test_time_forgives_ankles_more_than_hips() -> None:
    body = walker(0.0, 200, 300, 200, 100)[None]
    weights = np.ones((1, 17))

    def moved(joint: int, dt: float) -> float:
        other = body.copy()
        other[0, joint, 0] += 30
        return float(keypoint_similarity(body, weights, other, weights, np.array([200.0]), 0.0, dt)[0, 0])

    assert moved(15, 0.2) > moved(15, 0.02) + 0.01
    assert moved(15, 0.2) > moved(11, 0.2)


def test_unseen_joints_do_not_count() -> None:
    body = walker(0.0, 200, 300, 200, 100)[None]
    other = body.copy()
    other[0, 9:] += 500
    weights = np.ones((1, 17))
    weights[0, 9:] = 0
    assert keypoint_similarity(body, weights, other, np.ones((1, 17)), np.array([200.0]))[0, 0] == pytest.approx(1)
    nothing = np.zeros((1, 17))
    assert keypoint_similarity(body, nothing, body, nothing, np.array([200.0]))[0, 0] == 0
