"""Every benchmark as a command: bad input is one sentence and exit code 2, and nothing that was measured is lost."""

from __future__ import annotations

import importlib
import json
import pickle
import shutil
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("torch")  # some benchmarks are about training

from benchmarks import engine_variants, frame_order, live_accuracy, memory, pace, pose, scenes, windows
from calibration import CalibrationError
from engines import EngineError
from training.data.extract import Skeletons

WRITERS = {  # name -> what begins the measurement, and arguments
    "folds": ("load_dataset", ["--data", "x.pkl"]),
    "idle": ("ActionModel.load", ["clip.mp4"]),
    "live_accuracy": ("ActionModel.load", ["videos"]),
    "memory": ("Pipeline", []),
    "pace": ("load_dataset", ["--data", "data"]),
    "pipeline": ("ActionModel.load", []),
    "pose": ("Reference", []),
    "pose_models": ("movenet", []),
    "prompts": ("measure", []),
}


def error_of(capsys) -> str:
    """What was said of the error, which is one line."""
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("error: ")
    return lines[0].removeprefix("error: ")


@pytest.fixture
def videos(tmp_path, demo_clip):
    """Labelled videos: one folder a class, one of them unknown to every data set."""
    for folder, name in (("wave", "a"), ("juggle", "b")):
        (tmp_path / "videos" / folder).mkdir(parents=True)
        shutil.copy(demo_clip, tmp_path / "videos" / folder / f"{name}.mp4")
    return tmp_path / "videos"


def test_extracted_keypoints_are_compared_with_a_data_set(monkeypatch, tmp_path, videos, capsys):
    """Two of four frames, seen in both, are 5 px off in a body of 100 px."""
    theirs = np.tile(np.linspace(100, 200, 17, dtype=np.float32)[:, None], (1, 4, 1, 2))
    scores = np.ones((1, 4, 17), np.float32)
    scores[:, 3] = 0
    clip = {"frame_dir": "wave/a", "label": 0, "total_frames": 4, "fps": 30.0, "keypoint": theirs,
            "keypoint_score": scores, "img_shape": (240, 320)}  # fmt: skip
    data = tmp_path / "data.pkl"
    data.write_bytes(
        pickle.dumps({"split": {"train": ["wave/a"]}, "label_names": ["wave", "juggle"], "annotations": [clip]})
    )
    ours = Skeletons(theirs + np.float32([3, 4]), scores[:, ::-1], np.arange(4) / 30, (240, 320))
    monkeypatch.setattr(pose, "extract_video", lambda _: ours)
    assert pose.main([str(videos), "--data", str(data)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {
        "clips": 1, "frames": 4, "seen": 0.75, "seen_in_data": 0.75, "compared": 2, "median": 0.05,
        "above_a_quarter": 0.0,
    }  # fmt: skip
    data.write_bytes(data.read_bytes().replace(b"wave/a", b"wave/x"))
    assert pose.main([str(videos), "--data", str(data)]) == 2
    assert "no clip of the same name and length" in error_of(capsys)


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_that_cannot_be_written_is_refused_before_measuring(name, monkeypatch, tmp_path, capsys):
    begins, arguments = WRITERS[name]
    module = importlib.import_module(f"benchmarks.{name}")
    monkeypatch.setattr(f"benchmarks.{name}.{begins}", lambda *_, **__: pytest.fail("it was measured"))
    assert module.main([*arguments, "--json", str(tmp_path / "absent" / "out.json")]) == 2
    assert "there is no folder" in error_of(capsys)


def test_the_windows_place_is_looked_at_first_too(monkeypatch, tmp_path, capsys):
    for begins in ("windows_of_video", "labelled_windows"):
        monkeypatch.setattr(windows, begins, lambda *_: pytest.fail("it was measured"))
    for command in ("clips", "data"):
        assert windows.main([command, str(tmp_path / "absent" / "out.npz"), str(tmp_path)]) == 2
        assert "there is no folder" in error_of(capsys)


@pytest.mark.parametrize("kind", [EngineError, CalibrationError])
@pytest.mark.parametrize("name", ["idle", "live_accuracy", "pipeline"])
def test_a_model_that_cannot_be_used_is_one_sentence(name, kind, monkeypatch, videos, capsys):
    def load(*_):
        raise kind("the model is damaged")

    shutil.rmtree(videos / "juggle")
    monkeypatch.setattr("pipeline.recognition.model.ActionModel.load", load)
    arguments = [] if name == "pipeline" else [str(videos)]
    assert importlib.import_module(f"benchmarks.{name}").main(arguments) == 2
    assert error_of(capsys) == "the model is damaged"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("memory", ["--frames", "0"]),
        ("pipeline", ["--rounds", "0"]),
        ("pose", ["--frames", "-1"]),
        ("prompts", ["--loads", "none"]),
        ("windows", ["data", "out.npz", "data", "--every", "0"]),
    ],
)
def test_counts_that_are_none_are_refused(name, arguments, capsys):
    with pytest.raises(SystemExit) as end:
        importlib.import_module(f"benchmarks.{name}").main(arguments)
    assert end.value.code == 2
    assert "not a whole number above 0" in capsys.readouterr().err


class FakePipeline:
    """Frames with nobody in them; Ctrl-C after so many, if at all."""

    interrupted_after: int | None = None

    def __init__(self, source, pose):
        self._frames = source.frame_count

    def __enter__(self):
        return iter(self)

    def __exit__(self, *_):
        pass

    def __iter__(self):
        for index in range(self._frames):
            if index == self.interrupted_after:
                raise KeyboardInterrupt
            yield SimpleNamespace(frame=SimpleNamespace(index=index), people=(), decided=())


@pytest.mark.parametrize(
    ("wanted", "interrupted_after", "frames", "readings"),
    [(100, None, 100, 1), (200, None, 200, 2), (20_000, 7, 7, 1), (20_000, 0, 0, 0), (2_000, 501, 501, 6)],
)
def test_a_short_or_interrupted_run_reports_its_frames(
    wanted, interrupted_after, frames, readings, monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr(memory, "Pipeline", FakePipeline)
    monkeypatch.setattr(FakePipeline, "interrupted_after", interrupted_after)
    out = tmp_path / "out.json"
    assert memory.main(["--frames", str(wanted), "--json", str(out)]) == 0
    figures = json.loads(out.read_text())
    assert (figures["frames"], len(figures["readings_mb"])) == (frames, readings)
    said = capsys.readouterr().out
    if readings < 3:
        assert figures["growth"] is None
        assert "too few frames to tell whether memory grows, 201 are needed" in said
    else:
        assert abs(figures["growth"]) < 0.5
        assert "MB after 100 frames" in said


def test_growth_is_taken_after_the_networks_have_their_memory():
    readings = [50.0, *[100.0] * 16, *[110.0] * 3]
    assert memory.growth(readings) == {"resident_mb": [100.0, 110.0], "growth": 0.1}


def test_a_class_that_the_data_set_does_not_have_is_named(videos, capsys):
    assert live_accuracy.main([str(videos), "--dataset", "jhmdb"]) == 2
    said = error_of(capsys)
    assert said.startswith("the data set jhmdb has no class 'juggle', which a folder in ")
    assert "choose another --dataset" in said


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (None, "cannot read"),
        ("file,split\nwave/a.mp4,val\n", "has no column 'path'"),
        ("path\nwave/a.mp4\n", "has no column 'split'"),
        ("path,split\nwave/c.mp4,val\n", "names no video of"),
        ("path,split\nwave/a.mp4,train\n", "for the split 'val'"),
        ("split,path\nval\n", "is no table with the columns"),
        (b"path,split\n\xff\xfe,val\n", "is no table with the columns"),
    ],
)
def test_a_list_that_cannot_be_used_says_why(table, message, videos, capsys):
    path = videos.parent / "videos.csv"
    if table is not None:
        path.write_bytes(table if isinstance(table, bytes) else table.encode())
    assert live_accuracy.main([str(videos), "--list", str(path), "--split", "val"]) == 2
    assert message in error_of(capsys)


def test_a_list_chooses_videos_and_a_split_need_not_be_named(videos):
    path = videos.parent / "videos.csv"
    path.write_text("path\nwave/a.mp4\n")
    assert [v.name for v in live_accuracy.wanted(videos, path, None, "jhmdb")] == ["wave/a"]
    path.write_text("path,split\nwave/a.mp4,val\njuggle/b.mp4,train\n")
    assert [v.name for v in live_accuracy.wanted(videos, path, "val", "jhmdb")] == ["wave/a"]


def test_a_folder_without_the_data_sets_is_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(engine_variants, "fused", lambda *_: pytest.fail("it was measured"))
    assert windows.main(["data", str(tmp_path / "out.npz"), str(tmp_path)]) == 2
    assert "cannot read" in error_of(capsys)
    assert engine_variants.main(["--data", str(tmp_path)]) == 2
    assert "cannot read" in error_of(capsys)
    assert frame_order.main(["--data", str(tmp_path / "absent.pkl")]) == 2
    assert "cannot read" in error_of(capsys)
    assert pace.main(["--data", str(tmp_path)]) == 2
    assert "cannot read" in error_of(capsys)
    assert list(tmp_path.iterdir()) == []


def test_videos_that_cannot_be_read_or_show_nobody_make_no_windows(tmp_path, monkeypatch, capsys):
    out = tmp_path / "out.npz"
    assert windows.main(["clips", str(out), str(tmp_path / "absent.mp4")]) == 2
    assert "absent.mp4" in error_of(capsys)
    monkeypatch.setattr(windows, "windows_of_video", lambda *_: [])
    assert windows.main(["clips", str(out), "empty.mp4"]) == 2
    assert "nobody was seen" in error_of(capsys)
    assert not out.exists()


def test_windows_are_cut_from_splits_of_the_shipped_recipe():
    from training.recipe import SHIPPED

    recipe = {part.file: part for part in SHIPPED}
    assert set(windows.DATA_SETS) <= recipe.keys()
    splits = {name: [windows.split_of(recipe[name], part) for part in ("train", "val")] for name in windows.DATA_SETS}
    assert splits["jhmdb_train"] == ["train", "val"]
    assert splits["nw_ucla"] == ["xview_train", "xview_val"]  # the recipe names both protocols
    assert splits["kard"] == ["xsub_train", "xsub_val"]


def test_a_scene_appears_whole_or_not_at_all(tmp_path, demo_clip, capsys):
    out, broken = tmp_path / "scene.mp4", tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    out.write_bytes(b"older")
    assert scenes.main([str(out), str(broken)]) == 2
    assert "broken.mp4" in error_of(capsys)
    assert out.read_bytes() == b"older"
    assert scenes.main([str(out), str(demo_clip), "--seconds", "0.2", "--size", "64x48"]) == 0
    assert out.read_bytes()[4:8] == b"ftyp"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.mp4", "scene.mp4"]
