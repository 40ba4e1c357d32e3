"""What a live source's time stamps mean to a pipeline: seconds since the source started, outages included."""

from __future__ import annotations

import pytest
from source_fakes import HandCamera, HandCapture, HandClock, picture, wait_for
from stick_figures import pose_of, waver

from core.types import Frame, Pose
from pipeline import Pipeline
from pipeline.sources import LiveOptions, SourceEvent, open_source


class Standing:
    """One person who stays where they are."""

    def estimate(self, frame: Frame) -> tuple[Pose, ...]:
        return (pose_of(waver(0.0, 300)),)

    def close(self) -> None:
        pass


@pytest.mark.parametrize("outage_s", [1800.0, 7200.0])
def test_who_is_there_after_an_outage_is_somebody_else(outage_s: float) -> None:
    clock = HandClock()
    before, after = HandCapture().give(picture(1)), HandCapture()
    options = LiveOptions(backoff_first_s=0.0)
    source = open_source(0, clock=clock, capture=HandCamera(before, after), options=options)
    with Pipeline(source, pose=Standing(), recognise=False, clock=clock) as pipeline:
        first = next(pipeline)
        wait_for(before.waiting.is_set)
        clock.advance(outage_s)
        after.give(picture(2))
        before.fail(3)
        wait_for(after.waiting.is_set)
        for _ in range(10):  # a newcomer is confirmed after a moment
            clock.advance(0.1)
            after.give(picture(3))
            last = next(pipeline)
    before.give(picture(0))  # lets the readers go
    after.give(picture(0))
    assert last.frame.time_s - first.frame.time_s == pytest.approx(outage_s + 1.0, abs=0.2)
    assert [person.track for person in first.people] == [1]
    assert [person.track for person in last.people] == [2]


def test_a_result_has_the_time_of_the_sources_own_events() -> None:
    clock = HandClock()
    camera = HandCapture().give(picture(1))
    events: list[SourceEvent] = []
    source = open_source(0, clock=clock, capture=HandCamera(camera), on_event=events.append)
    wait_for(camera.waiting.is_set)
    camera.waiting.clear()
    clock.advance(3.0)  # while the models are loaded
    camera.give(picture(2))
    wait_for(camera.waiting.is_set)
    with Pipeline(source, pose=Standing(), recognise=False, clock=clock) as pipeline:
        first = next(pipeline)
        clock.advance(1.0)
        camera.give(picture(3, (32, 24)))
        second = next(pipeline)
    camera.give(picture(0, (32, 24)))  # lets the reader go
    assert [first.frame.time_s, second.frame.time_s] == pytest.approx([3.0, 4.0])
    assert [event.time_s for event in events] == pytest.approx([second.frame.time_s])
