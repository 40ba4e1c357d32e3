"""A checkout agrees with itself; whatever another one does differently is counted."""

from __future__ import annotations

import json

import pytest

from benchmarks import checkouts, scenes
from benchmarks.checkouts import compare, ratios


def decision(track=1, label="walk", left=0.0, frame=4, p=0.6):
    """A line of the events about somebody 50 pixels wide."""
    box = [left, 0.0, left + 50.0, 100.0]
    top = [["walk", p], ["run", 0.1]]
    return {"time_s": 0.5, "frame": frame, "track": track, "box": box, "label": label, "probability": p, "top": top}


def test_a_checkout_agrees_with_itself(tmp_path, root, demo_clip, monkeypatch, capsys):
    clip, out = tmp_path / "short.mp4", tmp_path / "out.json"
    assert scenes.main([str(clip), str(demo_clip), "--seconds", "1.5"]) == 0
    monkeypatch.setattr(checkouts, "CLIP", clip)
    assert checkouts.main([str(root), "--rounds", "1", "--json", str(out)]) == 0
    (row,) = json.loads(out.read_text())["videos"]
    assert row["here"] > 0
    assert {row[name] for name in ("there", "pairs", "same_label", "same_id", "same_line")} == {row["here"]}
    assert row["probability"] == 0
    assert json.loads(out.read_text())["ratios"].keys() >= {"wall", "pose", "recognise", "cpu pose"}
    assert "| short.mp4 |" in capsys.readouterr().out


def test_what_differs_is_counted():
    here = [decision(1), decision(2, left=200), decision(3, frame=9)]
    there = [decision(2, left=201, p=0.55), decision(7, label=None), decision(3, frame=10)]
    row = compare("clip", here, there)
    assert (row.here, row.there, row.pairs) == (3, 3, 2)
    assert (row.same_label, row.same_id, row.same_line) == (1, 1, 0)
    assert row.probability == pytest.approx(0.05)
    assert not row.equal


def test_people_in_one_place_are_paired_by_their_ids():
    here = [decision(1), decision(2, label="run")]
    assert compare("clip", here, here[::-1]).equal


def test_another_exit_code_is_a_difference():
    assert compare("clip", [], []).equal
    assert not compare("clip", [], [], same_exit=False).equal


def test_a_difference_ends_with_code_1(root, monkeypatch):
    monkeypatch.setattr(checkouts, "decisions", lambda *_: ([decision(next(ids))], 0))
    ids = iter((1, 2))
    assert checkouts.main([str(root), "--rounds", "0"]) == 1


def test_ratios_are_medians_of_what_both_measured():
    rounds = [
        ({"pose": 2.0, "new": 1.0}, {"pose": 1.0}),
        ({"pose": 3.0}, {"pose": 3.0}),
        ({"pose": 9.0}, {"pose": 1.0}),
    ]
    assert ratios(rounds) == {"pose": 2.0}


def test_bad_input_is_one_sentence(tmp_path, root, monkeypatch, capsys):
    (tmp_path / "empty").mkdir()
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    for arguments, message in (
        ([tmp_path], "is no checkout"),
        ([root, "--videos", tmp_path / "absent.mp4"], "there is no video or folder"),
        ([root, "--videos", tmp_path / "empty"], "there is no video in"),
        ([root, "--json", checkouts.CLIP], "would overwrite"),
    ):
        assert checkouts.main([str(one) for one in arguments]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert message in line
    monkeypatch.setattr(checkouts, "CLIP", broken)
    assert checkouts.main([str(root)]) == 2
    assert "ended with code 2" in capsys.readouterr().err
