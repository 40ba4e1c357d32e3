"""The event file is the one that other programs read: exact, and whole at any moment."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from sink_fakes import person, result

from core.errors import UserError
from core.types import Action, Frame, Result
from pipeline.sinks import DecisionRecords, EventSink, SinkError


def test_a_line_per_person_and_decision(tmp_path: Path) -> None:
    top = (("wave", 0.912345), ("clap", 0.05), ("walk", 0.01))
    wave = Action("wave", 0.912345, top, np.zeros(4, np.float32), 3.2)
    unknown = Action(None, 0.25, (("sit", 0.25),), np.zeros(4, np.float32), 3.2)
    frame = Frame(96, 3.2000001, np.zeros((48, 64, 3), np.uint8))
    people = (person(2, (10.04, 20.06, 30, 40)), person(1), person(7))
    with EventSink(tmp_path / "out.jsonl") as sink:
        sink.write(Result(frame, people, {2: wave, 1: unknown, 7: wave}, frozenset({2, 1})))
        sink.write(Result(frame, people, {2: wave, 1: unknown, 7: wave}, frozenset()))
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [
        {
            "time_s": 3.2, "frame": 96, "track": 1, "box": [1.0, 2.0, 30.0, 40.0], "label": None,
            "probability": 0.25, "top": [["sit", 0.25]],
        },
        {
            "time_s": 3.2, "frame": 96, "track": 2, "box": [10.0, 20.1, 30.0, 40.0], "label": "wave",
            "probability": 0.9123, "top": [["wave", 0.9123], ["clap", 0.05], ["walk", 0.01]],
        },
    ]  # fmt: skip
    assert lines[1].startswith('{"time_s": 3.2, "frame": 96, "track": 2, "box": [10.0, 20.1, 30.0, 40.0], "label":')


def test_lines_are_complete_while_the_run_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    sink = EventSink(path)
    for index in range(20):
        sink.write(result(index, index / 10, seen=(1, 2), decided={1: ("walk", 0.8), 2: (None, 0.3)}))
        text = path.read_text(encoding="utf-8")
        assert text.endswith("\n")
        assert len([json.loads(line) for line in text.splitlines()]) == 2 * (index + 1)
    sink.close()
    sink.close()


def test_a_track_that_has_ended_keeps_its_last_box_at_the_time_of_its_last_decision() -> None:
    records = DecisionRecords()
    records.of(result(0, 0.0, seen=(1,)))
    (record,) = records.of(result(9, 0.9, decided={1: ("walk", 0.8)}))
    assert (record["track"], record["box"]) == (1, [1.0, 2.0, 30.0, 40.0])
    assert (record["time_s"], record["frame"]) == (0.9, 9)
    (record,) = records.of(result(9, 0.9, decided={5: ("walk", 0.8)}))
    assert record["box"] is None


def test_a_day_of_people_is_not_remembered_for_ever() -> None:
    records = DecisionRecords()
    for track in range(5000):
        records.of(result(track, track / 10, seen=(1, track)))
    assert len(records._boxes) < 2000
    (record,) = records.of(result(0, 0.0, decided={1: ("walk", 0.8)}))
    assert record["box"] is not None


def test_numbers_that_json_does_not_have_and_any_letters(tmp_path: Path) -> None:
    sick = Action("süß\n", float("nan"), (("süß\n", float("inf")),), np.zeros(4, np.float32), 0.0)
    with EventSink(tmp_path / "out.jsonl") as sink:
        frame = Frame(0, 0.0, np.zeros((4, 4, 3), np.uint8))
        sink.write(Result(frame, (person(1, (float("nan"), 0, 1, 1)),), {1: sick}, frozenset({1})))
    (line,) = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line) == {
        "time_s": 0.0, "frame": 0, "track": 1, "box": [None, 0.0, 1.0, 1.0], "label": "süß\n",
        "probability": None, "top": [["süß\n", None]],
    }  # fmt: skip


def test_a_place_that_cannot_be_written_is_told_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "absent" / "out.jsonl", tmp_path / "file" / "out.jsonl"):
        with pytest.raises(SinkError) as caught:
            EventSink(path)
        assert str(path) in str(caught.value)
    assert issubclass(SinkError, UserError)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_one_sentence() -> None:
    sink = EventSink("/dev/full")
    sink.write(result(0, 0.0, seen=(1,)))  # nothing decided, nothing to write
    with pytest.raises(SinkError, match="cannot be written any more: No space left"):
        sink.write(result(1, 0.1, seen=(1,), decided={1: ("walk", 0.8)}))
    sink.close()


def test_half_a_line_is_taken_back(tmp_path: Path) -> None:
    """A limit on the size of files stands in for the full disk."""
    import subprocess
    import sys

    path = tmp_path / "out.jsonl"
    program = """
import resource, sys
sys.path[:0] = sys.argv[2:]
from sink_fakes import result
from pipeline.sinks import EventSink, SinkError
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
sink = EventSink(sys.argv[1])
try:
    for index in range(1000):
        sink.write(result(index, 0.0, (1,), {1: ("walk", 0.8)}))
except SinkError as error:
    sys.stdout.write(str(error))
"""
    folders = [str(Path(__file__).parent), str(Path(__file__).parents[3])]
    command = [sys.executable, "-c", program, str(path), *folders]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
    assert "cannot be written any more" in done.stdout
    text = path.read_text(encoding="utf-8")
    assert 0 < len(text) < 1000
    assert text.endswith("\n")
    assert [json.loads(line)["frame"] for line in text.splitlines()] == list(range(len(text.splitlines())))


def test_a_second_writer_is_refused_and_takes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    first = EventSink(path)
    first._append(b"{}\n")
    with pytest.raises(SinkError, match="is being written by another run"):
        EventSink(path)
    assert path.read_bytes() == b"{}\n"
    first.close()
    EventSink(path).close()
    assert path.read_bytes() == b""  # written anew
