from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stick_figures import pose_of, walker

from core.types import Pose
from pipeline.tracking import Tracker, TrackerConfig

RATES = [10, 15, 25, 30, 60]


class Scene:
    """Bodies that move by formula; remembers which id each of them was given."""

    def __init__(self, fps: float, seconds: float, seed: int = 0, noise: float = 1.5) -> None:
        self.times = np.arange(int(fps * seconds)) / fps
        self.rng = np.random.default_rng(seed)
        self.noise = noise
        self.ids: dict[str, list[int]] = defaultdict(list)

    def play(self, bodies, hidden=lambda name, t: False, dropped=lambda t: False) -> None:
        """``bodies`` maps names to functions of time that give keypoints."""
        tracker = Tracker()
        for t in self.times:
            if dropped(t):
                continue
            poses: dict[str, Pose] = {}
            for name, body in bodies.items():
                if not hidden(name, t):
                    poses[name] = pose_of(body(t), noise=self.noise, rng=self.rng)
            found = list(poses.values())
            self.rng.shuffle(found)  # type: ignore[arg-type]
            for person in tracker.update(found, float(t)):
                name = next(n for n, p in poses.items() if p is person.pose)
                self.ids[name].append(person.track)

    def one_id_each(self) -> bool:
        seen = [set(ids) for ids in self.ids.values()]
        return all(len(s) == 1 for s in seen) and len(set.union(*seen)) == len(seen)


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("seed", range(3))
def test_two_people_cross_and_keep_their_ids(fps: int, seed: int) -> None:
    scene = Scene(fps, 5, seed)
    scene.play({
        "right": lambda t: walker(t, 100, 400, 160, 110),
        "left": lambda t: walker(t, 600, 408, 165, -110, phase=1.0),
    })  # fmt: skip
    assert scene.one_id_each()


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("seed", range(3))
def test_ids_survive_a_crossing_in_which_the_farther_person_is_hidden(fps: int, seed: int) -> None:
    scene = Scene(fps, 5, seed)
    right = lambda t: walker(t, 100, 400, 160, 110)  # noqa: E731
    left = lambda t: walker(t, 600, 405, 160, -110, phase=1.0)  # noqa: E731
    scene.play(
        {"right": right, "left": left},
        hidden=lambda name, t: name == "left" and abs(right(t)[0, 0] - left(t)[0, 0]) < 60,
    )
    assert scene.one_id_each()


@pytest.mark.parametrize("fps", RATES)
def test_a_walker_behind_a_pillar_keeps_the_id(fps: int) -> None:
    scene = Scene(fps, 5)
    scene.play({"one": lambda t: walker(t, 50, 400, 160, 100)}, hidden=lambda _, t: 2.0 < t < 2.8)
    assert scene.one_id_each()


@pytest.mark.parametrize("fps", [10, 30])
def test_half_of_the_frames_are_dropped(fps: int) -> None:
    lost = np.random.default_rng(7)
    scene = Scene(fps, 6)
    scene.play(
        {
            "a": lambda t: walker(t, 60, 400, 160, 90),
            "b": lambda t: walker(t, 640, 408, 150, -90, phase=2.0),
            "c": lambda t: walker(t, 350, 415, 170, 15),
        },
        dropped=lambda t: t > 0.5 and lost.random() < 0.5,
    )
    assert scene.one_id_each()


def test_two_people_side_by_side_are_not_exchanged_when_either_is_missed() -> None:
    missed = np.random.default_rng(3)
    scene = Scene(15, 6)
    scene.play(
        {"a": lambda t: walker(t, 100, 400, 160, 60), "b": lambda t: walker(t, 170, 402, 158, 60, phase=0.5)},
        hidden=lambda name, t: t > 1 and missed.random() < 0.25,
    )
    assert scene.one_id_each()


def test_a_thing_that_flashes_now_and_then_never_gets_an_id() -> None:
    tracker = Tracker()
    for i in range(60):
        poses = [pose_of(walker(i / 30, 100, 400, 160, 30))]
        if i % 15 == 10:  # once in half a second, at the same place
            poses.append(pose_of(walker(0, 500, 300, 100, 10)))
        assert [p.track for p in tracker.update(poses, i / 30)] == [1]


def test_doubtful_poses_continue_a_track_but_start_none() -> None:
    tracker = Tracker()
    body = lambda t: walker(t, 100, 400, 160, 50)  # noqa: E731
    for i in range(10):
        tracker.update([pose_of(body(i / 10))], i / 10)
    ghost = walker(0, 500, 400, 160, 10)
    for i in range(10, 30):
        people = tracker.update([pose_of(body(i / 10), score=0.22), pose_of(ghost, score=0.22)], i / 10)
        assert [p.track for p in people] == [1]


def test_a_flash_of_the_detector_gets_no_id_and_a_newcomer_gets_one_within_a_quarter_second() -> None:
    tracker = Tracker()
    regular = lambda t: walker(t, 100, 400, 160, 30)  # noqa: E731
    ids = []
    for i in range(60):
        t = i / 30
        poses = [pose_of(regular(t))]
        if i == 20:
            poses.append(pose_of(walker(0, 500, 300, 100, 10)))
        if i >= 40:
            poses.append(pose_of(walker(t, 400, 400, 150, -30)))
        ids.append([p.track for p in tracker.update(poses, t)])
    assert ids[20:40] == [[1]] * 20
    assert ids[48] == [1, 2]


def test_everybody_in_the_first_frame_has_an_id_at_once() -> None:
    people = Tracker().update([pose_of(walker(0, x, 400, 160, 10)) for x in (100, 300, 500)], 0.0)
    assert [p.track for p in people] == [1, 2, 3]


def test_ids_are_never_used_again() -> None:
    tracker, seen = Tracker(TrackerConfig(lost_s=0.5)), []
    for visit in range(5):
        start = visit * 3.0
        for i in range(10):
            t = start + i / 10
            seen += [p.track for p in tracker.update([pose_of(walker(0, 300, 400, 160, 10))], t)]
    assert sorted(set(seen)) == [1, 2, 3, 4, 5]
    assert seen == sorted(seen)


def test_a_second_pose_of_the_same_body_does_not_become_a_person() -> None:
    tracker, rng = Tracker(), np.random.default_rng(0)
    for i in range(30):
        body = walker(i / 15, 200, 400, 160, 40)
        people = tracker.update([pose_of(body, noise=1, rng=rng), pose_of(body + 2, 0.5, noise=2, rng=rng)], i / 15)
        assert [p.track for p in people] == [1]


def test_each_pose_belongs_to_one_person_and_is_passed_on_unchanged() -> None:
    tracker, rng = Tracker(), np.random.default_rng(1)
    for i in range(40):
        bodies = [walker(i / 10, x, 400, 160, speed) for x, speed in ((100, 60), (400, -60), (420, 5))]
        poses = [pose_of(body, noise=2, rng=rng) for body in bodies]
        people = tracker.update(poses, i / 10)
        assert len({id(p.pose) for p in people}) == len(people)
        assert len({p.track for p in people}) == len(people)
        assert all(any(p.pose is pose for pose in poses) for p in people)


def test_the_number_of_tracks_stays_bounded_whatever_the_detector_says() -> None:
    tracker, rng = Tracker(), np.random.default_rng(2)
    for i in range(500):
        tracker.update([pose_of(walker(0, *rng.uniform(0, 600, 2), 80, 10)) for _ in range(6)], i / 30)
    assert len(tracker._tracks) <= 6 * 30 * 2


_NUMBERS = st.one_of(st.floats(-2e3, 2e3), st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 1e30]))


@settings(max_examples=80, deadline=None)
@given(st.lists(st.lists(st.tuples(_NUMBERS, _NUMBERS, _NUMBERS, _NUMBERS, _NUMBERS), max_size=4), max_size=12))
def test_whatever_a_detector_says_people_in_view_are_followed(frames: list[list[tuple[float, ...]]]) -> None:
    tracker = Tracker()
    for i, junk in enumerate(frames):
        poses = [pose_of(walker(i / 10, 5000, 400, 160, 30))]
        for x, y, x2, y2, score in junk:
            keypoints = np.full((17, 2), x, np.float32)
            keypoints[3:] = y
            poses.append(Pose(keypoints, np.full(17, score, np.float32), np.array([x, y, x2, y2], np.float32), score))
        people = tracker.update(poses, i / 10)
        assert 1 in {p.track for p in people if p.pose is poses[0]}


def test_time_must_advance() -> None:
    tracker = Tracker()
    tracker.update([], 1.0)
    with pytest.raises(ValueError, match="advance"):
        tracker.update([], 1.0)


def test_an_hour_without_anybody_and_then_somebody_new() -> None:
    tracker = Tracker()
    for i in range(10):
        tracker.update([pose_of(walker(0, 300, 400, 160, 10))], i / 10)
    ids = set()
    for i in range(10):
        ids |= {p.track for p in tracker.update([pose_of(walker(0, 300, 400, 160, 10))], 3600 + i / 10)}
    assert ids == {2}


@pytest.mark.parametrize("fps", [1, 2, 3, 4, 15, 60, 240])
def test_a_newcomer_who_walks_past_has_one_id_at_any_rate(fps: int) -> None:
    tracker = Tracker()
    tracker.update([], -1 / fps)
    times = np.arange(8 * fps) / fps
    ids = [p.track for t in times for p in tracker.update([pose_of(walker(t, 100, 400, 200, 60))], float(t))]
    assert set(ids) == {1}
    assert len(ids) >= 8 * fps - max(1, fps // 4)


def test_one_long_pause_is_no_low_rate() -> None:
    """Whoever was glimpsed once before a pause is a newcomer afterwards."""
    tracker = Tracker()
    body = pose_of(walker(0.0, 100, 400, 200, 60))
    for time_s, poses in ((0.0, []), (0.1, []), (0.2, [body])):
        assert tracker.update(poses, time_s) == ()
    assert tracker.update([body], 1.0) == ()


def standing(x: float, track: int | None = None, score: float = 0.6) -> Pose:
    """Somebody at one place, with the estimator's id."""
    return replace(pose_of(walker(0.0, x, 400, 160, 10), score), track=track)


def ids(tracker: Tracker, poses: list[Pose], time_s: float) -> dict[int | None, int]:
    """The estimator's ids and what the tracker makes of them."""
    return {person.pose.track: person.track for person in tracker.update(poses, time_s)}


def test_an_id_of_the_estimator_survives_where_matching_would_exchange_two_people() -> None:
    tracker = Tracker()
    assert ids(tracker, [standing(100, 31), standing(150, 17)], 0.0) == {31: 1, 17: 2}
    assert ids(tracker, [standing(150, 31), standing(100, 17)], 0.1) == {31: 1, 17: 2}


def test_an_id_of_the_estimator_survives_a_jump_and_doubt_but_not_what_no_body_can_do() -> None:
    tracker = Tracker()
    ids(tracker, [standing(100, 5)], 0.0)
    assert ids(tracker, [standing(190, 5, score=0.05)], 0.1) == {5: 1}
    assert ids(tracker, [standing(900, 5, score=0.05)], 0.2) == {}
    shrunk = replace(pose_of(walker(0.0, 190, 400, 60, 10)), track=5)
    assert ids(tracker, [shrunk], 0.3) == {}
    assert ids(tracker, [standing(190, 5)], 0.4) == {5: 1}


def test_who_was_lost_is_brought_back_under_a_new_id_of_the_estimator() -> None:
    tracker = Tracker()
    ids(tracker, [standing(100, 5), standing(400, 6)], 0.0)
    for step in range(1, 10):
        assert ids(tracker, [standing(400, 6)], step / 10) == {6: 2}
    assert ids(tracker, [standing(104, 7), standing(400, 6)], 1.0) == {7: 1, 6: 2}
    assert ids(tracker, [standing(180, 7), standing(400, 6)], 1.1) == {7: 1, 6: 2}


def test_who_is_in_view_under_an_id_is_not_taken_over_by_a_new_one() -> None:
    tracker = Tracker()
    ids(tracker, [standing(100, 5)], 0.0)
    for step in range(1, 6):
        people = ids(tracker, [standing(100 + 60 * step, 5), standing(110, 6)], step / 10)
    assert people == {5: 1, 6: 2}


def test_somebody_found_twice_and_then_followed_under_the_second_id_is_one_person() -> None:
    tracker = Tracker()
    ids(tracker, [standing(100, 5)], 0.0)
    assert ids(tracker, [standing(100, 5), standing(125, 6)], 0.1) == {5: 1}
    for step in range(2, 8):
        assert ids(tracker, [standing(120, 6)], step / 10) == {6: 1}


def test_people_without_an_id_of_the_estimator_are_matched_and_take_it_up_again() -> None:
    tracker = Tracker()
    assert ids(tracker, [standing(100, 5)], 0.0) == {5: 1}
    assert ids(tracker, [standing(104)], 0.1) == {None: 1}
    assert ids(tracker, [standing(108, 5)], 0.2) == {5: 1}
    assert ids(tracker, [standing(190, 5)], 0.3) == {5: 1}
