"""People who do nothing: they hardly move, tremble as a real detector's do, and strolling they get nowhere."""

from dataclasses import replace

import numpy as np
import pytest

from tests.training.test_windows import clip_2d, clip_3d
from training.data.clips import Clip
from training.windows.cameras import IN_FRONT
from training.windows.cut import clip_features
from training.windows.idle import IdlePeople, detected_clip, held_clip, strolling_clip
from training.windows.noise import extent_of
from training.windows.sampler import epoch_batches
from training.windows.source import Source


def shaky(clip, pixels, seed=1):
    rng = np.random.default_rng(seed)
    return replace(clip, keypoints=clip.keypoints + rng.normal(0, pixels, clip.keypoints.shape).astype(np.float32))


def test_where_nobody_moves_slow_drift_is_the_detectors_error_too():
    source = clip_2d(60)
    drift = 3 * np.sin(np.arange(60) / 60 * 2 * np.pi)[:, None, None]  # once in two seconds
    still = np.repeat(source.keypoints[0, :1], 60, 0)
    drifting = replace(source, keypoints=(still + drift)[None].astype(np.float32))
    fast, slow = (
        detected_clip(clip_3d(), drifting, np.random.default_rng(2), True, IN_FRONT, still=kept).keypoints[0]
        for kept in (False, True)
    )
    own = np.median(extent_of(slow, np.ones((len(slow), 17), bool)))
    theirs = np.median(extent_of(still, np.ones((60, 17), bool)))
    assert slow.std(0).mean() / own == pytest.approx(drift.std() / theirs, rel=0.3)
    assert fast.std(0).mean() < 0.1 * slow.std(0).mean()


def test_trembling_is_that_of_held_pictures_where_there_are_any():
    sensor = Source("sensor", (clip_3d(),), ((1,),), held=frozenset({0}), anywhere=True)
    video = Source("video", (shaky(clip_2d(60, seed=1), 4),), ((1,),))
    calm = Source("held", (replace(clip_2d(60), keypoints=np.repeat(clip_2d(60).keypoints[:, :1], 60, 1)),), ((0,),),
                  still=True)  # fmt: skip

    def trembling(*sources):
        people = IdlePeople.of(sources, idle=0)
        rng = np.random.default_rng(0)
        drawn = [people.draw(rng)[1] for _ in range(40)]
        return max(np.abs(np.diff(clip.keypoints[0], axis=0)).max() for clip in drawn if not clip.is_3d)

    assert trembling(sensor, video, calm) < 1e-3 < trembling(sensor, video)


def walker(frames=90, speed_ms=1.4):
    """(1, T, 17, 3): a body that moves along x and swings its ankles, which the hips carry along."""
    t = np.arange(frames) / 30
    body = np.random.default_rng(0).uniform(-0.5, 0.5, (17, 3))
    xyz = np.repeat(body[None], frames, 0)
    xyz[:, 15:, 0] += 0.3 * np.sin(2 * np.pi * t)[:, None] * np.array([1, -1])
    xyz[..., 0] += (speed_ms * t)[:, None]
    return Clip("walk", 0, xyz[None].astype(np.float32), np.ones((1, frames, 17), np.float32), t)


def test_an_idle_person_hardly_moves():
    for source, anywhere in ((clip_3d(), False), (clip_3d(), True), (clip_2d(), True)):
        clip = held_clip(source, np.random.default_rng(0), anywhere)
        assert clip.times_s[-1] == pytest.approx(2.4, abs=0.1)
        assert np.abs(clip_features(clip)[..., 2:4]).mean() < 0.05


def test_a_held_pose_of_a_video_trembles_as_its_detector_did():
    source = clip_2d(60)
    calm, trembling = (
        held_clip(c, np.random.default_rng(2), True).keypoints[0] for c in (source, shaky(source, 3))
    )  # fmt: skip
    assert np.diff(calm, axis=0).std() < 1
    assert 1.5 < trembling.std(0).mean() < 4.5


def test_a_held_pose_of_a_sensor_trembles_as_somebody_elses_detector_did():
    """In parts of the body's extent, so that a small body in the picture trembles less."""
    for size in (1, 5):
        source = replace(clip_2d(60), keypoints=clip_2d(60).keypoints * size)
        calm = detected_clip(clip_3d(), source, np.random.default_rng(2), True, IN_FRONT)
        assert np.diff(calm.keypoints[0], axis=0).std() < 0.01 * extent_of(calm.keypoints[0], calm.scores[0] > 0)[0]
        theirs = extent_of(source.keypoints[0], source.scores[0] > 0)[0]
        clip = detected_clip(clip_3d(), shaky(source, 0.03 * theirs), np.random.default_rng(2), True, IN_FRONT)
        assert not clip.is_3d
        own = np.median(extent_of(clip.keypoints[0], clip.scores[0] > 0))
        assert 0.015 < clip.keypoints[0].std(0).mean() / own < 0.045


def test_joints_that_either_did_not_see_are_absent():
    body, detected = clip_3d(), shaky(clip_2d(), 3)
    body.scores[..., 3] = 0
    detected.scores[:] = np.linspace(0.3, 0.9, 60)[None, :, None]
    detected.scores[..., 5] = 0
    detected.keypoints[..., 5, :] = 1e6
    clip = detected_clip(body, detected, np.random.default_rng(0), True, IN_FRONT)
    assert not clip.scores[..., [3, 5]].any()
    others = np.delete(clip.scores, [3, 5], axis=2)
    assert len(np.unique(others)) > 10
    assert others.min() >= np.float32(0.3)
    assert np.isfinite(clip.keypoints).all()
    assert np.abs(clip.keypoints).max() < 1e5


def test_a_stroll_gets_nowhere_slowly_and_the_legs_move_as_in_walking():
    source = walker()
    for seed in range(5):
        clip = strolling_clip(source, np.random.default_rng(seed))
        hips, walked = (c.keypoints[0, :, [11, 12]].mean(0) for c in (clip, source))
        assert np.ptp(hips[:, 0]) < 0.16 * np.ptp(walked[:, 0])
        np.testing.assert_allclose(hips[:, 1], walked[:, 1], atol=1e-5)
        legs, before = (c.keypoints[0, :, 15] - h for c, h in ((clip, hips), (source, walked)))
        np.testing.assert_allclose(legs, before, atol=1e-5)
        assert 1.2 <= clip.times_s[-1] / source.times_s[-1] <= 2.2


def test_idle_people_are_held_by_either_sensor_or_detector_and_some_stroll():
    video = Source("video", (clip_2d(seed=1),), ((1,),))
    mocap = Source("mocap", (clip_3d(seed=2, label=1), walker()), ((2,), (3,)), held=frozenset({1}), anywhere=True,
                   walking=frozenset({0}))  # fmt: skip
    people, rng = IdlePeople.of([video, mocap], idle=7), np.random.default_rng(0)
    drawn = [people.draw(rng) for _ in range(400)]
    strolls = [d for d in drawn if d[1].name.startswith("strolling/")]
    held = [d for d in drawn if d[1].name.startswith("idle/")]
    assert len(strolls) + len(held) == 400
    assert 0.08 < len(strolls) / 400 < 0.25
    assert {right for _, _, right in strolls} == {(7, 2)}  # the walker's class maps to word 2
    assert {right for _, _, right in held} == {(7,)}
    assert 0.35 < np.mean([not clip.is_3d for _, clip, _ in held]) < 0.65
    assert all(source is mocap for source, _, _ in drawn)


def test_without_videos_or_walkers_poses_are_still_held():
    alone = Source("mocap", (clip_3d(),), ((2,),), held=frozenset({0}))
    people, rng = IdlePeople.of([alone], idle=7), np.random.default_rng(0)
    assert all(clip.is_3d and right == (7,) for _, clip, right in (people.draw(rng) for _ in range(50)))


def test_a_stroll_may_be_called_walking_in_training():
    source = Source("mocap", (walker(), clip_3d(label=1)), ((2,), (3,)), held=frozenset({1}), walking=frozenset({0}))
    batches = list(epoch_batches([source], 8, np.random.default_rng(0), 400, 50, 32, idle=7, idle_part=0.5))
    target, choices = (np.concatenate([getattr(b, name) for b in batches]) for name in ("target", "choices"))
    both = target[:, 7] & target[:, 2]
    assert 0.03 < both.mean() < 0.15
    assert choices[both].all()
    assert not (target[:, 7] & target[:, 3]).any()
