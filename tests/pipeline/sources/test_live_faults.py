"""What a camera or stream may do to a run: nothing that ends or confuses it."""

from __future__ import annotations

import itertools
import logging
import threading
import time

import numpy as np
import pytest
from source_fakes import PATIENCE_S, HandCamera, HandCapture, HandClock, picture, value_of, wait_for

from pipeline.sources import EventKind, LiveOptions, Policy, Severity, SourceError, SourceEvent, open_source
from pipeline.sources.options import LiveOptions as Options

QUICK = LiveOptions(open_timeout_s=10, stall_timeout_s=5, backoff_first_s=1, backoff_max_s=8)


def kinds(events: list[SourceEvent]) -> list[EventKind]:
    return [event.kind for event in events]


def test_newest_frame_wins_and_the_rest_is_counted() -> None:
    camera = HandCapture().give(picture(1))
    with open_source(0, capture=HandCamera(camera)) as source:
        assert value_of(next(source)) == 1
        camera.give(*(picture(value) for value in range(2, 8)))
        wait_for(camera.waiting.is_set)
        frame = next(source)
        assert (value_of(frame), frame.index) == (7, 6)
        assert (source.dropped, source.stats.delivered) == (5, 2)
        camera.give(picture(8))
        assert value_of(next(source)) == 8
        assert source.dropped == 5
        camera.give(picture(0))


def test_frames_before_the_first_is_asked_for_are_not_dropped_frames() -> None:
    camera = HandCapture().give(*(picture(value) for value in range(1, 6)))
    with open_source(0, capture=HandCamera(camera)) as source:
        wait_for(camera.waiting.is_set)
        assert value_of(next(source)) == 5
        assert source.dropped == 0
        camera.give(picture(0))


def test_all_frames_of_a_live_source_on_request() -> None:
    camera = HandCapture().give(*(picture(value) for value in range(50)))
    with open_source(0, policy=Policy.ALL, capture=HandCamera(camera)) as source:
        assert [value_of(frame) for frame in itertools.islice(source, 50)] == list(range(50))
        assert source.dropped == 0
        camera.give(picture(0))


def test_time_stamps_come_from_the_clock_and_give_the_age() -> None:
    clock = HandClock()
    camera = HandCapture().give(picture(1))
    with open_source(0, capture=HandCamera(camera), clock=clock) as source:
        assert next(source).time_s == 0
        wait_for(camera.waiting.is_set)
        clock.advance(0.25)
        camera.give(picture(2))
        frame = next(source)
        assert frame.time_s == pytest.approx(0.25)
        clock.advance(0.1)
        assert source.origin_s is not None
        assert clock() - (source.origin_s + frame.time_s) == pytest.approx(0.1)
        camera.give(picture(0))


def test_a_read_that_never_returns_is_left_behind() -> None:
    clock = HandClock(tick_s=0.5)
    hung, fresh = HandCapture().give(picture(1)), HandCapture().give(picture(2))
    events: list[SourceEvent] = []
    with open_source(0, capture=HandCamera(hung, fresh), clock=clock, options=QUICK, on_event=events.append) as source:
        first, second = next(source), next(source)
        assert (value_of(first), value_of(second)) == (1, 2)
        assert second.time_s > first.time_s
        assert kinds(events)[:2] == [EventKind.STALLED, EventKind.RECONNECTED]
        assert (source.stats.stalls, source.stats.reconnects) == (1, 1)
        hung.give(picture(99))  # the hung read returns after all: too late
        assert hung.released.wait(PATIENCE_S)
        fresh.give(picture(3))
        assert value_of(next(source)) == 3
        fresh.give(picture(0))


def test_a_driver_that_hangs_is_not_asked_over_and_over() -> None:
    back = threading.Event()
    before, after = HandCapture().give(picture(1)), HandCapture().give(picture(2))
    opened: list[int] = []

    def camera(target: int | str) -> HandCapture:
        opened.append(len(opened))
        if len(opened) == 1:
            return before
        if back.is_set():
            return after
        back.wait(PATIENCE_S)
        return HandCapture(opens=False)

    options = LiveOptions(open_timeout_s=0.02, stall_timeout_s=0.02, backoff_first_s=0.0)
    with open_source(0, capture=camera, options=options) as source:
        assert value_of(next(source)) == 1
        got: list[int] = []
        consumer = threading.Thread(target=lambda: got.append(value_of(next(source))))
        consumer.start()
        time.sleep(1.0)  # a retry every few hundredths of a second
        assert len(opened) <= 4
        assert sum(thread.name == "source:camera 0" for thread in threading.enumerate()) <= 5
        back.set()
        consumer.join(PATIENCE_S)
        assert got == [2]
        before.give(picture(0))
        after.give(picture(0))


def test_retries_run_out_also_while_the_driver_hangs() -> None:
    back = threading.Event()
    before = HandCapture().give(picture(1))

    def camera(target: int | str) -> HandCapture:
        return before if not before.waiting.is_set() else back.wait(PATIENCE_S) and HandCapture(opens=False)

    options = LiveOptions(0.02, 0.02, backoff_first_s=0.01, backoff_max_s=0.01, max_retries=8)
    with open_source(0, capture=camera, options=options) as source:
        assert value_of(next(source)) == 1
        with pytest.raises(SourceError, match="lost for good after 8 retries"):
            next(source)
    back.set()
    before.give(picture(0))


def test_a_camera_unplugged_and_back() -> None:
    clock = HandClock(tick_s=0.5, moved_by="source:")  # by the reader, never by whoever waits for a frame
    before = HandCapture().give(picture(1), picture(2)).fail(3)
    absent = HandCapture(opens=False)
    after = HandCapture().give(picture(3))
    camera = HandCamera(before, absent, absent, absent, absent, absent, after, clock=clock)
    events: list[SourceEvent] = []
    options = {"policy": Policy.ALL, "clock": clock, "options": QUICK, "on_event": events.append}
    with open_source(0, capture=camera, **options) as source:
        frames = [next(source) for _ in range(3)]
        assert [value_of(frame) for frame in frames] == [1, 2, 3]
        assert frames[0].time_s < frames[1].time_s < frames[2].time_s
        assert source.stats.reconnects == 1
        after.give(picture(0))
    assert before.released.is_set()
    assert kinds(events) == [EventKind.LOST] + [EventKind.RETRY_FAILED] * 5 + [EventKind.RECONNECTED]
    assert [event.severity for event in events] == [Severity.WARNING] * 6 + [Severity.INFO]
    # Waits of 2, 4, 8, 8, 8 seconds, and three looks at the clock: when a wait begins, when the connection is given its
    # time, and when the camera opens.
    waits = [later - earlier for earlier, later in itertools.pairwise(camera.opened_s[1:])]
    assert waits == pytest.approx([wanted + 3 * 0.5 for wanted in (2, 4, 8, 8, 8)])


def test_back_off_grows_to_its_limit_and_stays() -> None:
    options = Options(backoff_first_s=0.5, backoff_max_s=30)
    assert [options.backoff_s(attempt) for attempt in (1, 2, 3, 7, 8, 5000)] == [0.5, 1, 2, 30, 30, 30]


def test_giving_up_is_an_error_after_all_frames() -> None:
    camera = HandCamera(HandCapture().give(picture(1), picture(2)).fail(3), HandCapture(opens=False))
    options = LiveOptions(backoff_first_s=0.01, max_retries=3)
    events: list[SourceEvent] = []
    with open_source(0, capture=camera, policy=Policy.ALL, options=options, on_event=events.append) as source:
        wait_for(lambda: EventKind.GAVE_UP in kinds(events))
        assert [value_of(next(source)), value_of(next(source))] == [1, 2]
        with pytest.raises(SourceError, match="lost for good after 3 retries"):
            next(source)
        with pytest.raises(StopIteration):
            next(source)
    assert events[-1].severity is Severity.ERROR
    assert kinds(events).count(EventKind.RETRY_FAILED) == 3


def test_a_connection_that_keeps_breaking_keeps_coming_back() -> None:
    camera = HandCamera(*(HandCapture().give(picture(value)).fail(3) for value in range(10)), HandCapture())
    options = LiveOptions(backoff_first_s=0.01, max_retries=1)  # in a row: each return counts them anew
    with open_source(0, capture=camera, policy=Policy.ALL, options=options) as source:
        frames = list(itertools.islice(source, 10))
        assert [value_of(frame) for frame in frames] == list(range(10))
        assert source.stats.reconnects == 9
        camera.connections[-1].give(picture(0))  # type: ignore[union-attr]


def test_a_stream_stays_a_stream_whatever_it_claims_when_it_comes_back() -> None:
    class Recording(HandCapture):
        def get(self, propId: int) -> float:
            return 100.0

    last = Recording().give(picture(3))
    camera = HandCamera(HandCapture().give(picture(1)).fail(3), Recording().give(picture(2)).fail(3), last)
    options = LiveOptions(backoff_first_s=0.01)
    with open_source("rtsp://host/x", capture=camera, policy=Policy.ALL, options=options) as source:
        frames = [next(source) for _ in range(3)]
        assert [value_of(frame) for frame in frames] == [1, 2, 3]
        assert frames[0].time_s < frames[1].time_s < frames[2].time_s < 60
        last.give(picture(0))


def test_a_change_of_size_is_delivered_and_told() -> None:
    camera = HandCapture().give(picture(1, (64, 48)), picture(2, (32, 24)))
    events: list[SourceEvent] = []
    with open_source(0, capture=HandCamera(camera), policy=Policy.ALL, on_event=events.append) as source:
        assert next(source).image.shape == (48, 64, 3)
        assert next(source).image.shape == (24, 32, 3)
        assert source.size == (32, 24)
        camera.give(picture(0, (32, 24)))
    assert kinds(events) == [EventKind.SIZE_CHANGED]
    assert "now 32x24, they were 64x48" in events[0].message


def test_corrupt_pictures_are_skipped_and_counted() -> None:
    bad = [None, np.zeros((0, 64, 3), np.uint8), np.zeros((48, 64, 3), np.float32), np.zeros((48, 64, 7), np.uint8)]
    camera = HandCapture().give(picture(1), *bad).fail(2).give(picture(2))
    events: list[SourceEvent] = []
    with open_source(0, capture=HandCamera(camera), policy=Policy.ALL, on_event=events.append) as source:
        first, second = next(source), next(source)
        assert (value_of(first), value_of(second)) == (1, 2)
        assert (first.index, second.index) == (0, 7)
        assert source.stats.corrupt == 6
        camera.give(picture(0))
    assert kinds(events) == [EventKind.CORRUPT]


def test_nothing_but_corrupt_pictures_is_a_loss() -> None:
    bad = HandCapture().give(picture(1), *[None] * 100)
    good = HandCapture().give(picture(2))
    options = LiveOptions(backoff_first_s=0.01)
    with open_source(0, capture=HandCamera(bad, good), policy=Policy.ALL, options=options) as source:
        assert [value_of(next(source)), value_of(next(source))] == [1, 2]
        good.give(picture(0))


@pytest.mark.parametrize("jump_s", [-5000.0, -0.5])
def test_a_clock_set_back_never_turns_time_back(jump_s: float) -> None:
    clock = HandClock(now_s=10_000.0)
    camera = HandCapture().give(picture(1))
    with open_source(0, capture=HandCamera(camera), clock=clock, policy=Policy.ALL) as source:
        times_s = [next(source).time_s]
        for step_s in (0.1, jump_s, 0.1, 0.1):
            wait_for(camera.waiting.is_set)
            clock.advance(step_s)
            camera.give(picture(2))
            times_s.append(next(source).time_s)
        camera.give(picture(0))
    assert all(later > earlier for earlier, later in itertools.pairwise(times_s))
    assert times_s[-1] < 1.0


@pytest.mark.parametrize("policy", [Policy.NEWEST, Policy.ALL])
def test_close_ends_a_waiting_iteration(policy: Policy) -> None:
    camera = HandCapture().give(picture(1))
    source = open_source(0, capture=HandCamera(camera), policy=policy)
    got: list[int] = []
    consumer = threading.Thread(target=lambda: got.extend(value_of(frame) for frame in source))
    consumer.start()
    wait_for(lambda: bool(got) and camera.waiting.is_set())  # the read hangs, so does the consumer
    source.close()
    consumer.join(PATIENCE_S)
    assert not consumer.is_alive()
    assert got == [1]
    assert list(source) == []
    camera.give(picture(2))  # the read returns after all, and the device is let go
    assert camera.released.wait(PATIENCE_S)


def test_close_ends_a_reader_that_waits_for_the_consumer(write_video) -> None:
    source = open_source(write_video(frames=60))
    thread = next(t for t in threading.enumerate() if t.name == "source:clip.mp4")
    source.close()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()


def test_a_camera_that_hangs_while_opening() -> None:
    released = threading.Event()

    def hangs(target: int | str) -> HandCapture:
        released.wait(PATIENCE_S)
        return HandCapture().give(picture(1))

    with pytest.raises(SourceError, match="camera 3 does not answer"):
        open_source(3, capture=hangs, clock=HandClock(tick_s=1.0), options=QUICK)
    released.set()


def test_a_failure_of_the_capture_itself_reaches_the_consumer() -> None:
    class Bursts(HandCapture):
        def read(self) -> tuple[bool, object]:
            if self.waiting.is_set():
                raise ZeroDivisionError("inside the driver")
            self.waiting.set()
            return True, picture(1)

    with open_source(0, capture=HandCamera(Bursts()), policy=Policy.ALL) as source:
        assert value_of(next(source)) == 1
        with pytest.raises(ZeroDivisionError, match="inside the driver"):
            next(source)


def test_a_callback_may_close_the_source_or_fail(caplog) -> None:
    camera = HandCapture().give(picture(1), picture(2, (32, 24)), *[picture(3)] * 5)
    sources = []

    def on_event(event: SourceEvent) -> None:
        wait_for(lambda: bool(sources))
        sources[0].close()
        raise ValueError("the callback is broken")

    sources.append(open_source(0, capture=HandCamera(camera), policy=Policy.ALL, on_event=on_event))
    assert len(list(sources[0])) <= 1
    wait_for(lambda: "callback for source events failed" in caplog.text)


def test_credentials_are_nowhere(caplog) -> None:
    url = "rtsp://admin:hunter2@cam.local/live?token=s3cr3t"
    camera = HandCamera(HandCapture().give(picture(1)).fail(3), HandCapture(opens=False))
    events: list[SourceEvent] = []
    threads: list[str] = []
    with caplog.at_level(logging.DEBUG):
        options = LiveOptions(backoff_first_s=0.01, max_retries=1)
        with open_source(url, capture=camera, options=options, on_event=events.append) as source:
            threads += [thread.name for thread in threading.enumerate()]
            with pytest.raises(SourceError) as caught:
                list(source)
    seen = [caplog.text, repr(source), source.name, str(caught.value), *threads, *(event.message for event in events)]
    assert len(events) >= 3
    for secret in ("admin", "hunter2", "s3cr3t"):
        assert not any(secret in text for text in seen)


def test_a_paced_file_plays_by_the_clock_and_drops_what_is_late(write_video) -> None:
    clock = HandClock()
    with open_source(write_video(frames=40, fps=10), policy=Policy.PACED, clock=clock) as source:
        clock.advance(123.0)  # loading a model takes as long as it takes
        assert next(source).index == 0
        clock.advance(0.101)
        assert next(source).index == 1
        for number in range(2, 7):  # a consumer that is busy for half a second
            clock.advance(0.1)
            wait_for(lambda number=number: source.stats.dropped == number - 2)
        frame = next(source)
        assert (frame.index, source.dropped) == (6, 4)
        assert source.origin_s is not None
        assert clock() - (source.origin_s + frame.time_s) == pytest.approx(0.001, abs=1e-6)


def test_a_paced_file_ends_by_itself(write_video) -> None:
    with open_source(write_video(frames=12, fps=10), policy=Policy.PACED, clock=HandClock(tick_s=0.02)) as source:
        frames = list(source)
        assert frames[-1].index == 11
        assert len(frames) + source.dropped == 12


@pytest.mark.parametrize("jump_s", [-1e6, 1e6])
def test_a_paced_file_survives_a_clock_that_jumps(write_video, jump_s: float) -> None:
    clock = HandClock(now_s=1e7, tick_s=0.02)
    with open_source(write_video(frames=12, fps=10), policy=Policy.PACED, clock=clock) as source:
        next(source)
        clock.advance(jump_s)
        frames = list(source)
        assert frames[-1].index == 11
