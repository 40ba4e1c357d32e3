"""Following people: on scenes with known motion, and on the bundled clip."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from pose_scenes import SIZE, Counted, scene, sprite

from core.similarity import oks
from core.types import Frame
from pipeline import open_source
from pipeline.pose import PoseError, create_pose
from pipeline.pose.movenet.costs import Costs, clock_for, measure_costs
from pipeline.pose.movenet.follow import SAME_BODY, MoveNetFollower
from pipeline.pose.movenet.lightning import MoveNetLightning
from pipeline.pose.movenet.multipose import MoveNetMultipose
from pipeline.pose.movenet.square import overlap
from pipeline.pose.picture import View
from pipeline.tracking import Tracker

TORSO = [5, 6, 11, 12]
COSTS = Costs(3.3)  # pinned, so that the scenes go the same way on any machine


@pytest.fixture(scope="module")
def dancer():
    return sprite("dancer")


@pytest.fixture(scope="module")
def runner():
    return sprite("runner")


@pytest.fixture
def follower():
    counted = Counted(MoveNetFollower(costs=COSTS))
    yield counted
    counted.follower.close()


def torso(pose) -> np.ndarray:
    return pose.keypoints[TORSO].mean(axis=0)


def test_follows_a_moving_person_without_whole_frame_passes(follower, dancer):
    out = follower.run(scene([(dancer, lambda t: (20 + 150 * t, 120))], seconds=2))
    assert all(len(poses) == 1 for poses in out)
    start = torso(out[10][0])
    for index in range(10, 60):
        expected = start + np.float32([150 * (index - 10) / 30, 0])
        assert np.linalg.norm(torso(out[index][0]) - expected) < 12, f"frame {index}"
    assert sum(follower.passes) <= 8
    assert max(follower.looks) <= 2


def test_dropped_frames_do_no_harm(follower, dancer):
    frames = [frame for frame in scene([(dancer, lambda t: (20 + 200 * t, 120))], seconds=2) if frame.index % 6 == 0]
    out = follower.run(frames)
    assert [len(poses) for poses in out] == [1] * 10
    start = torso(out[0][0])
    for frame, (pose,) in zip(frames, out, strict=True):
        assert np.linalg.norm(torso(pose) - start - [200 * frame.time_s, 0]) < 20


def test_somebody_who_vanishes_is_dropped_at_once(follower, dancer):
    out = follower.run(scene([(dancer, lambda t: (200, 120) if t < 0.5 else None)], seconds=1.0))
    assert [len(poses) for poses in out[:15]] == [1] * 15
    assert [len(poses) for poses in out[15:]] in ([0] * 15, [1] + [0] * 14)  # one frame may pass without a look


def test_steady_people_are_looked_at_fifteen_times_a_second_and_moved_on_in_between(follower, dancer):
    out = follower.run(scene([(dancer, lambda t: (20 + 150 * t, 120))], seconds=1.6))
    assert all(len(poses) == 1 for poses in out)
    looked = [looks > 0 for looks in follower.looks]
    assert looked == [not poses[0].predicted for poses in out]
    assert sum(looked[-30:]) <= 20
    start = torso(out[8][0])
    for index in range(8, 48):
        expected = start + np.float32([150 * (index - 8) / 30, 0])
        assert np.linalg.norm(torso(out[index][0]) - expected) < 12, f"frame {index}"


def test_at_the_rate_of_recognition_and_below_nobody_rests(dancer):
    follower = Counted(MoveNetFollower(costs=COSTS))
    out = follower.run(scene([(dancer, lambda t: (20 + 150 * t, 120))], seconds=1.0, fps=15))
    assert not any(pose.predicted for poses in out for pose in poses)
    assert min(follower.looks) >= 1


def test_without_a_rate_nobody_rests(dancer):
    follower = Counted(MoveNetFollower(costs=COSTS, rest_hz=None))
    out = follower.run(scene([(dancer, lambda t: (20 + 150 * t, 120))], seconds=0.7))
    assert not any(pose.predicted for poses in out for pose in poses)
    assert min(follower.looks) >= 1


def test_people_whose_boxes_meet_do_not_rest(follower, dancer, runner):
    people = [(dancer, lambda t: (200, 120)), (runner, lambda t: (380 - 120 * t, 115))]
    out = follower.run(scene(people, seconds=1.2))
    apart, meeting = [], []
    for poses in out[12:]:
        if len(poses) == 2:
            (meeting if overlap(poses[0].box, poses[1].box) else apart).append(any(pose.predicted for pose in poses))
    assert any(apart)
    assert len(meeting) >= 4
    assert sum(meeting) <= 1  # at most where they begin or cease to meet


def test_somebody_who_is_followed_has_one_id(follower, dancer):
    out = follower.run(scene([(dancer, lambda t: (20 + 150 * t, 120))], seconds=1.0))
    assert {pose.track for poses in out for pose in poses} == {1}


def test_somebody_found_again_has_another_id(follower, dancer):
    out = follower.run(scene([(dancer, lambda t: None if 0.4 <= t < 0.8 else (200, 120))], seconds=1.2))
    first, again = ({pose.track for poses in part for pose in poses} for part in (out[:10], out[26:]))
    assert len(first) == len(again) == 1
    assert first != again


def test_people_whose_boxes_meet_have_no_id_until_they_part_and_the_tracker_keeps_them_apart(follower, dancer, runner):
    people = [(dancer, lambda t: (100, 120)), (runner, lambda t: (180 + abs(250 - 300 * t), 115))]
    frames = list(scene(people, seconds=1.6))
    out = follower.run(frames)
    seen = [poses for poses in out if len(poses) == 2 and not any(pose.predicted for pose in poses)]
    meeting = [poses for poses in seen if overlap(poses[0].box, poses[1].box)]
    assert meeting
    assert not any(pose.track for poses in meeting for pose in poses)
    assert len({pose.track for pose in out[-1]} - {None}) == 2
    tracker, left, right = Tracker(), set(), set()
    for frame, poses in zip(frames, out, strict=True):
        tracked = sorted(tracker.update(poses, frame.time_s), key=lambda person: torso(person.pose)[0])
        if len(tracked) == 2:
            left.add(tracked[0].track)
            right.add(tracked[1].track)
    assert len(left) == len(right) == 1
    assert left != right


def test_somebody_who_walks_out_of_the_frame_is_dropped(follower, dancer):
    out = follower.run(scene([(dancer, lambda t: (300 + 300 * t, 120))], seconds=1.6))
    gone = 30 * (SIZE[0] - 300 - 30) // 300  # from here on at most an arm is in the frame
    assert all(len(poses) == 1 for poses in out[:15])
    assert all(len(poses) == 0 for poses in out[gone:])


def test_a_newcomer_is_found_and_the_first_person_kept(follower, dancer, runner):
    people = [(dancer, lambda t: (40, 120)), (runner, lambda t: (380, 120) if t >= 0.6 else None)]
    out = follower.run(scene(people, seconds=2.0))
    assert all(len(poses) == 1 for poses in out[:18])
    assert all(len(poses) == 2 for poses in out[40:])
    for poses in out[40:]:
        left, right = sorted(poses, key=lambda pose: pose.box[0])
        assert torso(left)[0] < 220 < 380 < torso(right)[0]


def test_squares_that_slide_on_to_one_body_become_one(follower, dancer, runner):
    """The runner ends exactly in front of the dancer, who is not to be seen any more."""
    people = [(dancer, lambda t: (100, 120)), (runner, lambda t: (max(400 - 250 * t, 100), 120))]
    out = follower.run(scene(people, seconds=2.0))
    assert all(len(poses) == 2 for poses in out[12:22])
    assert all(len(poses) == 1 for poses in out[45:])
    for poses in out:
        assert all(oks(a, b, 0.2) < SAME_BODY for a, b in itertools.combinations(poses, 2))


def test_two_who_meet_and_part_are_two_again(follower, dancer, runner):
    people = [(dancer, lambda t: (230, 120)), (runner, lambda t: (20 + min(260 * t, 410), 115))]
    out = follower.run(scene(people, seconds=2.4))
    assert len(out[3]) == 2
    assert min(len(poses) for poses in out) >= 1
    assert all(len(poses) == 2 for poses in out[-10:])


def test_a_crowd_of_large_people_gets_whole_frame_passes():
    follower = Counted(MoveNetFollower(costs=COSTS, rest_hz=None))
    group = [sprite(name, 1.4) for name in ("dancer", "runner", "dancer", "runner")]
    people = [(picture, lambda t, i=i: (10 + i * 235, 60)) for i, picture in enumerate(group)]
    out = follower.run(scene(people, seconds=0.6, size=(960, 480)))
    assert all(len(poses) == 4 for poses in out)
    cheap = [passes for passes, looks in zip(follower.passes, follower.looks, strict=True) if looks == 0]
    assert len(cheap) >= 12
    assert set(cheap) == {1}


def test_the_same_crowd_is_followed_where_following_is_cheaper():
    follower = Counted(MoveNetFollower(costs=Costs(50.0), rest_hz=None))
    group = [sprite(name, 1.4) for name in ("dancer", "runner", "dancer", "runner")]
    people = [(picture, lambda t, i=i: (10 + i * 235, 60)) for i, picture in enumerate(group)]
    out = follower.run(scene(people, seconds=0.4, size=(960, 480)))
    assert all(len(poses) == 4 for poses in out)
    assert sum(follower.passes) <= 4
    assert min(follower.looks) >= 4


def test_an_empty_scene_has_nobody_and_is_looked_at_less_after_a_while(follower):
    out = follower.run(scene([], seconds=4.0))
    assert all(poses == () for poses in out)
    assert sum(follower.looks) == 0
    assert sum(follower.passes[:30]) == 30
    assert sum(follower.passes[90:]) <= 15


@pytest.mark.parametrize("jump_s", [-5.0, 3.0], ids=["clock set back", "long gap"])
def test_a_break_in_time_starts_anew(follower, dancer, runner, jump_s):
    first = list(scene([(dancer, lambda t: (40, 120))], seconds=0.3))
    later = [
        Frame(frame.index, frame.time_s + 0.3 + jump_s, frame.image)
        for frame in scene([(runner, lambda t: (400, 150))], seconds=0.3)
    ]
    out = follower.run(first + later)
    assert all(len(poses) == 1 for poses in out)
    assert torso(out[len(first)][0])[0] > 400


def test_a_cut_to_another_scene_is_followed(follower, dancer, runner):
    def before(x):
        return lambda t: (x, 120) if t < 0.5 else None

    people = [(dancer, before(40)), (runner, before(380)), (dancer, lambda t: (220, 90) if t >= 0.5 else None)]
    out = follower.run(scene(people, seconds=1.0))
    assert all(len(poses) == 2 for poses in out[:15])
    assert all(len(poses) == 1 for poses in out[18:])


def test_a_new_frame_size_starts_anew(follower, dancer):
    small = list(scene([(dancer, lambda t: (40, 60))], seconds=0.2, size=(320, 320)))
    large = [
        Frame(frame.index, frame.time_s + 0.2, frame.image)
        for frame in scene([(dancer, lambda t: (500, 300))], seconds=0.2, size=(800, 600))
    ]
    out = follower.run(small + large)
    assert all(len(poses) == 1 for poses in out)
    assert torso(out[-1][0])[0] > 500


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 700, 3), (480, 640), (480, 640, 4), (2160, 3840, 3)])
def test_any_frame_is_accepted(follower, shape):
    out = follower.run(Frame(i, i / 30, np.full(shape, 90, np.uint8)) for i in range(3))
    assert out == [(), (), ()]


def test_same_frames_give_the_same_poses_on_any_number_of_threads(dancer):
    runs = []
    frames = list(scene([(dancer, lambda t: (20 + 90 * t, 100))], seconds=0.5))
    for threads in (1, 3):
        follower = MoveNetFollower(costs=COSTS, threads=threads)
        runs.append([follower.estimate(frame) for frame in frames])
        follower.close()
    for first, second in zip(*runs, strict=True):
        for a, b in zip(first, second, strict=True):
            np.testing.assert_array_equal(a.keypoints, b.keypoints)


def test_smoothing_takes_tremble_and_leaves_motion(dancer):
    def bend(smooth: bool) -> tuple[float, np.ndarray]:
        follower, rng = MoveNetFollower(costs=COSTS, smooth=smooth), np.random.default_rng(0)
        track = []
        for frame in scene([(dancer, lambda t: (60 + 60 * t, 120))], seconds=1.5):
            noisy = np.clip(frame.image + rng.normal(0, 25, frame.image.shape), 0, 255).astype(np.uint8)
            (pose,) = follower.estimate(Frame(frame.index, frame.time_s, noisy))
            track.append(pose.keypoints)
        follower.close()
        points = np.stack(track)[10:]
        return float(np.median(np.linalg.norm(np.diff(points, 2, axis=0), axis=-1))), points[-1] - points[0]

    raw_bend, raw_way = bend(smooth=False)
    bend_, way = bend(smooth=True)
    assert bend_ < 0.85 * raw_bend
    np.testing.assert_allclose(way[TORSO], raw_way[TORSO], atol=8)


def test_bundled_clip_everybody_is_followed_and_nobody_twice(demo_clip):
    follower = MoveNetFollower(costs=COSTS)
    multipose = MoveNetMultipose()
    counts, plain = [], []
    with open_source(demo_clip) as source:
        for frame in itertools.islice(source, 110):
            poses = follower.estimate(frame)
            assert all(oks(a, b, 0.2) < 0.65 for a, b in itertools.combinations(poses, 2)), f"frame {frame.index}"
            counts.append(len(poses))
            plain.append(len(multipose.estimate(frame)))
    follower.close()
    walkers = slice(10, 72)
    assert np.mean(counts[walkers]) >= 1.25 * np.mean(plain[walkers])
    assert min(counts[walkers]) >= 3
    assert counts[74:] == [1] * len(counts[74:])  # the boxer, from right after the cut on


def test_movenet_is_the_follower_by_default():
    estimator = create_pose()
    assert isinstance(estimator, MoveNetFollower)
    estimator.close()
    estimator.close()
    with pytest.raises(PoseError, match="closed"):
        estimator.estimate(Frame(0, 0.0, np.zeros((48, 64, 3), np.uint8)))


@pytest.mark.parametrize("platform", ["linux", "win32"])
def test_costs_are_measured_and_go_with_the_input(platform, monkeypatch):
    if platform == "win32":  # where a thread's time moves in steps
        fine = time.thread_time
        monkeypatch.setattr(time, "thread_time", lambda: fine() * 64 // 1 / 64)
    multipose, lightning = MoveNetMultipose(), MoveNetLightning()
    costs = measure_costs(multipose, lightning, clock_for("onnx-cpu", platform))
    assert 1.0 < costs.usual < 12.0
    small, large = View(0, 0, 640, 480, 256), View(0, 0, 640, 480, 512)
    assert costs.of(large) == pytest.approx(4 * costs.of(small))
