"""Training sees what the pipeline sees, disturbed; evaluation sees exactly that."""

from dataclasses import replace

import numpy as np
import pytest

from core.preprocess import RATE_HZ, resample, window_features
from tests.training.toy import moving
from training.data.clips import Clip
from training.data.vocabulary import LABELS
from training.recipe import still_labels
from training.windows.batches import pad_windows
from training.windows.cameras import ANYWHERE, project, random_rotation
from training.windows.cut import (
    MIN_FRAMES,
    Augmentation,
    centre_window,
    clip_features,
    sliding_windows,
    training_window,
)
from training.windows.noise import DetectorNoise, detector_noise
from training.windows.sampler import epoch_batches
from training.windows.source import Source


def clip_2d(frames=60, label=0, fps=30.0, seed=0):
    rng = np.random.default_rng(seed)
    body = rng.uniform(0, 100, (17, 2))
    xy = body + 20 * np.sin(np.arange(frames) / fps * 6)[:, None, None]
    return Clip(
        f"c{seed}", label, xy[None].astype(np.float32), np.ones((1, frames, 17), np.float32), np.arange(frames) / fps
    )


def clip_3d(frames=60, label=0, seed=0):
    rng = np.random.default_rng(seed)
    body = rng.uniform(-0.5, 0.5, (17, 3)) + np.array([0, 0, -3])
    xyz = body + 0.2 * np.sin(np.arange(frames) / 5)[:, None, None]
    return Clip(
        f"s{seed}", label, xyz[None].astype(np.float32), np.ones((1, frames, 17), np.float32), np.arange(frames) / 30
    )


def test_evaluation_features_are_those_of_the_pipeline():
    clip = clip_2d()
    grid = np.arange(0, clip.times_s[-1] + 1e-6, 1 / RATE_HZ)
    expected = window_features(*resample(clip.times_s, clip.keypoints[0], clip.scores[0], grid))
    np.testing.assert_array_equal(clip_features(clip)[0], expected)


def test_a_short_loss_of_the_person_is_bridged_and_a_long_one_is_not():
    """As live, where frames without the person are no observations."""
    clip = moving(1, seed=0, frames=40)
    clip.scores[:, 10:14] = 0
    clip.scores[:, 20:30] = 0
    clip.keypoints[clip.scores == 0] = 0
    seen = clip_features(clip)[0, ..., 4].any(-1)
    assert seen[:20].all()
    assert not seen[20:30].any()
    assert seen[30:].all()


def test_a_clip_without_anybody_has_windows_without_anybody():
    clip = replace(clip_2d(), scores=np.zeros((1, 60, 17), np.float32))
    assert not clip_features(clip).any()
    assert not training_window(clip, np.random.default_rng(0), 32, Augmentation(), mirror=False).any()


def test_windows_from_the_middle_of_a_clip_begin_with_a_velocity():
    """As live, where the window has a history; only a clip's own first frame has none."""
    clip = moving(1, seed=0, frames=200)  # slides steadily
    still = Augmentation(noise=DetectorNoise(0, 0, 0, 0, 0, 0, 0, 0), tempo=0, crop=0, frame_rates=(30.0, 30.0))
    for seed in range(8):
        window = training_window(clip, np.random.default_rng(seed), 32, still, mirror=False)[0]
        assert window.shape[0] == 32
        np.testing.assert_allclose(window[0, :, 2:4], window[1, :, 2:4], rtol=0.05, atol=0.02)


def test_sliding_windows_cover_the_clip():
    features = np.arange(100, dtype=np.float32).reshape(1, 100, 1, 1)
    windows = sliding_windows(features, 32, 16)
    assert {w.shape[1] for w in windows} == {32}
    assert set(np.concatenate([w.ravel() for w in windows])) == set(range(100))
    assert centre_window(features, 32).ravel()[0] == 34
    assert len(sliding_windows(features[:, :20], 32, 16)) == 1


def test_projection_is_that_of_a_pinhole():
    """Twice as far is half as large, and left stays left."""
    points = np.array([[[-0.5, 0.0, 0.0], [0.5, 1.0, 0.0], [0.5, -1.0, 0.0]]])
    near, camera = project(points, np.eye(3), 2.0)
    far, _ = project(points, np.eye(3), 4.0)
    np.testing.assert_allclose(near, 2 * far, rtol=1e-5)
    assert near[0, 0, 0] < 0 < near[0, 1, 0]
    assert near[0, 1, 1] < near[0, 2, 1], "up in the world is up in the picture"
    np.testing.assert_allclose(
        np.linalg.norm(camera, axis=-1), np.linalg.norm(points - points.mean(1), axis=-1), rtol=1e-5
    )


def test_random_rotations_are_rotations_within_their_range():
    rng = np.random.default_rng(0)
    for _ in range(50):
        m = random_rotation(rng, ANYWHERE)
        np.testing.assert_allclose(m @ m.T, np.eye(3), atol=1e-9)
        assert np.linalg.det(m) == pytest.approx(1)
        assert m[1, 1] > np.cos(np.radians(36 + 7)), "up stays up but for pitch and roll"


def test_a_camera_above_sees_people_from_above():
    """Looking down, what is nearer to the camera on the ground is lower in the picture."""
    rng = np.random.default_rng(0)
    rotation = random_rotation(rng, replace(ANYWHERE, yaw_deg=0.0, pitch_deg=(30.0, 30.0), roll_deg=0.0))
    pixels, _ = project(np.array([[[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]]]), rotation, 5.0)
    assert pixels[0, 0, 1] > pixels[0, 1, 1]


@pytest.mark.parametrize("make", [clip_2d, clip_3d])
def test_training_windows_are_valid_and_vary(make):
    rng = np.random.default_rng(0)
    clip = make(90)
    windows = [training_window(clip, rng, 32, Augmentation(), mirror=False) for _ in range(20)]
    for w in windows:
        assert w.shape[0] == 1
        assert MIN_FRAMES <= w.shape[1] <= 32
        assert w.shape[2:] == (17, 5)
        assert np.isfinite(w).all()
        assert w[..., 4].max() <= 1
    assert len({w.shape[1] for w in windows}) > 3


def test_mirror_swaps_sides():
    clip = moving(1, seed=0)
    clip.keypoints[..., 9, 1] -= 120  # the left hand is up
    still = Augmentation(noise=DetectorNoise(0, 0, 0, 0, 0, 0, 0, 0), tempo=0, crop=0, frame_rates=(30.0, 30.0))
    for seed in range(5):
        straight, mirrored = (
            training_window(clip, np.random.default_rng(seed), 64, still, mirror)[0] for mirror in (False, True)
        )
        unswapped = straight[..., :2] * np.array([-1.0, 1.0])
        # The small rotation and shear of the two are alike but not the same.
        error = np.abs(mirrored[:, 10, :2] - unswapped[:, 9]).mean()
        assert error < 0.2 < np.abs(mirrored[:, 10, :2] - unswapped[:, 10]).mean()


def test_noise_leaves_its_input_alone_and_moves_joints_by_centimetres():
    clip = clip_2d(200)
    xy, s = clip.keypoints[0].copy(), clip.scores[0].copy()
    moved, scores = detector_noise(xy, s, np.random.default_rng(0), DetectorNoise(untouched=0), synthetic=True)
    np.testing.assert_array_equal(xy, clip.keypoints[0])
    extent = np.ptp(xy[0], axis=0).max()
    typical = np.median(np.linalg.norm(moved - xy, axis=-1)) / extent
    assert 0.003 < typical < 0.05
    assert 0 < (scores < 0.3).mean() < 0.6


def test_padding_is_in_front():
    a, b = np.ones((1, 3, 17, 5), np.float32), np.ones((2, 5, 17, 5), np.float32)
    batch = pad_windows([a, b])
    assert batch.shape == (2, 2, 5, 17, 5)
    assert batch[0, 0, :, 0, 0].tolist() == [0, 0, 1, 1, 1]
    assert not batch[0, 1].any()


def test_actions_that_look_alike_when_time_stands_still_are_not_held():
    held = still_labels(((LABELS.index("walk"),), (LABELS.index("shoot a gun"),), (LABELS.index("wave"),)))
    assert held == {0, 2}


def test_epochs_draw_by_weight_and_mark_what_is_right():
    a = Source("a", tuple(clip_2d(seed=i, label=i % 2) for i in range(10)), ((0,), (1, 2)), weight=3.0)
    b = Source("b", tuple(clip_3d(seed=i) for i in range(10)), ((3,),), weight=1.0, held=frozenset({0}))
    batches = list(epoch_batches([a, b], 5, np.random.default_rng(0), 256, 32, 32, idle=4, idle_part=0.2))
    target = np.concatenate([x.target for x in batches])
    choices = np.concatenate([x.choices for x in batches])
    assert len(target) == 256
    assert not (target & ~choices).any()
    assert 0.1 < target[:, 4].mean() < 0.3
    from_a = target[:, 0] | target[:, 1]
    assert 2 < from_a.sum() / target[:, 3].sum() < 5
    np.testing.assert_array_equal(target[:, 1], target[:, 2])
    again = list(epoch_batches([a, b], 5, np.random.default_rng(0), 256, 32, 32, idle=4, idle_part=0.2))
    np.testing.assert_array_equal(batches[3].features, again[3].features)
