"""The service behind a panel, with sessions that need no network."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest

pytest.importorskip("PyQt6", reason="the window needs PyQt6")

from standing import MakeResult

from app.window.clock import PausableClock
from app.window.main_window import MainWindow
from app.window.worker import MakeSession, Worker
from core.errors import UserError
from core.types import Result

PATIENCE_MS = 20_000


class Endless:
    """A session whose results are stamped by the clock it is run by.

    Attributes:
        times: time stamps of the results that have been taken.
    """

    name = "endless"

    def __init__(self, live: bool, make_result: MakeResult) -> None:
        self.live = live
        self.times: list[float] = []
        self.clock: Callable[[], float] = PausableClock()
        self._make_result = make_result
        self._stopping = threading.Event()

    def open(self, on_event: object, clock: PausableClock) -> Endless:
        """What a worker calls."""
        self.clock = clock
        return self

    def stop(self) -> None:
        self._stopping.set()

    def __enter__(self) -> Endless:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def __iter__(self) -> Iterator[Result]:
        while not self._stopping.wait(0.005):
            time_s = self.clock()
            yield self._make_result((64, 48), time_s=time_s)
            self.times.append(time_s)


def test_a_paused_camera_is_labelled_by_a_clock_that_goes_on(qtbot: Any, make_result: MakeResult) -> None:
    camera = Endless(True, make_result)
    worker = Worker(camera.open)  # type: ignore[arg-type]
    with qtbot.waitSignal(worker.ready, timeout=PATIENCE_MS):
        worker.start()
    worker.pause()
    qtbot.wait(50)  # what was under way arrives
    worker.take()
    before = len(camera.times)
    qtbot.waitUntil(lambda: len(camera.times) > before + 20, timeout=PATIENCE_MS)
    paused = camera.times[before:]
    assert all(early < late for early, late in pairwise(paused))
    assert worker.take() is None, "the picture is frozen"
    with qtbot.waitSignal(worker.ready, timeout=PATIENCE_MS):
        worker.resume()
    assert worker.take().result.frame.time_s >= paused[-1]
    worker.request_stop()
    assert worker.join(5)


def test_a_file_that_is_paused_while_it_opens_stays_at_its_beginning(qtbot: Any, make_result: MakeResult) -> None:
    file, let = Endless(False, make_result), threading.Event()

    def make(on_event: object, clock: PausableClock) -> Endless:
        let.wait()
        return file.open(on_event, clock)

    worker = Worker(make)  # type: ignore[arg-type]
    worker.start()
    worker.pause()
    with qtbot.waitSignal(worker.started, timeout=PATIENCE_MS):
        let.set()
    held_at = file.clock()
    qtbot.wait(50)
    assert file.clock() == held_at
    assert worker.take() is None
    with qtbot.waitSignal(worker.ready, timeout=PATIENCE_MS):
        worker.resume()
    assert file.clock() > held_at
    worker.request_stop()
    assert worker.join(5)


def test_another_source_can_be_opened_while_one_hangs(
    qtbot: Any, make_result: MakeResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", broken.append)
    monkeypatch.setattr("app.window.main_window.STOP_S", 0.05)
    let = threading.Event()

    def hang(on_event: object, clock: object) -> Any:
        let.wait()
        raise UserError("camera 0 does not answer")

    def make(spec: object) -> MakeSession:
        return hang if spec == 0 else Endless(True, make_result).open  # type: ignore[return-value]

    window = MainWindow(make, [0])
    qtbot.addWidget(window)
    window.show()
    hung = window.panels[0].worker._thread
    window.open([1])
    qtbot.waitUntil(lambda: window.panels[0].reading is not None, timeout=PATIENCE_MS)
    let.set()
    hung.join(5)
    qtbot.wait(50)
    assert broken == []
    assert not window.panels[0].banner.isVisible(), "what the source before had to say is of no interest any more"
    window.close()
