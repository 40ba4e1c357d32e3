from __future__ import annotations

import json

import pytest

from pipeline.stats import KEPT, PipelineStats


def fed(results: int = 100) -> PipelineStats:
    stats = PipelineStats(started=10.0)
    stats.frame(10.5)
    for i in range(results):
        now = 10.55 + i * 0.02
        stats.result(now, {"pose": float(i), "recognise": 2.0}, age_ms=50.0 + i, dropped=i // 10, people=i >= 5)
    return stats


def test_the_summary_has_the_keys_and_units_of_the_bench_file() -> None:
    summary = fed().summary()
    assert set(summary) == {"frames", "fps", "dropped", "start_s", "peak_rss_mb", "age_ms", "stages"}
    assert set(summary["age_ms"]) == {"p50", "p95"}
    assert set(summary["stages"]) == {"pose", "recognise"}
    assert set(summary["stages"]["pose"]) == {"p50_ms", "p95_ms"}
    assert json.loads(json.dumps(summary)) == summary


def test_the_figures_are_right() -> None:
    summary = fed().summary()
    assert summary["frames"] == 100
    assert summary["dropped"] == 9
    assert summary["fps"] == pytest.approx(100 / (0.05 + 99 * 0.02), abs=0.01)
    assert summary["start_s"] == pytest.approx(0.65)  # the sixth result is the first with a person
    assert summary["age_ms"] == {"p50": pytest.approx(99.5), "p95": pytest.approx(144.05)}
    assert summary["stages"]["pose"]["p95_ms"] == pytest.approx(94.05)
    assert summary["peak_rss_mb"] is None or 10 < summary["peak_rss_mb"] < 100_000


def test_before_the_first_result_there_are_no_figures() -> None:
    summary = PipelineStats(0.0).summary()
    assert (summary["frames"], summary["fps"], summary["start_s"]) == (0, 0.0, None)
    assert summary["age_ms"] == {"p50": None, "p95": None}
    assert summary["stages"] == {}


def test_the_memory_of_a_long_run_is_bounded_and_counts_stay_exact() -> None:
    stats = fed(3 * KEPT)
    assert stats.summary()["frames"] == 3 * KEPT
    assert stats.summary()["stages"]["pose"]["p50_ms"] == pytest.approx(2.5 * KEPT, rel=0.01)
