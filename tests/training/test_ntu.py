"""NTU RGB+D's own files: who is in them, what they are named, and one sentence for those that are damaged."""

import json
import re

import numpy as np
import pytest

from core.errors import UserError
from tests.training.toy import SMALL
from training.__main__ import main
from training.data.datasets import load_dataset
from training.data.ntu import TO_COCO17, clean, link, motion
from training.data.ntu_protocol import ACTIONS, TRAINING_SUBJECTS_60, TRAINING_SUBJECTS_120
from training.data.skeleton_file import JOINTS, Body, read_skeleton_file
from training.windows.cut import clip_features, recorded_view

_UPRIGHT = np.zeros((JOINTS, 3), np.float32)
_UPRIGHT[[0, 1, 20, 2, 3], 1] = 0, 0.25, 0.5, 0.55, 0.7  # trunk and head
_UPRIGHT[[4, 5, 6, 7, 21, 22]] = [[-0.18, 0.5, 0], [-0.25, 0.25, 0], [-0.27, 0, 0], *[[-0.27, -0.05, 0]] * 3]
_UPRIGHT[[8, 9, 10, 11, 23, 24]] = _UPRIGHT[[4, 5, 6, 7, 21, 22]] * [-1, 1, 1]
_UPRIGHT[[12, 13, 14, 15]] = [[-0.1, 0, 0], [-0.1, -0.4, 0], [-0.1, -0.8, 0], [-0.1, -0.85, -0.1]]
_UPRIGHT[[16, 17, 18, 19]] = _UPRIGHT[[12, 13, 14, 15]] * [-1, 1, 1]
_UPRIGHT[:, 2] += 3  # from the sensor, whose x grows to its own left: the person's left side has the smaller x


def person(frames, step=0.01, x=0.0, wide=False):
    """A standing body that drifts sideways by ``step`` metres a frame; a wide one lies across the picture."""
    joints = _UPRIGHT[:, [1, 0, 2]] if wide else _UPRIGHT
    return Body(
        list(frames), [joints + np.array([x + step * i, 0, 0], np.float32) for i, _ in enumerate(frames)],
        [np.ones(JOINTS, np.float32) for _ in frames],
    )  # fmt: skip


def text(count, bodies, state=2):
    """The file that the sensor's recorder would write."""
    lines = [str(count)]
    for frame in range(count):
        here = [(i, b, b.frames.index(frame)) for i, b in enumerate(bodies) if frame in b.frames]
        lines.append(str(len(here)))
        for number, body, at in here:
            lines += [f"7205759403792793{number} 0 1 1 1 1 0 -0.02 0.05 2", str(JOINTS)]
            lines += [
                f"{x:.6f} {y:.6f} {z:.6f} 277.4 191.8 1036.2 519.1 -0.2 0.03 0.97 -0.03 {state}"
                for x, y, z in body.joints[at]
            ]
    return "\n".join(lines) + "\n"


def write(folder, name, *bodies, count=20, **options):
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.skeleton").write_text(text(count, bodies, **options))
    return folder


def test_a_recording_becomes_a_clip_of_coco_joints(tmp_path):
    data = load_dataset(write(tmp_path / "ntu", "S001C002P003R002A013", person(range(20))))
    (clip,) = data.clips
    assert (clip.name, data.label_names[clip.label]) == ("S001C002P003R002A013", "tear up paper")
    assert clip.keypoints.shape == (1, 20, 17, 3)
    assert clip.times_s[-1] == pytest.approx(19 / 30)
    assert (clip.scores == 1).all(), "the face is there too"
    left, right = clip.keypoints[0, 0, 5], clip.keypoints[0, 0, 6]
    assert left[0] > right[0], "who faces the camera has the left shoulder on the picture's right"
    np.testing.assert_allclose(clip.keypoints[0, :, 15, 1], -0.8, atol=1e-5)
    np.testing.assert_allclose(clip.keypoints[0, :, 15, 2], -3, atol=1e-5)
    assert clip.keypoints[0, 0, 0, 2] > clip.keypoints[0, 0, 3, 2], "and the nose nearer to it than the ears"
    pixels = recorded_view(clip)
    assert pixels[0, 0, 0, 1] < pixels[0, 0, 15, 1], "the head is above the feet in a picture"


def test_the_mapping_is_that_of_the_other_set_of_this_sensor(shared):
    from training.data.pickles import load_plain_pickle

    assert load_plain_pickle(shared / "data" / "gtu.pkl")["to_coco17"] == list(TO_COCO17)


def test_guessed_joints_weigh_less_and_untracked_ones_nothing(tmp_path):
    body = person(range(12))
    for state, score in ((1, 0.5), (0, 0.0)):
        write(tmp_path / "ntu", "S001C001P001R001A001", body, count=12, state=state)
        assert set(np.unique(load_dataset(tmp_path / "ntu").clips[0].scores)) == {score}


def test_a_joint_without_a_position_is_absent(tmp_path):
    folder = write(tmp_path / "ntu", "S001C001P001R001A001", person(range(12)), count=12)
    path = folder / "S001C001P001R001A001.skeleton"
    lines = path.read_text().splitlines()
    lines[4 + 13] = " ".join(["NaN", "-Infinity", *lines[4 + 13].split()[2:]])
    path.write_text("\n".join(lines))
    (clip,) = load_dataset(folder).clips
    assert clip.scores[0, 0, 13] == 0, "the left knee"
    assert clip.scores[0, 1:].all()
    assert np.isfinite(clip.keypoints).all()


def test_two_people_keep_their_places_and_absences(tmp_path):
    """The second person comes late and is lost twice; the sensor's new number for him is the same man."""
    him = [person(range(5, 20), 0.005, 1.0), person(range(22, 40), 0.005, 1.1)]
    data = load_dataset(write(tmp_path / "ntu", "S001C001P001R001A055", person(range(40)), *him, count=40))
    (clip,) = data.clips
    assert clip.keypoints.shape[:2] == (2, 40)
    there = clip.scores.any(-1)
    assert there[0].all()
    assert np.flatnonzero(~there[1]).tolist() == [0, 1, 2, 3, 4, 20, 21]
    assert not clip.keypoints[1, 20].any()
    assert clip_features(clip, people=2).shape[0] == 2


def test_of_many_bodies_the_two_that_move_most_stay(tmp_path):
    bodies = [person(range(20), step, 0.5 * i) for i, step in enumerate((0.001, 0.03, 0.002, 0.02))]
    (clip,) = load_dataset(write(tmp_path / "ntu", "S001C001P001R001A050", *bodies)).clips
    assert len(clip.keypoints) == 2
    np.testing.assert_allclose(clip.keypoints[:, 0, 13, 0], [-0.5 + 0.1, -1.5 + 0.1], atol=1e-5)


def test_noise_is_left_out_beside_people_only():
    someone, glimpse = person(range(20)), person(range(11), step=1.0)
    table = person(range(20), step=0.5, wide=True)
    assert clean([glimpse, table, someone]) == [someone]
    assert clean([glimpse]) == [glimpse], "short is better than nobody"
    assert clean([table]) == [table], "somebody who lies down"
    assert clean([glimpse, table]) == [table]


def test_motion_is_measured_while_upright():
    steady, fallen = person(range(20), step=0.0), person(range(20), step=0.0)
    fallen.joints[7:9] = person(range(2), x=5.0, wide=True).joints
    assert motion(fallen) == pytest.approx(motion(steady))
    assert motion(person(range(20), step=0.1)) > motion(steady)


def test_bodies_that_never_meet_are_one_person():
    first, second, third, fourth = (person(r) for r in (range(9), range(5, 12), range(9, 20), range(20)))
    assert link([first, second, third]) == [[first, third], [second]]
    assert link([first, second, fourth]) == [[first], [second]], "a third person is not kept"


def test_frames_before_anybody_and_after_everybody_are_cut(tmp_path):
    folder = write(tmp_path / "ntu", "S001C001P001R001A001", person(range(4, 17)))
    assert load_dataset(folder).clips[0].keypoints.shape[1] == 13


def test_recordings_without_anybody_and_those_on_the_list_are_left_out(tmp_path):
    folder = write(tmp_path / "ntu", "S001C001P001R001A001", person(range(20)))
    write(folder, "S001C001P001R001A002")
    write(folder, "S001C001P001R001A003", person(range(20)))
    (folder / "NTU_RGBD_samples_with_missing_skeletons.txt").write_text("S001C001P001R001A003\n")
    assert [c.name for c in load_dataset(folder).clips] == ["S001C001P001R001A001"]


def test_a_folder_of_nobody_and_one_of_nothing_are_refused(tmp_path):
    with pytest.raises(UserError, match="nobody in any of its 1"):
        load_dataset(write(tmp_path / "ntu", "S001C001P001R001A002"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"no \.skeleton files"):
        load_dataset(tmp_path / "empty")


def test_splits_of_the_60_are_by_subject_and_camera(tmp_path):
    for camera, subject in ((1, 1), (2, 3), (3, 38)):
        write(tmp_path / "ntu", f"S002C{camera:03d}P{subject:03d}R001A060", person(range(20)))
    data = load_dataset(tmp_path / "ntu")
    assert len(data.label_names) == 60
    subjects = {k: {int(name[9:12]) for name in names} for k, names in data.splits.items()}
    assert subjects == {"xsub_train": {1, 38}, "xsub_val": {3}, "xview_train": {3, 38}, "xview_val": {1}}


def test_splits_of_the_120_are_by_subject_and_setup(tmp_path):
    for setup, subject in ((18, 45), (19, 44), (32, 106)):
        write(tmp_path / "ntu", f"S{setup:03d}C001P{subject:03d}R001A120", person(range(20)))
    data = load_dataset(tmp_path / "ntu")
    assert len(data.label_names) == 120
    subjects = {k: {int(name[9:12]) for name in names} for k, names in data.splits.items()}
    assert subjects == {"xsub_train": {45}, "xsub_val": {44, 106}, "xset_train": {45, 106}, "xset_val": {44}}


def test_the_protocols_have_their_published_sizes():
    assert len(TRAINING_SUBJECTS_60) == 20
    assert len(TRAINING_SUBJECTS_120) == 53
    assert len(ACTIONS) == len(set(ACTIONS)) == 120


def damaged(kind):
    """A file of two frames and one body, spoilt; and what is said of it."""
    lines = text(2, [person(range(2))]).splitlines()
    if kind == "ends in a joint":
        return lines[:40], "line 41: the file ends within frame 2 of 2"
    if kind == "ends before a frame":
        return lines[:29], "line 30: the file ends within frame 2 of 2"
    if kind == "empty":
        return [], "line 1: the file ends within its first line"
    if kind == "a joint is cut":
        lines[10] = lines[10].rsplit(" ", 1)[0]
        return lines, "line 11: a joint has 12 values, not 11"
    if kind == "a word in a joint":
        lines[10] = lines[10].replace("3.000000", "three")
        return lines, "line 11: 'three' is no number"
    if kind == "an unknown state":
        lines[10] = lines[10][:-1] + "7"
        return lines, "line 11: the tracking state is 0, 1 or 2, not 7"
    if kind == "another sensor":
        lines[3] = "20"
        return lines, "line 4: a body has 25 joints, not 20"
    lines[1] = "-1"
    return lines, "line 2: the number of bodies is '-1'"


@pytest.mark.parametrize(
    "kind", ["ends in a joint", "ends before a frame", "empty", "a joint is cut", "a word in a joint",
             "an unknown state", "another sensor", "a negative count"],
)  # fmt: skip
def test_damage_is_named_by_file_and_line(tmp_path, capsys, kind):
    lines, sentence = damaged(kind)
    path = tmp_path / "S001C001P001R001A001.skeleton"
    path.write_text("\n".join(lines))
    with pytest.raises(UserError, match=re.escape(f"{path}, {sentence}")):
        read_skeleton_file(path)
    assert main(["finetune", "--data", str(tmp_path), "--out", str(tmp_path / "run")]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"error: {path}, {sentence}"


@pytest.mark.parametrize("name", ["wave.skeleton", "S001C001P001R001A121.skeleton", "S001C001P001R001A000.skeleton"])
def test_a_name_that_says_no_action_is_refused(tmp_path, name):
    (tmp_path / name).write_text(text(1, []))
    with pytest.raises(UserError, match=re.escape(name)):
        load_dataset(tmp_path)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "S001C001P001R001A001.skeleton").write_bytes(b"\x80\x04\x95\xff")
    with pytest.raises(UserError, match="not text"):
        load_dataset(tmp_path)


def test_a_converted_folder_is_the_same_data_in_a_file(tmp_path, capsys):
    folder = write(tmp_path / "ntu", "S001C002P003R002A013", person(range(20)), person(range(5, 20), 0.005, 1.0))
    write(folder, "S001C001P001R001A060", person(range(20)))
    assert main(["convert", str(folder), "--out", str(tmp_path / "ntu.pkl")]) == 0
    assert "2 recordings of 60 classes" in capsys.readouterr().out
    a, b = load_dataset(folder), load_dataset(tmp_path / "ntu.pkl")
    assert (a.label_names, a.splits) == (b.label_names, b.splits)
    for clip, stored in zip(a.clips, b.clips, strict=True):
        assert (clip.name, clip.label) == (stored.name, stored.label)
        np.testing.assert_allclose(stored.keypoints, clip.keypoints, atol=2e-3, err_msg="half precision: 2 mm at 3 m")
        np.testing.assert_array_equal(stored.scores, clip.scores)


def test_a_folder_trains_and_evaluates_like_a_file(tmp_path):
    folder = tmp_path / "ntu"
    for subject in (1, 2, 3, 6):
        for action, step in ((23, 0.0), (59, 0.05)):
            write(folder, f"S001C001P{subject:03d}R001A{action:03d}", person(range(24), step), count=24)
    out = tmp_path / "run"
    command = ["finetune", "--data", str(folder), "--split", "xsub_train", "--validate", "xsub_val", "--out", str(out)]
    assert main([*command, "--epochs", "1", "--windows-per-epoch", "8", "--batch", "8", *SMALL]) == 0
    weights, report = str(out / "model.safetensors"), tmp_path / "r.json"
    evaluate = ["evaluate", "--data", str(folder), "--split", "xsub_val", "--weights", weights, "--device", "cpu"]
    assert main([*evaluate, "--json", str(report)]) == 0
    assert json.loads(report.read_text())["n"] == 4
