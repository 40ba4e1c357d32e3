"""One failing output never stops the others."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from sink_fakes import MemorySink, result

from core.types import Result
from pipeline.sinks import EventSink, SegmentSink, Sink, SinkFailure, SinkGroup, VideoSink
from pipeline.sources import open_source


def test_one_fails_and_the_others_are_complete(tmp_path: Path, caplog) -> None:
    def draw(item: Result) -> np.ndarray:
        if item.frame.index == 3:
            raise ZeroDivisionError("in the drawing")
        return item.frame.image

    group = SinkGroup(
        [
            VideoSink(tmp_path / "bad.mp4", draw, fps=10),
            EventSink(tmp_path / "out.jsonl"),
            MemorySink("flaky", fail_at=7),
            VideoSink(tmp_path / "good.mp4", lambda item: item.frame.image, fps=10),
            SegmentSink(tmp_path / "out.csv"),
            MemorySink("late", fail_at_close=True),
        ]
    )
    with caplog.at_level(logging.ERROR), group:
        for index in range(30):
            group.write(result(index, index / 10, (1,), {1: ("walk", 0.9)}))
    assert {path.name for path in tmp_path.iterdir()} == {"out.jsonl", "good.mp4", "out.csv"}
    assert len((tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()) == 30
    assert (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()[1:] == ["0.000,2.900,1,walk,0.9000"]
    with open_source(tmp_path / "good.mp4") as source:
        assert len(list(source)) == 30
    assert sorted(failure.name for failure in group.failures) == ["flaky", "late", "video bad.mp4"]
    assert SinkFailure("flaky", "[Errno 28] No space left on device") in group.failures
    assert len([record for record in caplog.records if "has failed" in record.message]) == 3


def test_a_failed_output_is_closed_and_left_alone() -> None:
    bad, good = MemorySink("bad", fail_at=2), MemorySink("good")
    group = SinkGroup([bad, good])
    for index in range(6):
        group.write(result(index))
    group.close()
    group.close()
    assert (bad.indices, bad.closed) == ([0, 1], 1)
    assert (good.indices, good.closed) == ([0, 1, 2, 3, 4, 5], 1)


def test_all_outputs_are_sinks(tmp_path: Path) -> None:
    sinks = [EventSink(tmp_path / "out.jsonl"), SegmentSink(tmp_path / "out.csv"), MemorySink()]
    with SinkGroup(sinks) as group:
        for sink in (*sinks, group):
            assert isinstance(sink, Sink)
