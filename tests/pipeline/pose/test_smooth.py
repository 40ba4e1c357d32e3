"""The One-Euro filter on keypoints."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.pose.movenet.smooth import OneEuro

SURE = np.full(17, 0.9, np.float32)


def filtered(points: np.ndarray, fps: float, size: float = 200.0, scores: np.ndarray = SURE) -> np.ndarray:
    smoother = OneEuro()
    return np.stack([smoother(p.astype(np.float32), scores, i / fps, size) for i, p in enumerate(points)])


def test_a_still_joint_trembles_less():
    noise = np.random.default_rng(0).normal(100, 1.0, (200, 17, 2))
    assert np.diff(filtered(noise, 30), axis=0).std() < 0.6 * np.diff(noise, axis=0).std()


@pytest.mark.parametrize("fps", [10, 30, 60])
def test_a_fast_joint_is_hardly_late(fps):
    times = np.arange(0, 1, 1 / fps)
    points = np.zeros((len(times), 17, 2)) + 300 * times[:, None, None]  # 1.5 body sizes a second
    lag_px = points[-1, 0, 0] - filtered(points, fps)[-1, 0, 0]
    assert 0 <= lag_px < 300 * 0.02


def test_the_delay_does_not_depend_on_the_frame_rate():
    def after_step(fps: float) -> float:
        points = np.zeros((int(fps), 17, 2))
        points[1:] = 3.0
        return float(filtered(points, fps)[int(0.2 * fps), 0, 0])

    assert after_step(30) == pytest.approx(after_step(60), abs=0.4)


def test_somebody_far_away_is_smoothed_like_somebody_close():
    track = np.random.default_rng(1).normal(0, 3, (50, 17, 2)).cumsum(axis=0)
    np.testing.assert_allclose(filtered(track, 30, 200) / 8, filtered(track / 8, 30, 25), rtol=1e-3, atol=1e-2)


def test_doubtful_joints_pull_less():
    points = np.zeros((2, 17, 2))
    points[1] = 50
    sure, doubtful = filtered(points, 30)[1], filtered(points, 30, scores=np.full(17, 0.05, np.float32))[1]
    np.testing.assert_allclose(doubtful, sure / 2, rtol=1e-5)


def test_first_pose_and_repeated_times_pass_unchanged():
    smoother, points = OneEuro(), np.random.default_rng(2).uniform(0, 99, (17, 2)).astype(np.float32)
    np.testing.assert_array_equal(smoother(points, SURE, 1.0, 100), points)
    np.testing.assert_array_equal(smoother(points + 5, SURE, 1.0, 100), points + 5)
