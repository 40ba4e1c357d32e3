"""Time stamps go forwards whatever they are made of."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.timeline import Timeline


def stamps(raw: list[float], interval_s: float = 0.04) -> list[float]:
    timeline = Timeline(interval_s)
    return [timeline.stamp(value) for value in raw]


def test_good_stamps_start_at_zero_and_keep_their_distances() -> None:
    assert stamps([100.0, 100.04, 100.5, 101.5]) == pytest.approx([0, 0.04, 0.5, 1.5])


def test_a_stamp_out_of_order_is_moved_just_after_the_one_before() -> None:
    assert stamps([0, 0.04, 0.03, 0.08]) == pytest.approx([0, 0.04, 0.041, 0.08])


def test_a_clock_set_back_goes_on_one_interval_later() -> None:
    timeline = Timeline(0.04)
    got = [timeline.stamp(value) for value in (5000.0, 5000.1, 20.0, 20.1)]
    assert got == pytest.approx([0, 0.1, 0.14, 0.24])
    assert timeline.jumps == 1


def test_an_absurd_jump_forwards_is_not_believed() -> None:
    assert stamps([0, 0.1, 1e9, 1e9 + 0.1]) == pytest.approx([0, 0.1, 0.14, 0.24])


def test_a_clock_that_can_be_trusted_is_believed_whatever_it_says() -> None:
    timeline = Timeline(0.04)
    assert [timeline.stamp(raw, math.inf) for raw in (0.0, 90_000.0, math.inf)] == pytest.approx([0, 9e4, 9e4 + 0.04])


def test_a_pause_of_minutes_is_believed() -> None:
    assert stamps([0, 0.1, 600.1]) == pytest.approx([0, 0.1, 600.1])


def test_stamps_that_never_move_are_replaced_by_the_nominal_rate() -> None:
    assert stamps([3.0] * 4) == pytest.approx([0, 0.04, 0.08, 0.12])


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=30))
def test_whatever_comes_the_line_is_finite_and_rises(raw: list[float]) -> None:
    got = stamps(raw)
    assert got[0] == 0
    assert all(math.isfinite(value) for value in got)
    assert all(later > earlier for earlier, later in itertools.pairwise(got))


def test_a_clock_that_restarts_each_second_goes_on() -> None:
    """Each restart costs one interval, as between any two pictures, so that the length stays right."""
    timeline = Timeline(0.1)
    times = [timeline.stamp((i % 10) / 10) for i in range(48)]
    assert times == pytest.approx([i / 10 for i in range(48)], abs=1e-6)
    assert timeline.jumps == 4
