"""Folds keep the clips of a video together, and a part is compared with them."""

import json
import pickle
from dataclasses import replace

import pytest

pytest.importorskip("torch")

from benchmarks import folds
from benchmarks.folds import split_by_video
from core.errors import UserError
from tests.training.toy import moving, write_clips

NAMES = ("circle", "slide")


def clips(videos=12):
    """One to three clips of every video; all of the first class's videos are named as those of the second."""
    return [
        replace(moving(label, 10 * v + i), name=f"{NAMES[label]}/tape{v}_{NAMES[label]}_f_nm_{i}")
        for label in (0, 1) for v in range(videos) for i in range(1 + v % 3)
    ]  # fmt: skip


def test_a_video_is_in_one_fold_and_every_clip_in_one():
    parts = split_by_video(clips(), NAMES, 4)
    names = [clip.name for part in parts for clip in part]
    assert sorted(names) == sorted(clip.name for clip in clips())
    tapes = [{clip.name.rsplit("_f_nm_")[0] for clip in part} for part in parts]
    assert sum(map(len, tapes)) == len(set.union(*tapes)) == 24
    for label in (0, 1):
        counts = [sum(clip.label == label for clip in part) for part in parts]
        assert max(counts) - min(counts) <= 1


def test_names_without_the_class_are_videos_of_their_own():
    own = [moving(i % 2, i) for i in range(8)]
    assert sorted(map(len, split_by_video(own, NAMES, 4))) == [2, 2, 2, 2]
    with pytest.raises(UserError, match="8 videos cannot be split into 9"):
        split_by_video(own, NAMES, 9)
    with pytest.raises(UserError, match="into 1"):
        split_by_video(own, NAMES, 1)


def test_the_part_and_the_folds_are_measured(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(folds, "WINDOWS", 256)
    data, out = write_clips(tmp_path / "own.pkl"), tmp_path / "folds.json"
    content = pickle.loads(data.read_bytes())
    content["split"]["mean"] = content["split"].pop("val")  # a name that is one of the figures' too
    data.write_bytes(pickle.dumps(content))
    options = ["--validate", "mean", "--folds", "2", "--epochs", "3"]
    assert folds.main(["--data", str(data), *options, "--json", str(out)]) == 0
    said = capsys.readouterr().out
    assert said.count("8 clips learnt, 8 measured") == 2
    report = json.loads(out.read_text())
    assert report["part"]["name"] == "mean"
    assert f"mean         12 clips learnt, 4 measured: top-1 {report['part']['top1']:.1%}" in said
    assert report["mean"] == pytest.approx(sum(report["folds"]) / 2)
    assert report["std"] == pytest.approx(abs(report["folds"][0] - report["folds"][1]) / 2)
    assert report["mean"] > 0.6, "better than guessing, after a dozen steps"


def test_a_part_that_is_not_there_is_named(tmp_path, capsys):
    data = write_clips(tmp_path / "own.pkl")
    assert folds.main(["--data", str(data), "--validate", "test"]) == 2
    assert "no split 'test'" in capsys.readouterr().err
