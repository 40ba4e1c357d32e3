"""People who walk and sit down at a known pace are measured at it, and a clock that runs wrong is seen."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")  # the data sets of the recipe are training's

from benchmarks import pace
from benchmarks.pace import Pace, markdown, paces, period, sitting_s, step_s
from tests.training.toy import write_mocap
from training.data.clips import Clip
from training.recipe import Part

JOINTS = {5: (0.2, 1.4), 6: (-0.2, 1.4), 11: (0.1, 0.9), 12: (-0.1, 0.9), 15: (0.1, 0.1), 16: (-0.1, 0.1)}
SMOOTH = 0.59
"""Of a sitting down that starts and ends smoothly, the part between nine tenths of the way and one."""


def standing(seconds, fps):
    """(T, 17, 3) metres of a body that stands, and its (T,) times."""
    times = np.arange(round(seconds * fps)) / fps
    body = np.zeros((len(times), 17, 3))
    for joint, (x, y) in JOINTS.items():
        body[:, joint, :2] = x, y
    return body, times


def clip(body, times, tremble=0.0, seed=0):
    """A recording of one body by a shaky sensor."""
    body = body + np.random.default_rng(seed).normal(0, tremble, body.shape)
    return Clip("toy", 0, body[None].astype(np.float32), np.ones((1, len(body), 17), np.float32), times)


def walker(step, fps=30, seconds=6, tremble=0.0, heading=0.0, seed=0):
    """Somebody whose steps take so many seconds, walking in some direction."""
    body, times = standing(seconds, fps)
    swing = 0.3 * np.sin(np.pi * times / step)
    body[:, 15, 2] += swing
    body[:, 16, 2] -= swing
    body[..., 2] += 0.6 / step * times[:, None]
    c, s = np.cos(heading), np.sin(heading)
    return clip(body @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]), times, tremble, seed)


def sitter(duration, fps=30, seconds=4, tremble=0.0, after=1.0, seed=0):
    """Somebody who sits down smoothly within so many seconds; stands up for a negative number."""
    body, times = standing(seconds, fps)
    done = np.clip((times - after) / abs(duration), 0, 1)
    down = 0.4 * (1 - np.cos(np.pi * done)) / 2
    if duration < 0:
        down = down[-1] - down
    body[:, [5, 6, 11, 12], 1] -= down[:, None]
    return clip(body, times, tremble, seed)


def in_pixels(of):
    """A recording as a camera in front sees it, 200 pixels a metre."""
    xy = of.keypoints[..., :2] * [200, -200] + [300, 400]
    return replace(of, keypoints=xy.astype(np.float32))


@pytest.mark.parametrize("fps", [12, 15, 30])
@pytest.mark.parametrize("step", [0.4, 0.55, 0.9])
def test_a_step_takes_as_long_as_it_takes(step, fps):
    assert step_s(walker(step, fps)) == pytest.approx(step, rel=0.03)
    assert step_s(walker(step, fps, tremble=0.02, heading=1.1)) == pytest.approx(step, rel=0.05)


def test_two_steps_are_not_one_where_the_legs_differ():
    """Somebody who limps: every other step is longer, and the stride is the better period."""
    body = walker(0.55).keypoints[0].astype(float)
    times = walker(0.55).times_s
    body[:, 15, 2] += 0.06 * np.sin(np.pi * times / 0.55)
    body[:, 15, 2] += 0.05
    assert step_s(clip(body, times)) == pytest.approx(0.55, rel=0.05)


def test_feet_that_tremble_between_steps_make_no_shorter_ones():
    steps, tremble = (np.sin(np.arange(120) * 2 * np.pi / frames) for frames in (20, 4.1))
    assert period(steps) == pytest.approx(20, rel=0.02)
    assert period(steps + 0.6 * tremble) == pytest.approx(20, rel=0.03)


def test_turning_to_and_fro_makes_no_longer_ones():
    steps, turns = (np.sin(np.arange(240) * 2 * np.pi / frames) for frames in (20, 75))
    assert period(steps + 0.8 * turns) == pytest.approx(20, rel=0.05)


def test_three_steps_are_enough_wherever_they_begin():
    of = walker(0.6, seconds=3)
    found = []
    for begin in range(0, 18, 3):
        part = slice(begin, begin + 54)
        found.append(
            step_s(replace(of, keypoints=of.keypoints[:, part], scores=of.scores[:, part], times_s=of.times_s[part]))
        )
    assert period(np.sin(np.arange(34) * 2 * np.pi / 20)) is None, "less than two periods"
    assert found == pytest.approx([0.6] * 6, rel=0.03)
    assert np.mean(found) == pytest.approx(0.6, rel=0.005)


def test_frames_that_were_lost_take_their_time():
    whole = walker(0.6)
    kept = np.random.default_rng(0).random(len(whole.times_s)) > 0.15
    scores = whole.scores.copy()
    scores[:, ~kept] = 0  # somebody absent has zeros
    absent = replace(whole, keypoints=whole.keypoints * (scores > 0)[..., None], scores=scores)
    left_out = replace(
        whole, keypoints=whole.keypoints[:, kept], scores=whole.scores[:, kept], times_s=whole.times_s[kept]
    )
    assert step_s(absent) == pytest.approx(0.6, rel=0.03)
    assert step_s(left_out) == pytest.approx(0.6, rel=0.03)


@pytest.mark.parametrize("fps", [12, 15, 30])
@pytest.mark.parametrize("duration", [0.8, 1.0, 1.6])
def test_sitting_down_takes_as_long_as_it_takes(duration, fps):
    smoothing = 0.12 if fps < 30 else 0.04  # the mean of three frames of a fast one
    assert sitting_s(sitter(duration, fps)) == pytest.approx(SMOOTH * duration, rel=smoothing)
    assert sitting_s(in_pixels(sitter(duration, fps))) == pytest.approx(SMOOTH * duration, rel=smoothing)
    trembling = [sitting_s(sitter(duration, fps, tremble=0.01, seed=seed)) for seed in range(9)]
    assert np.median(trembling) == pytest.approx(SMOOTH * duration, rel=smoothing)


@pytest.mark.parametrize(("measure", "of"), [(step_s, walker(0.6)), (sitting_s, sitter(1.0))])
def test_a_clock_at_twice_the_rate_gives_half_the_time(measure, of):
    assert measure(replace(of, times_s=of.times_s / 2)) == pytest.approx(measure(of) / 2, rel=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_who_does_something_else_is_not_measured(seed):
    still = clip(*standing(4, 30), tremble=0.005, seed=seed)
    assert step_s(still) is None
    assert sitting_s(still) is None
    assert sitting_s(sitter(-1.0, tremble=0.005, seed=seed)) is None, "who stands up sits all the time before"
    assert step_s(walker(2.5, seconds=2)) is None, "less than a step is no period"


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_recordings_of_a_moment_or_of_nobody_are_left_out(frames):
    body, times = standing(frames / 30, 30)
    for of in (clip(body, times), replace(clip(body, times), scores=np.zeros((1, frames, 17), np.float32))):
        assert step_s(of) is None
        assert sitting_s(of) is None


def test_of_two_people_the_one_who_moves_counts():
    one, still = walker(0.6), clip(*standing(6, 30), tremble=0.005)
    both = replace(
        one, keypoints=np.concatenate([still.keypoints, one.keypoints]), scores=np.ones((2, 180, 17), np.float32)
    )
    assert step_s(both) == step_s(one)


def test_sets_are_compared_by_the_rate_at_which_they_would_agree():
    steps = {"a": 0.5, "b": 0.6, "c": 0.7}
    sets = [(name, [walker(step, seed=i) for i in range(6)]) for name, step in steps.items()]
    slow = [replace(walker(0.6, fps=12), times_s=np.arange(72) / 30)] * 6  # 12 frames a second, said to be 30
    rows = {row.data: row for row in paces([*sets, ("fast", slow), ("few", sets[2][1][:4]), ("none", [])], step_s)}
    assert list(rows) == ["a", "b", "c", "fast", "few"]
    assert rows["fast"].fps == pytest.approx(30)
    assert rows["fast"].fps_as_others == pytest.approx(12, rel=0.03)
    assert rows["few"].quartiles_s[1] == pytest.approx(0.7, rel=0.03)
    assert rows["few"].fps_as_others is None
    assert rows["b"].fps_as_others == pytest.approx(30 * 0.6 / 0.5, rel=0.03), "the middle one of 0.24, 0.5 and 0.7"


def test_quartiles_are_of_the_clips_that_could_be_measured():
    clips = [walker(step) for step in (0.4, 0.5, 0.6, 0.7, 0.8)] + [clip(*standing(4, 30), tremble=0.005)]
    (row,) = paces([("a", clips)], step_s)
    assert (row.clips, row.measured, row.dimensions) == (6, 5, 3)
    assert row.quartiles_s == pytest.approx((0.5, 0.6, 0.7), rel=0.03)


def write(path, label_names, clips, fps):
    """An annotation file of clips (class name, clip)."""
    annotations = [
        {"frame_dir": str(i), "label": label_names.index(name), "fps": fps, "keypoint": of.keypoints,
         "keypoint_score": of.scores}
        for i, (name, of) in enumerate(clips)
    ]  # fmt: skip
    path.write_bytes(pickle.dumps({"label_names": label_names, "split": {}, "annotations": annotations}))


def test_the_command_measures_the_recipe_s_classes_and_writes_both_files(tmp_path, monkeypatch, capsys):
    video = [("walk", in_pixels(walker(0.5, heading=np.pi / 2))), ("sit", in_pixels(sitter(1.0)))] * 5
    write(tmp_path / "jhmdb_train.pkl", ["walk", "sit"], video, 30.0)
    (tmp_path / "jhmdb_train_lightning.pkl").write_bytes(b"the same clips; it is not read")
    sensor = [("stand up", sitter(2.0)), ("sit down", sitter(0.8))] * 5
    write(tmp_path / "nw_ucla.pkl", ["stand up", "sit down"], sensor, 60.0)
    write_mocap(tmp_path / "mocap.npz")
    parts = [Part(name, "train", ()) for name in ("jhmdb_train", "jhmdb_train_lightning", "nw_ucla")]
    monkeypatch.setattr(pace, "SHIPPED", parts)
    out, tables = tmp_path / "out.json", tmp_path / "out.md"
    assert pace.main(["--data", str(tmp_path), "--json", str(out), "--markdown", str(tables)]) == 0
    report = json.loads(out.read_text())
    assert [(row["data"], row["dimensions"], row["measured"]) for row in report["step"]] == [("jhmdb", 2, 5)]
    assert report["step"][0]["quartiles_s"][1] == pytest.approx(0.5, rel=0.03)
    jhmdb, nw_ucla = report["sitting down"]
    assert (jhmdb["data"], nw_ucla["data"], nw_ucla["measured"]) == ("jhmdb", "nw_ucla", 5)
    assert nw_ucla["quartiles_s"][1] == pytest.approx(SMOOTH * 0.4, rel=0.04)
    assert nw_ucla["fps_as_others"] == pytest.approx(60 * 0.4 / 1.0, rel=0.04)
    said = capsys.readouterr().out
    assert said == tables.read_text()
    assert f"| nw_ucla | 3-D | 5 of 5 | {nw_ucla['quartiles_s'][0]:.2f} s |" in said


def test_outputs_take_the_place_of_nothing_that_is_read_and_not_of_each_other(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pace, "load_dataset", lambda *_: pytest.fail("it was measured"))
    data = tmp_path / "kard.pkl"
    data.touch()
    assert pace.main(["--data", str(tmp_path), "--markdown", str(data)]) == 2
    assert "--markdown would overwrite" in capsys.readouterr().err
    assert pace.main(["--data", str(tmp_path), "--json", str(tmp_path / "a"), "--markdown", str(tmp_path / "a")]) == 2
    assert "--json and --markdown both name" in capsys.readouterr().err


def test_what_cannot_be_compared_has_a_dash():
    line = list(markdown({"step": [Pace("a", 30.0, 2, 3, 0, None)]}, pace.Path("data")))[-1]
    assert line == "| a | 2-D | 0 of 3 | - | - | - | 30.0 | - |"
