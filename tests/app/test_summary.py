"""What the end of a run says."""

from __future__ import annotations

import io

from rich.console import Console
from standing import MakeResult, action, person

from app.meter import Meter
from app.summary import KEPT, Summary


def test_labels_are_counted_by_decision_and_unknown_comes_last(make_result: MakeResult) -> None:
    summary = Summary()
    box = (10.0, 10.0, 60.0, 200.0)
    for k, label in enumerate(("walk", None, None, None, "run", "walk")):
        people = (person(1, box), person(2, box)) if k < 3 else (person(1, box),)
        actions = {1: action(label), 2: action("sit")}
        summary.add(make_result(people=people, actions=actions, decided=frozenset({1}), index=k, time_s=0.5 * k))
    assert summary.tracks[1].words() == "walk 33%, run 17%, unknown 50%"
    assert summary.tracks[2].words() == "seen too briefly", "its action was never decided on these frames"
    assert (summary.tracks[2].first_s, summary.tracks[2].last_s) == (0.0, 1.0)
    assert summary.headline("clip.mp4", 2.0) == "clip.mp4: 6 frames (2.5 s) in 2.0 s, 3.0 frames a second, 2 people"


def test_somebody_decided_about_after_leaving_is_counted(make_result: MakeResult) -> None:
    summary = Summary()
    summary.add(make_result(actions={4: action("wave")}, decided=frozenset({4}), time_s=1.0))
    assert summary.tracks[4].words() == "wave 100%"


def test_a_run_without_end_lists_the_last_people_and_takes_the_others_together(make_result: MakeResult) -> None:
    summary = Summary()
    resident, box = 0, (0.0, 0.0, 9.0, 9.0)  # somebody who never leaves
    for k in range(1, KEPT + 301):
        label = "walk" if k <= 100 else "run"
        people, decided = (person(resident, box), person(k, box)), frozenset({k})
        summary.add(make_result(people=people, actions={k: action(label)}, decided=decided, index=k, time_s=float(k)))
    assert f"{KEPT + 301} people" in summary.headline("camera 0", 1.0)
    text = io.StringIO()
    Console(file=text, width=100).print(summary.table())
    lines = [line.split() for line in text.getvalue().splitlines()[1:]]
    assert " ".join(lines[0]) == "301 earlier 1.0 to 301.0 s run 67%, walk 33%"
    assert [int(line[0]) for line in lines[1:]] == [resident, *range(302, KEPT + 301)]
    assert len(summary.tracks) == KEPT


def test_drops_are_told(make_result: MakeResult) -> None:
    summary = Summary()
    summary.add(make_result(dropped=7))
    assert "7 frames dropped" in summary.headline("camera 0", 1.0)
    assert "no people" in summary.headline("camera 0", 1.0)


def test_the_table_is_plain_text_even_for_odd_labels(make_result: MakeResult) -> None:
    summary = Summary()
    odd = action("[bold]push/pull[/]")
    summary.add(make_result(people=(person(1, (0, 0, 9, 9)),), actions={1: odd}, decided=frozenset({1})))
    text = io.StringIO()
    Console(file=text, width=100).print(summary.table())
    assert "[bold]push/pull[/] 100%" in text.getvalue()


def test_the_meter_reads_rate_age_and_drops(make_result: MakeResult) -> None:
    now = 0.0
    meter = Meter(over_s=2.0, clock=lambda: now)
    reading = meter.update(make_result(age_ms=500.0))
    assert reading.fps == 0.0
    for k in range(100):
        now += 0.04
        reading = meter.update(make_result(age_ms=30.0 + k % 2, dropped=3, time_s=now))
    assert abs(reading.fps - 25) < 0.01
    assert reading.age_ms == 31.0, "the slow first frame is long gone"
    assert (reading.dropped, reading.people) == (3, 0)
    now += 5.0
    assert 0 < meter.update(make_result()).fps < 1, "a source of one frame in five seconds has a rate, too"
