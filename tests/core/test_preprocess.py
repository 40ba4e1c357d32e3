"""The one pre-processing: what the network may rely on."""

import numpy as np
import pytest

from core.preprocess import MAX_GAP_S, body_height, resample, window_features

# A person standing upright, 100 pixels tall, facing the camera.
STANDING = np.array(
    [[0, 7], [2, 5], [-2, 5], [4, 6], [-4, 6], [11, 18], [-11, 18], [13, 36], [-13, 36], [14, 51], [-14, 51],
     [8, 47], [-8, 47], [8, 71], [-8, 71], [8, 95], [-8, 95]], np.float32,
)  # fmt: skip


def walking(frames, rate, speed_px_s=60.0, scale=1.0, shift=(300.0, 200.0)):
    t = np.arange(frames) / rate
    xy = np.repeat(STANDING[None], frames, 0).copy()
    swing = np.sin(2 * np.pi * t)[:, None]
    xy[:, [13, 15], 0] += 8 * swing
    xy[:, [14, 16], 0] -= 8 * swing
    xy[..., 0] += speed_px_s * t[:, None]
    return t, xy * scale + np.array(shift), np.full((frames, 17), 0.9, np.float32)


def test_body_height_is_near_the_true_one():
    height = body_height(STANDING[None] * 3, np.ones((1, 17), np.float32))
    assert height[0] == pytest.approx(300, rel=0.15)


def test_position_and_size_in_the_picture_do_not_matter():
    _, near, s = walking(20, 15.0, scale=4.0, shift=(50, 80))
    _, far, _ = walking(20, 15.0, scale=0.7, shift=(600, 20))
    np.testing.assert_allclose(window_features(near, s), window_features(far, s), atol=1e-4)


def test_walking_differs_from_walking_on_the_spot():
    _, moving, s = walking(20, 15.0, speed_px_s=60)
    _, staying, _ = walking(20, 15.0, speed_px_s=0)
    difference = window_features(moving, s)[1:, 0, 2] - window_features(staying, s)[1:, 0, 2]
    assert difference.mean() == pytest.approx(0.6, rel=0.15)  # body heights a second


def test_an_absent_joint_leaves_no_trace():
    _, xy, s = walking(10, 15.0)
    s[:, 9] = 0
    other = xy.copy()
    other[:, 9] = [1e6, np.nan]
    np.testing.assert_array_equal(window_features(xy, s), window_features(other, s))
    assert not window_features(xy, s)[:, 9].any()


@pytest.mark.parametrize("undefined", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("what", ["score", "position"])
def test_an_undefined_joint_is_an_absent_one(undefined, what):
    t, xy, s = walking(30, 30.0)
    absent, odd_xy, odd_s = s.copy(), xy.copy(), s.copy()
    absent[10, 9] = 0
    if what == "score":
        odd_s[10, 9] = undefined
    else:
        odd_xy[10, 9, 1] = undefined
    grid = np.arange(0, 1.0, 1 / 40)  # on observations and between them
    wanted = resample(t, xy, absent, grid)
    for found, right in zip(resample(t, odd_xy, odd_s, grid), wanted, strict=True):
        np.testing.assert_array_equal(found, right)
    np.testing.assert_array_equal(window_features(odd_xy, odd_s), window_features(xy, absent))


def test_a_frame_depends_on_itself_and_its_predecessor_only():
    _, xy, s = walking(12, 15.0)
    whole = window_features(xy, s)
    for t in range(1, 12):
        np.testing.assert_allclose(window_features(xy[t - 1 : t + 1], s[t - 1 : t + 1])[1], whole[t], atol=1e-6)


def test_nobody_at_all_gives_zeros():
    assert not window_features(np.zeros((5, 17, 2)), np.zeros((5, 17))).any()
    assert window_features(np.zeros((0, 17, 2)), np.zeros((0, 17))).shape == (0, 17, 5)


@pytest.mark.parametrize("fps", [10, 25, 30, 60])
def test_every_frame_rate_gives_the_same_window(fps):
    grid = np.arange(0, 1.9, 1 / 15)
    reference = window_features(*resample(*walking(121, 60.0), grid))
    seen = window_features(*resample(*walking(fps * 2 + 1, float(fps)), grid))
    assert np.abs(seen[..., :2] - reference[..., :2]).max() < 0.015
    assert np.abs(seen[..., 2:4] - reference[..., 2:4]).mean() < 0.03


def test_long_pauses_become_frames_without_a_person_and_short_ones_are_bridged():
    t, xy, s = walking(61, 30.0)
    grid = np.arange(0, 2.0, 1 / 15)
    short = np.ones(61, bool)
    short[20:28] = False  # 0.3 s
    long = np.ones(61, bool)
    long[20:50] = False  # 1 s
    assert (resample(t[short], xy[short], s[short], grid)[1] > 0).all()
    gone = ~(resample(t[long], xy[long], s[long], grid)[1] > 0).any(1)
    inside = (grid > t[19] + 1e-6) & (grid < t[50] - 1e-6)
    assert t[50] - t[19] > MAX_GAP_S
    np.testing.assert_array_equal(gone, inside)


def test_a_joint_seen_on_one_side_of_a_gap_stays_where_it_was_seen():
    t = np.array([0.0, 0.1])
    xy = np.zeros((2, 17, 2))
    xy[0, 3] = [10, 20]
    s = np.ones((2, 17))
    s[1, 3] = 0
    out, score = resample(t, xy, s, np.array([0.05]))
    np.testing.assert_allclose(out[0, 3], [10, 20])
    assert score[0, 3] == pytest.approx(0.5)


def test_outside_the_observations_there_is_nobody():
    t, xy, s = walking(30, 30.0)
    _, score = resample(t, xy, s, np.array([-1.0, 0.5, 2.0]))
    assert score.any(1).tolist() == [False, True, False]
