"""``python -m training extract``: videos of people to an annotation file."""

from fractions import Fraction

import cv2
import numpy as np
import pytest

from core.files import write_whole
from core.preprocess import window_features
from pipeline import Pipeline
from pipeline.recognition.grid import Windows
from tests.training.test_data import annotation
from training.__main__ import main
from training.data.clips import clip_of
from training.data.datasets import load_dataset
from training.data.extract import LabelledVideo, _assemble, _part_path, _work, find_videos, split_by_class
from training.windows.cut import clip_features

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
    assert _work(first, _part_path(parts, first, "movenet"), "movenet") is None
    caplog.set_level("INFO")
    data, _ = extract(folder, capsys)
    assert "1 of 3 videos are done already" in caplog.text
    assert "left out" in caplog.text  # the broken one, with its reason
    assert len(data.clips) == 2
    assert sorted(p.name for p in folder.parent.iterdir()) == ["own.pkl", "videos"]


def test_another_pose_model_does_not_go_on_with_the_parts_of_the_first(folder, capsys, caplog):
    parts = folder.parent / "own.pkl.parts"
    for video in find_videos(folder):
        part = _part_path(parts, video, "movenet")
        write_whole(part, lambda file: file.write(b"would not be readable"))
    (parts / "note.txt").write_text("of the user")
    caplog.set_level("INFO")
    data, _ = extract(folder, capsys, "--pose", "movenet-multipose")
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
    monkeypatch.setattr("training.data.extract._extract_all", lambda *_: pytest.fail("the work has begun"))
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
    assert [record.getMessage() for record in caplog.records] == [
        "skipped, since only videos in one folder a class are read: yawn/notes.txt",
        f"left out: there is no video in {folder / 'yawn'}",
    ]


def test_every_ending_counts_and_hidden_files_are_nobodys(folder, caplog):
    for name in ("b.WMV", "c.MTS", "d.3gp", "e.flv", "f.ogv", "g.y4m", ".hidden.mp4"):
        (folder / "stroll" / name).write_bytes(b"x")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "a.mp4").write_bytes(b"x")
    found = find_videos(folder)
    assert {"b.WMV", "c.MTS", "d.3gp", "e.flv", "f.ogv", "g.y4m"} <= {video.path.name for video in found}
    assert {video.label for video in found} == {"cross", "stroll"}
    assert not any(video.path.name.startswith(".") for video in found)
    assert not caplog.records


def test_whatever_else_is_left_out_is_listed_in_one_sentence(folder, caplog):
    still = np.zeros((8, 8, 3), np.uint8)
    cv2.imwrite(str(folder / "stroll" / "still.png"), still)
    cv2.imwritemulti(str(folder / "stroll" / "stack.tiff"), [still, still])
    (folder / "stroll" / "more").mkdir()
    (folder / "stroll" / "gone.mp4").symlink_to(folder / "nowhere.mp4")
    (folder / "loose.MP4").write_bytes(b"x")
    (folder / "list.csv").write_text("of the user")
    assert [video.path.name for video in find_videos(folder)] == ["a.mp4", "a.mp4", "broken.mp4", "stack.tiff"]
    assert [record.getMessage() for record in caplog.records] == [
        "skipped, since only videos in one folder a class are read: "
        "loose.MP4, stroll/gone.mp4, stroll/more, stroll/still.png"
    ]


def write_at(path, images, times_s):
    """A video whose frames have their own time stamps."""
    av = pytest.importorskip("av", reason="PyAV writes the variable-rate video")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=1000)
        stream.height, stream.width = images[0].shape[:2]
        stream.bit_rate, stream.pix_fmt = 4_000_000, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for image, time_s in zip(images, times_s, strict=True):
            frame = av.VideoFrame.from_ndarray(image, "bgr24")
            frame.pts, frame.time_base = round(1000 * time_s), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def test_training_sees_what_recognition_sees_live(tmp_path, capsys):
    """Of a video of 30 frames a second, then 5, as of a phone in poor light: one mean rate would be 0.7 s off."""
    path, picture = tmp_path / "videos" / "cross" / "uneven.mp4", cv2.imread("tests/data/runners.jpg")
    path.parent.mkdir(parents=True)
    times_s = np.concatenate([np.arange(24) / 30, 0.8 + np.arange(6) / 5])
    left = (20 + 20 * np.sin(3 * times_s)).astype(int)  # the camera swings, steadily enough for poses to be predicted
    write_at(path, [np.ascontiguousarray(picture[:, x : x + 300]) for x in left], times_s)

    data, _ = extract(tmp_path / "videos", capsys)
    (clip,) = data.clips
    np.testing.assert_allclose(clip.times_s, times_s, atol=0.002)

    windows, live, predicted = Windows(32), {}, 0
    with Pipeline(path, recognise=False) as results:
        for result in results:
            predicted += sum(person.pose.predicted for person in result.people)
            for track, new in windows.update(result.people, result.frame.time_s).items():
                first, xy, s = live.get(track, (new.first, new.keypoints[:0], new.scores[:0]))
                live[track] = first, np.concatenate([xy, new.keypoints]), np.concatenate([s, new.scores])
    assert predicted > 5
    for learnt in clip_features(clip, people=2):
        first = np.flatnonzero(learnt[..., -1].any(-1))[0]
        same = [window_features(xy, s) for begins, xy, s in live.values() if begins == first]
        assert any(np.allclose(learnt[first : first + len(one)], one, atol=1e-4) and len(one) > 15 for one in same)


@pytest.mark.parametrize("times", [[[0.0, 1.0]], [2.0, 1.0], [0.0, np.nan], ["a", "b"]])
def test_time_stamps_that_are_none_are_refused(times):
    with pytest.raises(ValueError, match="times_s"):
        clip_of(annotation(frames=2) | {"times_s": times}, None)


def test_time_stamps_of_a_long_recording_are_exact():
    times = 1e5 + np.arange(20) / 15
    np.testing.assert_allclose(clip_of(annotation() | {"times_s": times}, None).times_s, times - 1e5, atol=1e-9)


def named(sizes):
    """Classes of so many clips."""
    return {label: [f"{label}/{i:02}" for i in range(count)] for label, count in sizes.items()}


@pytest.mark.parametrize("part", [0.1, 0.2, 0.5, 0.9])
def test_every_class_is_parted_and_has_a_clip_in_both_parts(part):
    names = named({f"class{n}": n for n in range(2, 21)})
    split = split_by_class(names, part)
    for label, own in names.items():
        train, val = ([name for name in split[which] if name in own] for which in ("train", "val"))
        assert sorted(train + val) == sorted(own), "each is in one part"
        assert len(val) == min(max(round(part * len(own)), 1), len(own) - 1), label


def test_parts_are_drawn_by_name_whatever_order_videos_come_in():
    names = named({"walk": 40})["walk"]
    val = sorted(split_by_class({"walk": names}, 0.5)["val"])
    assert sorted(split_by_class({"walk": names[::-1]}, 0.5)["val"]) == val
    assert val not in (names[:20], names[20:]), "not the first or last takes, which may have been filmed elsewhere"


@pytest.mark.parametrize(("part", "whole"), [(0.0, "train"), (1.0, "val")])
def test_everything_in_one_part_is_what_was_asked_for(part, whole):
    names = named({"walk": 5, "sit": 1})
    assert sorted(split_by_class(names, part)[whole]) == sorted(names["walk"] + names["sit"])


def test_a_name_that_two_videos_share_is_in_one_part():
    split = split_by_class({"walk": ["walk/a", "walk/a", "walk/b"]}, 0.5)
    assert sorted(split["train"] + split["val"]) == ["walk/a", "walk/b"]


def read(tmp_path, sizes):
    """Videos of these classes whose poses are found, and one of each that could not be read."""
    places = {}
    for label, count in sizes.items():
        for i in range(count + 1):
            part = tmp_path / f"{label}{i}.npz"
            places[LabelledVideo(tmp_path / label / f"{i}.mp4", label)] = part
            if i < count:
                np.savez(part, keypoints=np.ones((1, 4, 17, 2)), scores=np.ones((1, 4, 17)), times_s=np.arange(4) / 15,
                         shape=np.array([48, 64]))  # fmt: skip
    return places


def test_videos_that_cannot_be_read_take_no_place_in_a_part(tmp_path, caplog):
    data = _assemble(read(tmp_path, {"walk": 2, "sit": 3}), 0.4)
    assert [name.split("/")[0] for name in data["split"]["val"]] == ["walk", "sit"]
    assert [name.split("/")[0] for name in data["split"]["train"]] == ["walk", "sit", "sit"]
    assert not caplog.records


@pytest.mark.parametrize(("part", "lacking"), [(0.2, "val"), (0.8, "train")])
def test_classes_of_one_clip_are_told(tmp_path, caplog, part, lacking):
    data = _assemble(read(tmp_path, {"nod": 1, "sit": 3, "yawn": 1}), part)
    assert [name for name in data["split"][lacking] if not name.startswith("sit")] == []
    said = f"no clip in '{lacking}' of nod, yawn: it takes two for a class to be in both parts"
    assert [record.getMessage() for record in caplog.records] == [said]


@pytest.mark.parametrize("part", [0.0, 1.0])
def test_classes_of_one_clip_are_not_told_where_one_part_was_asked_for(tmp_path, caplog, part):
    _assemble(read(tmp_path, {"nod": 1, "sit": 3}), part)
    assert not caplog.records
