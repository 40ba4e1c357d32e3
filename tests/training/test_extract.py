"""``python -m training extract``: videos of people to an annotation file."""

import cv2
import numpy as np
import pytest

from training.__main__ import main
from training.datasets import load_dataset
from training.extract import _part_path, _work, find_videos, patient_estimator
from training.files import void, write_whole

FRAMES = 8


@pytest.fixture
def folder(tmp_path):
    """Two classes of one short video each, cut from the bundled clip, and a file that is no video."""
    clip = cv2.VideoCapture("assets/demo.mp4")
    for label, first in (("cross", 22), ("stroll", 40)):
        (tmp_path / "videos" / label).mkdir(parents=True)
        clip.set(cv2.CAP_PROP_POS_FRAMES, first)
        size = int(clip.get(cv2.CAP_PROP_FRAME_WIDTH)), int(clip.get(cv2.CAP_PROP_FRAME_HEIGHT))
        out = cv2.VideoWriter(str(tmp_path / "videos" / label / "a.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 15, size)
        for _ in range(FRAMES):
            out.write(clip.read()[1])
        out.release()
    (tmp_path / "videos" / "stroll" / "broken.mp4").write_bytes(b"no video")
    return tmp_path / "videos"


def extract(folder, capsys, *options):
    out = folder.parent / "own.pkl"
    assert main(["extract", str(folder), "--out", str(out), "--workers", "1", *options]) == 0
    return load_dataset(out), capsys.readouterr().out


@pytest.mark.parametrize("pose", ["movenet-multipose", "movenet"])
def test_people_are_found_and_followed(folder, capsys, pose):
    data, _ = extract(folder, capsys, "--pose", pose)
    assert data.label_names == ("cross", "stroll")
    assert sorted(c.name for c in data.clips) == ["cross/a", "stroll/a"]
    for clip in data.clips:
        assert clip.keypoints.shape[1:] == (FRAMES, 17, 2)
        assert clip.times_s[-1] == pytest.approx((FRAMES - 1) / 15, abs=0.01)
        main_person = clip.scores[0].max(1)
        assert (main_person > 0.3).mean() > 0.8
        steps = np.linalg.norm(np.diff(clip.keypoints[0, main_person > 0.3], axis=0), axis=-1)
        assert np.median(steps) < 20  # one and the same person


def test_finished_videos_are_not_done_again(folder, capsys, caplog):
    parts = folder.parent / "own.pkl.parts"
    parts.mkdir()
    first = find_videos(folder)[0]
    assert _work(first, _part_path(parts, first, "movenet-multipose"), "movenet-multipose") is None
    caplog.set_level("INFO")
    data, _ = extract(folder, capsys)
    assert "1 of 3 videos are done already" in caplog.text
    assert "left out" in caplog.text  # the broken one, with its reason
    assert len(data.clips) == 2
    assert sorted(p.name for p in folder.parent.iterdir()) == ["own.pkl", "videos"]


def test_another_pose_model_does_not_go_on_with_the_parts_of_the_first(folder, capsys, caplog):
    parts = folder.parent / "own.pkl.parts"
    for video in find_videos(folder):
        part = _part_path(parts, video, "movenet-multipose")
        write_whole(part, lambda file: void(file.write(b"would not be readable")))
    (parts / "note.txt").write_text("of the user")
    caplog.set_level("INFO")
    data, _ = extract(folder, capsys, "--pose", "movenet")
    assert "done already" not in caplog.text
    assert len(data.clips) == 2
    assert [p.name for p in parts.iterdir()] == ["note.txt"]


def refused(folder, capsys, out, *options):
    """What is said, which has to be one sentence."""
    assert main(["extract", str(folder), "--out", str(out), "--workers", "2", *options]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    return err


def test_an_unknown_pose_model_is_told_once_and_leaves_nothing(folder, capsys, caplog):
    assert "'openpose' is not known" in refused(folder, capsys, folder.parent / "own.pkl", "--pose", "openpose")
    assert "left out" not in caplog.text
    assert [p.name for p in folder.parent.iterdir()] == ["videos"]


def test_a_place_that_cannot_be_written_is_told_before_the_work(folder, capsys, monkeypatch):
    monkeypatch.setattr("training.extract._extract_all", lambda *_: pytest.fail("the work has begun"))
    (folder.parent / "file").write_text("")
    assert "it is a folder" in refused(folder, capsys, folder)
    assert "cannot make the folder" in refused(folder, capsys, folder.parent / "file" / "own.pkl")
    monkeypatch.chdir(folder)
    assert "it is a folder" in refused(folder, capsys, ".")


def test_parts_that_cannot_be_written_are_no_fault_of_the_videos(folder, capsys, caplog):
    (folder.parent / "own.pkl.parts").write_text("in the way")
    assert "cannot make the folder" in refused(folder, capsys, folder.parent / "own.pkl")
    assert not any("own.pkl" in record.getMessage() for record in caplog.records)
    assert sorted(p.name for p in folder.parent.iterdir()) == ["own.pkl.parts", "videos"]


def test_a_link_that_leads_nowhere_is_no_video(folder):
    (folder / "stroll" / "gone.mp4").symlink_to(folder / "nowhere.mp4")
    assert "gone" not in [video.path.stem for video in find_videos(folder)]


def test_a_class_without_a_video_is_told(folder, caplog):
    (folder / "yawn").mkdir()
    (folder / "yawn" / "notes.txt").write_text("to be filmed")
    assert {video.label for video in find_videos(folder)} == {"cross", "stroll"}
    assert [record.getMessage() for record in caplog.records] == [f"left out: there is no video in {folder / 'yawn'}"]


def test_nothing_is_foretold_in_what_is_learnt_from():
    assert patient_estimator("movenet").rest_hz is None
