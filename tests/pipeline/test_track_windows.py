from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stick_figures import pose_of, walker, waver

from core.preprocess import MAX_GAP_S, RATE_HZ, body_height, resample, window_features
from core.types import Person
from pipeline.recognition.grid import GridFrames, TrackWindow, Windows

RATES = [10, 12.5, 15, 25, 29.97, 30, 60]


class Recorded:
    """A person's newest frames, as many as a window has; rows of zeros stand before a short history."""

    def __init__(self, frames: int = 32) -> None:
        self.keypoints, self.scores = np.zeros((frames, 17, 2), np.float32), np.zeros((frames, 17), np.float32)

    def add(self, new: GridFrames) -> None:
        self.keypoints = np.concatenate([self.keypoints, new.keypoints])[len(new) :]
        self.scores = np.concatenate([self.scores, new.scores])[len(new) :]


def record(times: np.ndarray, body=waver, start_s: float = 0.0) -> tuple[TrackWindow, Recorded]:
    window, recorded = TrackWindow(1, 32), Recorded()
    for t in times:
        recorded.add(window.push(start_s + float(t), body(t), np.full(17, 0.6)))
    return window, recorded


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("body", [waver, lambda t: walker(t, 80, 440, 300, 130)])
def test_every_camera_rate_gives_the_same_window(fps: float, body) -> None:
    # All recordings end exactly at 4 s; the truth is the motion itself at the window's times.
    track, window = record(4.0 - np.arange(int(4 * fps), -1, -1) / fps, body)
    assert track.newest == 4 * RATE_HZ
    times = 4.0 - np.arange(31, -1, -1) / RATE_HZ
    truth = np.stack([body(t) for t in times])
    assert (window.scores > 0.59).all()
    # 10 frames a second cut the corners of a waving hand a little.
    limit = 0.015 if fps < 15 else 0.006
    assert np.abs(window.keypoints - truth).max() < limit * 300
    features = window_features(window.keypoints, window.scores)
    assert np.abs(features - window_features(truth, window.scores))[..., :2].max() < 2 * limit


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.floats(0.004, 0.9), min_size=1, max_size=80), start=st.floats(0, 1000))
def test_growing_by_parts_equals_resampling_the_whole_history(steps: list[float], start: float) -> None:
    times = start + np.cumsum([0.0, *steps])
    rng = np.random.default_rng(len(steps))
    keypoints = rng.uniform(0, 500, (len(times), 17, 2)).astype(np.float32)
    scores = rng.uniform(-0.2, 1, (len(times), 17)).clip(0).astype(np.float32)
    window = TrackWindow(1, frames=4000)
    parts = [window.push(float(t), xy, s) for t, xy, s in zip(times, keypoints, scores, strict=True)]
    parts = [p for p in parts if len(p)]
    if not parts:
        return
    grid = np.arange(parts[0].first, parts[-1].last + 1) / RATE_HZ
    assert grid[0] >= times[0] - 1e-5
    assert grid[0] - times[0] < 1 / RATE_HZ
    assert times[-1] - grid[-1] < 1 / RATE_HZ
    whole, whole_s = resample(times, keypoints, scores, grid)
    np.testing.assert_array_equal(np.concatenate([p.keypoints for p in parts]), whole)
    np.testing.assert_array_equal(np.concatenate([p.scores for p in parts]), whole_s)
    assert [p.first for p in parts[1:]] == [p.last + 1 for p in parts[:-1]]


def test_new_frames_know_the_one_before_them() -> None:
    window, last = TrackWindow(1, 32), None
    for i in range(60):
        new = window.push(i / 25, waver(i / 25), np.full(17, 0.5))
        if last is None:
            assert not new.before_scores.any()
        elif len(new):
            np.testing.assert_array_equal(new.before_keypoints, last)
        if len(new):
            last = new.keypoints[-1]


def test_a_frame_waits_for_the_observation_after_it() -> None:
    window = TrackWindow(1, 32)
    assert len(window.push(0.0, waver(0), np.ones(17))) == 1
    assert len(window.push(0.06, waver(0.06), np.ones(17))) == 0  # the next grid time is 0.0667
    new = window.push(0.14, waver(0.14), np.ones(17))
    assert (new.first, len(new)) == (1, 2)


def test_short_pauses_are_bridged_and_long_ones_are_empty_frames() -> None:
    times = np.arange(0, 2.0001, 1 / 30)
    _, short = record(times[(times < 0.9) | (times > 0.9 + MAX_GAP_S - 0.1)])
    _, long = record(times[(times < 0.9) | (times > 0.9 + MAX_GAP_S + 0.1)])
    assert (short.scores[-31:] > 0).all()
    empty = ~long.scores.any(1)[-31:]
    assert empty.sum() == pytest.approx((MAX_GAP_S + 0.1) * RATE_HZ, abs=2)
    assert not long.keypoints[-31:][empty].any()


def test_a_joint_that_was_missed_once_is_taken_from_the_other_side() -> None:
    window, out = TrackWindow(1, 32), Recorded()
    scores = np.full((3, 17), 0.6)
    scores[1, 9] = 0
    bodies = [waver(t) for t in (0.0, 0.1, 0.2)]
    bodies[1][9] = 0  # where the detector puts what it does not see
    for i, t in enumerate((0.0, 0.1, 0.2)):
        out.add(window.push(t, bodies[i], scores[i]))
    seen = out.scores[:, 9] > 0
    assert seen[-4:].sum() >= 3
    assert np.abs(out.keypoints[seen, 9] - waver(0.0)[9]).max() < 60


def test_a_short_history_is_padded_in_front() -> None:
    _, window = record(np.arange(10) / 15)
    assert not window.scores[:22].any()
    assert (window.scores[22:] > 0).all()
    features = window_features(window.keypoints, window.scores)
    assert not features[:22].any()
    assert not features[22, :, 2:4].any()  # nothing is known of the velocity of the first frame


def test_an_absence_of_an_hour_costs_no_more_than_a_window() -> None:
    window, _ = record(np.arange(30) / 15)
    new = window.push(3600.0, waver(0.0), np.full(17, 0.5))
    assert len(new) == 32
    assert new.last == 3600 * 15
    assert not new.scores[:-1].any()
    assert new.scores[-1].all()


def test_after_a_hundred_hours_windows_are_as_exact_as_at_first() -> None:
    times = np.arange(90) / 29.97
    (_, early), (_, late) = record(times), record(times, start_s=360_000.0)
    np.testing.assert_allclose(late.keypoints, early.keypoints, atol=1e-3)
    np.testing.assert_allclose(late.scores, early.scores, atol=1e-3)


def test_time_that_stands_still_or_runs_backwards_is_ignored() -> None:
    window, before = record(np.arange(30) / 15)
    for t in (29 / 15, 0.3, -5.0):
        assert len(window.push(t, np.zeros((17, 2)), np.ones(17))) == 0
    new = window.push(2.0, waver(2.0), np.full(17, 0.6))
    assert (new.first, new.last) == (30, 30)
    np.testing.assert_array_equal(new.before_keypoints, before.keypoints[-1])


def test_people_have_windows_of_their_own_on_a_common_grid() -> None:
    windows, seen = Windows(32), {7: Recorded(), 9: Recorded()}
    for i in range(90):
        t = i / 30
        people = [Person(7, pose_of(waver(t)))]
        if i >= 45:
            people.append(Person(9, pose_of(walker(t, 100, 400, 200, 80))))
        new = windows.update(people, t)
        for track, frames in new.items():
            seen[track].add(frames)
        if i > 45 and len(new[7]):
            assert new[7].last == new[9].last
    assert seen[7].scores.any(1).sum() == 32
    assert seen[9].scores.any(1).sum() == 22
    assert body_height(seen[9].keypoints, seen[9].scores)[-1] == pytest.approx(200, rel=0.15)
    windows.forget(7)
    assert 7 not in windows


def test_what_was_foretold_is_no_observation() -> None:
    """At 30 frames a second every second pose is foretold, and wrong; the window is that of the poses in between."""
    windows, seen, all_of_them = (Windows(16), Windows(16)), Recorded(16), Recorded(16)
    for index in range(60):
        t = index / 30
        pose = pose_of(waver(t))
        if index % 2 == 0:
            seen.add(windows[0].update([Person(1, pose)], t)[1])
        else:
            pose = replace(pose, keypoints=pose.keypoints + 40, predicted=True)
        new = windows[1].update([Person(1, pose)], t)
        assert (1 in new) == (index % 2 == 0)
        if new:
            all_of_them.add(new[1])
    np.testing.assert_array_equal(all_of_them.keypoints, seen.keypoints)
    np.testing.assert_array_equal(all_of_them.scores, seen.scores)


def test_somebody_whose_first_pose_is_foretold_is_known_from_then_on() -> None:
    windows = Windows(16)
    windows.update([Person(1, replace(pose_of(waver(0.0)), predicted=True))], 1.0)
    assert windows[1].last_s == 1.0
