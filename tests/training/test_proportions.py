"""The same motion by other bodies: parts change their lengths, not their directions, and nothing is made up."""

from dataclasses import replace

import numpy as np
import pytest

from tests.training.test_windows import clip_2d, clip_3d
from training.windows.cut import Augmentation, training_window
from training.windows.noise import DetectorNoise
from training.windows.proportions import change_proportions, draw_lengths

PARTS = ("hips", "shoulders", "trunk", "head", "upper arm", "forearm", "thigh", "shank")
JOINTS = {  # ends of a part that hangs on a joint, left and right
    "upper arm": ((5, 7), (6, 8)), "forearm": ((7, 9), (8, 10)), "thigh": ((11, 13), (12, 14)),
    "shank": ((13, 15), (14, 16)), "shoulders": ((5, 6),), "hips": ((11, 12),),
}  # fmt: skip


def only(part, factor):
    return np.where(np.array(PARTS) == part, factor, 1.0)


def parts(keypoints):
    """Each part as a vector a frame."""
    return {name: np.stack([keypoints[:, b] - keypoints[:, a] for a, b in ends]) for name, ends in JOINTS.items()}


@pytest.mark.parametrize("make", [clip_2d, clip_3d])
@pytest.mark.parametrize("part", JOINTS)
def test_a_part_alone_changes_its_length_and_keeps_its_direction(make, part):
    clip = make()
    before = parts(clip.keypoints[0])
    after = parts(change_proportions(clip.keypoints[0], clip.scores[0], only(part, 1.3)))
    for name in JOINTS:
        np.testing.assert_allclose(after[name], before[name] * (1.3 if name == part else 1), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("make", [clip_2d, clip_3d])
def test_a_longer_trunk_carries_head_and_arms_along(make):
    clip = make()
    x = clip.keypoints[0]
    y = change_proportions(x, clip.scores[0], only("trunk", 1.2))
    lift = 0.2 * (x[:, 5:7].mean(1) - x[:, 11:13].mean(1))
    np.testing.assert_allclose(y[:, :11], x[:, :11] + lift[:, None], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(y[:, 11:], x[:, 11:], rtol=1e-4, atol=1e-4)


def test_a_larger_head_grows_away_from_the_shoulders():
    clip = clip_3d()
    x = clip.keypoints[0]
    y = change_proportions(x, clip.scores[0], only("head", 1.5))
    neck = x[:, None, 5:7].mean(2)
    np.testing.assert_allclose(y[:, :5] - neck, 1.5 * (x[:, :5] - neck), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(y[:, 5:], x[:, 5:], rtol=1e-4, atol=1e-4)


def test_absent_joints_stay_and_move_nothing():
    clip = clip_3d()
    x, scores = clip.keypoints[0].copy(), clip.scores[0].copy()
    scores[:, [5, 13]] = 0  # a shoulder and a knee
    x[:, [5, 13]] = 1e6
    y = change_proportions(x, scores, np.full(8, 1.3))
    np.testing.assert_array_equal(y[:, [5, 13]], x[:, [5, 13]])
    np.testing.assert_array_equal(y[:, :5], x[:, :5])  # neither trunk nor head can be told
    assert np.abs(y[scores > 0]).max() < 100
    assert np.abs(y[:, 14] - x[:, 14]).max() > 0.01  # the other leg changes


def test_bodies_differ_by_about_sigma_and_some_not_at_all():
    rng = np.random.default_rng(0)
    lengths = np.stack([draw_lengths(rng, 0.1) for _ in range(2000)])
    unchanged = (lengths == 1).all(1)
    assert 0.15 < unchanged.mean() < 0.25
    assert np.log(lengths[~unchanged]).std() == pytest.approx(0.1, rel=0.05)
    assert np.log(lengths[~unchanged]).mean() == pytest.approx(0, abs=0.01)


def test_windows_show_changed_bodies_only_when_asked():
    clip = clip_2d(seed=3)
    plain = Augmentation(
        noise=DetectorNoise(0, 0, 0, 0, 0, 0, 0, 0), tempo=0, crop=0, frame_rates=(30.0, 30.0)
    )  # fmt: skip

    def ratios(augmentation):
        """Forearm by upper arm, nearly what the small shear of every window leaves alone, of many windows."""
        found = []
        for seed in range(40):
            window = training_window(clip, np.random.default_rng(seed), 32, augmentation, mirror=False)[0]
            arm = [np.linalg.norm(window[:, b, :2] - window[:, a, :2], axis=-1).mean() for a, b in ((5, 7), (7, 9))]
            found.append(np.log(arm[1] / arm[0]))
        return np.std(found)

    assert ratios(replace(plain, proportions=0.3)) > 2 * ratios(plain)
