"""Network input for skeletons other than COCO-17."""

from __future__ import annotations

import numpy as np

from skeleformer.multistream.features import HEIGHT_M, MAX_SPEED, skeleton_features


def _walk(rate_hz: float, seconds: float = 1.0) -> np.ndarray:
    """(T, 20, 3) metres: a rigid body that moves 1.7 m a second to the right."""
    body = np.random.default_rng(0).normal(size=(20, 3)) * 0.3
    time = np.arange(int(rate_hz * seconds)) / rate_hz
    return body[None] + time[:, None, None] * np.array([1.7, 0, 0])


def test_velocity_is_in_heights_a_second_at_any_rate() -> None:
    for rate in (10.0, 30.0):
        x = skeleton_features(_walk(rate), np.ones((int(rate), 20)), rate, centre=[0])
        np.testing.assert_allclose(x[1:, :, 3:6], np.broadcast_to([1.0, 0, 0], (int(rate) - 1, 20, 3)), atol=1e-4)
        assert (x[0, :, 3:6] == 0).all()


def test_position_is_relative_to_the_centre_in_heights() -> None:
    walk = _walk(15.0)
    x = skeleton_features(walk, np.ones((15, 20)), 15.0, centre=[0, 1])
    expected = (walk - walk[:, :2].mean(1, keepdims=True)) / HEIGHT_M
    np.testing.assert_allclose(x[..., :3], expected, atol=1e-5)
    assert (x[..., -1] == 1).all()


def test_absent_joints_are_zero_and_change_nothing_else() -> None:
    walk, weights = _walk(15.0), np.ones((15, 20))
    weights[4:6, 7] = 0
    x = skeleton_features(walk, weights, 15.0, centre=[0])
    wild = walk.copy()
    wild[4:6, 7] = np.nan
    np.testing.assert_array_equal(skeleton_features(wild, weights, 15.0, centre=[0]), x)
    assert (x[4:6, 7] == 0).all()
    assert (x[6, 7, 3:6] == 0).all()  # nothing to come from
    assert (x[7, 7, 3:6] != 0).any()


def test_a_frame_depends_on_itself_and_its_predecessor_only() -> None:
    walk = _walk(15.0)
    whole = skeleton_features(walk, np.ones((15, 20)), 15.0, centre=[0])
    two = skeleton_features(walk[6:8], np.ones((2, 20)), 15.0, centre=[0])
    np.testing.assert_array_equal(two[1], whole[7])


def test_jumps_are_clipped_and_emptiness_is_fine() -> None:
    jump = np.zeros((2, 20, 2))
    jump[1] = 1e6
    x = skeleton_features(jump, np.ones((2, 20)), 15.0, centre=[0], unit=np.ones(2))
    assert x[1, :, 2:4].max() == MAX_SPEED
    assert skeleton_features(np.zeros((0, 20, 3)), np.zeros((0, 20)), 15.0, centre=[0]).shape == (0, 20, 7)
    assert (skeleton_features(np.ones((2, 20, 3)), np.zeros((2, 20)), 15.0, centre=[0]) == 0).all()
