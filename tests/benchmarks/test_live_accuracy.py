"""Which words count as right of a video, whose decisions count, and what is done with a list of words."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("torch")  # the names of classes are training's

from benchmarks import live_accuracy
from benchmarks.live_accuracy import judged, spoken
from benchmarks.pipeline import Run
from training.data.vocabulary import LABELS, MERGE

CLIPS = Path(live_accuracy.__file__).with_name("clips.csv")


def run_of(*decisions):
    """A run of (frame, track, label, probabilities of words)."""
    run = Run()
    for frame, track, label, top in decisions:
        run.labels.setdefault(frame, {})[track] = label
        run.top.setdefault(frame, {})[track] = tuple(top.items())
    return run


TWO_PEOPLE = run_of(
    (10, 1, "walk", {"walk": 0.7, "run": 0.2}),
    (10, 2, "wave", {"wave": 0.9, "run": 0.1}),
    (20, 1, None, {"walk": 0.4, "run": 0.5}),
)
"""One with two decisions, one with a single one."""


def test_the_person_with_the_most_decisions_counts_or_everybody():
    sums, shown = spoken(TWO_PEOPLE)
    assert sums == pytest.approx({"walk": 1.1, "run": 0.7})
    assert shown == ["walk", None]
    sums, shown = spoken(TWO_PEOPLE, everybody=True)
    assert sums == pytest.approx({"walk": 1.1, "run": 0.8, "wave": 0.9})
    assert sorted(map(str, shown)) == ["None", "walk", "wave"]
    assert spoken(Run(), everybody=True) == ({}, [])


def test_any_of_several_words_is_right_and_no_other():
    every = {word: (word,) for word in LABELS}
    row = judged("a", ("box", "punch"), every, {"punch": 1.0, "wave": 0.9}, ["punch", "box", "wave", None])
    assert (row.said, row.right, row.decisions, row.labels, row.right_labels) == ("punch", True, 4, 3, 2)
    row = judged("a", ("box", "punch"), every, {"punch": 1.0, "wave": 1.1}, ["wave"])
    assert (row.said, row.right, row.right_labels) == ("wave", False, 0)
    row = judged("a", ("box",), every, {}, [])
    assert (row.said, row.right, row.decisions) == (None, False, 0)


def test_a_class_adds_up_the_words_it_is_merged_into():
    sums = {"pick up with one hand": 0.4, "pick up with two hands": 0.4, "walk": 0.6}
    row = judged("a", ("pick",), MERGE["jhmdb"], sums, ["pick up with two hands", "walk"])
    assert (row.true, row.said, row.right, row.right_labels) == ("pick", "pick", True, 1)
    assert not judged("a", ("walk",), MERGE["jhmdb"], sums, []).right


@pytest.fixture
def clips(tmp_path):
    """Three videos in one folder."""
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in "abc":
        (folder / f"{name}.mp4").touch()
    return folder


@pytest.fixture
def two_people(monkeypatch):
    """The pipeline sees the same two people in every video."""
    model = SimpleNamespace(labels=("idle", "walk", "run", "wave"), close=lambda: None)
    monkeypatch.setattr(live_accuracy.ActionModel, "load", lambda *_: model)
    monkeypatch.setattr(live_accuracy, "pipeline", lambda *_: TWO_PEOPLE)


def measure(folder, table, *more):
    path = folder.parent / "list.csv"
    path.write_text(table)
    return live_accuracy.main([str(folder), "--list", str(path), *more])


def test_videos_of_a_list_of_words_are_judged_by_them(clips, two_people, tmp_path, capsys):
    out = tmp_path / "out.json"
    table = 'path,words,shows\na.mp4,run; walk,"a, b"\nc.mp4,,nothing\nb.mp4,idle,'
    assert measure(clips, table, "--json", str(out)) == 0
    report = json.loads(out.read_text())
    assert (report["videos"], report["top1"]) == (2, 0.5)
    assert report["labels_shown"] == pytest.approx(2 / 3), "everybody counts"
    assert report["right_of_shown"] == pytest.approx(1 / 4)
    assert [(row["video"], row["true"], row["said"]) for row in report["rows"]] == [
        ("a.mp4", "run;walk", "walk"),
        ("b.mp4", "idle", "walk"),
    ]
    said = capsys.readouterr().out
    assert "left out, as no word of the model is right for it: c.mp4" in said
    assert "x idle" in said
    assert "  run;walk" in said


def test_a_split_chooses_among_a_list_of_words_too(clips, two_people, tmp_path):
    out = tmp_path / "out.json"
    table = "path,words,split\na.mp4,run,train\nb.mp4,wave,val\n"
    assert measure(clips, table, "--split", "val", "--json", str(out)) == 0
    assert [row["video"] for row in json.loads(out.read_text())["rows"]] == ["b.mp4"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("path,words\na.mp4,juggle;walk\n", "the model has no word 'juggle', which "),
        ("path,words\nd.mp4,walk\n", "d.mp4 is not there, which "),
        ("path,words\na.mp4,\n", "has words for no video"),
        ("path,words\na.mp4\n", "is no table with the columns"),
        ("words\nwalk\n", "has no column 'path'"),
    ],
)
def test_a_list_of_words_that_cannot_be_used_says_why(table, message, clips, two_people, monkeypatch, capsys):
    monkeypatch.setattr(live_accuracy, "pipeline", lambda *_: pytest.fail("it was measured"))
    assert measure(clips, table) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert message in lines[0]


def test_figures_do_not_take_the_place_of_a_listed_video(clips, two_people, capsys):
    assert measure(clips, "path,words\na.mp4,walk\n", "--json", str(clips / "a.mp4")) == 2
    assert "would overwrite" in capsys.readouterr().err


def test_the_words_of_the_list_of_clips_are_the_model_s():
    for path, words in live_accuracy.listed(CLIPS, None):
        assert words, path
        assert set(words) <= set(LABELS), path
