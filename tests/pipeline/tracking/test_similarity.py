import numpy as np
import pytest
from stick_figures import walker

from core.similarity import iou, keypoint_similarity


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
