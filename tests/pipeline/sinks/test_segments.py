"""Who did what from when to when."""

from __future__ import annotations

import csv
import tracemalloc
from pathlib import Path

import pytest
from sink_fakes import result

from core.types import Result
from pipeline.sinks import SegmentSink, SinkError


def table(path: Path) -> list[tuple[float, float, int, str, float]]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        assert rows.fieldnames == ["start_s", "end_s", "track", "label", "mean_probability"]
        return [
            (float(r["start_s"]), float(r["end_s"]), int(r["track"]), r["label"], float(r["mean_probability"]))
            for r in rows
        ]


def write(path: Path, results: list[Result]) -> list[tuple[float, float, int, str, float]]:
    with SegmentSink(path) as sink:
        for item in results:
            sink.write(item)
        assert not path.exists()
    return table(path)


def test_a_label_lasts_until_the_next_one_and_to_the_last_sight(tmp_path: Path) -> None:
    labels = {10: ("walk", 0.6), 15: ("walk", 0.8), 20: ("wave", 0.9), 25: (None, 0.2), 30: ("walk", 0.5)}
    results = [
        result(i, i / 10, seen=(4,) if i <= 33 else (), decided={4: labels[i]} if i in labels else None)
        for i in range(40)
    ]
    assert write(tmp_path / "s.csv", results) == [
        (0.0, 2.0, 4, "walk", pytest.approx(0.7)),
        (2.0, 2.5, 4, "wave", pytest.approx(0.9)),
        (3.0, 3.3, 4, "walk", pytest.approx(0.5)),
    ]


def test_people_are_apart_and_rows_sorted_by_start(tmp_path: Path) -> None:
    results = [result(i, i / 10, seen=(2, 1)) for i in range(5)]
    results.append(result(5, 0.5, (1, 2), {2: ("sit", 0.5), 1: ('a, "b"', 0.7)}))
    results += [result(i, i / 10, (1,), {1: ("walk", 0.9)} if i == 8 else None) for i in range(6, 12)]
    assert write(tmp_path / "s.csv", results) == [
        (0.0, 0.5, 2, "sit", 0.5),
        (0.0, 0.8, 1, 'a, "b"', 0.7),
        (0.8, 1.1, 1, "walk", 0.9),
    ]


def test_the_first_decision_reaches_back_one_window_at_most(tmp_path: Path) -> None:
    results = [result(i, float(i), seen=(1,)) for i in range(10)] + [result(10, 10.0, (1,), {1: ("walk", 0.9)})]
    assert write(tmp_path / "s.csv", results) == [(pytest.approx(7.9), 10.0, 1, "walk", 0.9)]


def test_a_short_clip_decided_at_its_end_has_its_length(tmp_path: Path) -> None:
    results = [result(i, i / 10, seen=(1,)) for i in range(10)] + [result(9, 0.9, (), {1: ("jump", 0.9)})]
    assert write(tmp_path / "s.csv", results) == [(0.0, 0.9, 1, "jump", 0.9)]


def test_a_track_that_is_gone_ends_its_segment_where_it_was_seen(tmp_path: Path) -> None:
    results = [result(i, float(i), (1,) if i < 4 else (), {1: ("walk", 0.9)} if i == 1 else None) for i in range(100)]
    sink = SegmentSink(tmp_path / "s.csv")
    for item in results:
        sink.write(item)
    assert not sink._tracks  # hours of passers-by cost no memory
    sink.close()
    sink.close()
    assert table(tmp_path / "s.csv") == [(0.0, 3.0, 1, "walk", 0.9)]


def test_nothing_decided_is_a_table_without_rows(tmp_path: Path) -> None:
    assert write(tmp_path / "s.csv", [result(0, 0.0, (1,))]) == []


def test_a_bad_place_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="there is no folder"):
        SegmentSink(tmp_path / "absent" / "s.csv")


def test_a_run_of_weeks_does_not_fill_the_memory(tmp_path: Path) -> None:
    turns = 20_000
    with SegmentSink(tmp_path / "s.csv") as sink:
        tracemalloc.start()
        for i in range(turns):
            sink.write(result(i, float(i), decided={1: (("walk", "sit")[i % 2], 0.9)}))
        grown = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
    assert grown < 20 * turns  # bytes; a row has 33 characters
    rows = table(tmp_path / "s.csv")
    assert len(rows) == turns
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
