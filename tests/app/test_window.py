"""The window with a real clip, on Qt's offscreen platform."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("PyQt6", reason="the window needs PyQt6")

from PyQt6.QtCore import QTimer
from PyQt6.QtGui import QImage
from PyQt6.QtWidgets import QApplication

from app.options import Outputs, RunOptions
from app.window.launch import run_window, session_maker
from app.window.main_window import MainWindow
from core.errors import UserError
from pipeline.recognition.model import ActionModel

PATIENCE_MS = 120_000


def opened(qtbot: Any, options: RunOptions) -> MainWindow:
    """A window on the options' sources; closed with the test."""
    window = MainWindow(session_maker(options), options.sources)
    qtbot.addWidget(window)
    window.show()
    return window


def pixels(image: QImage) -> np.ndarray:
    """(height, width, 3) BGR of an image."""
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    data = np.frombuffer(image.constBits().asstring(image.sizeInBytes()), np.uint8)
    return data.reshape(image.height(), image.bytesPerLine())[:, : 3 * image.width()].reshape(
        image.height(), image.width(), 3
    )[..., ::-1]


def session_threads() -> list[str]:
    """Threads of sessions and pipelines that are alive."""
    kinds = ("window-session", "pose:", "recognise:", "source:", "sink:", "stop")
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(kinds)]


def test_people_are_shown_with_their_labels_and_closing_ends_everything(qtbot: Any, demo_clip: Path) -> None:
    window = opened(qtbot, RunOptions((demo_clip,)))
    panel = window.panels[0]
    qtbot.waitUntil(lambda: any(card.action is not None for card in panel.people.cards.values()), timeout=PATIENCE_MS)
    assert "demo.mp4" in window.windowTitle()
    assert "fps" in window.status_text
    assert "dropped" in window.status_text

    shown = panel.view.image
    width, height = panel.view.picture_size()
    assert shown.width() == width or shown.height() == height, "drawn for the size at which it is seen"
    picture = pixels(panel.view.grab().toImage()).astype(int)
    saturation = picture.max(axis=2) - picture.min(axis=2)
    assert (saturation > 130).mean() > 0.001, "skeletons in bright colours, which the scene has not"
    assert pixels(window.grab().toImage()).std() > 20

    window.close()
    assert window.all_ended_in_time
    assert session_threads() == []


def test_pausing_a_file_holds_it_where_it_is(qtbot: Any, demo_clip: Path) -> None:
    window = opened(qtbot, RunOptions((demo_clip,)))
    panel = window.panels[0]
    qtbot.waitUntil(lambda: panel.reading is not None, timeout=PATIENCE_MS)
    window.pause_action.trigger()
    assert window.pause_action.text() == "Go on"
    qtbot.wait(300)  # what was under way arrives
    stopped_at = panel.reading.time_s
    qtbot.wait(700)
    assert panel.reading.time_s == stopped_at
    assert "paused" in window.status_text
    window.pause_action.trigger()
    qtbot.waitUntil(lambda: panel.reading.time_s > stopped_at, timeout=PATIENCE_MS)
    assert panel.reading.time_s < stopped_at + 5, "it went on where it was instead of jumping ahead"
    window.close()
    assert session_threads() == []


def test_a_paused_window_closes(qtbot: Any, demo_clip: Path, tmp_path: Path) -> None:
    window = opened(qtbot, RunOptions((demo_clip,), outputs=Outputs(events=tmp_path / "out.jsonl")))
    qtbot.waitUntil(lambda: window.panels[0].reading is not None, timeout=PATIENCE_MS)
    window.toggle_pause()
    qtbot.wait(200)
    window.close()
    assert window.all_ended_in_time
    assert session_threads() == []


def test_outputs_are_written_while_it_is_shown_and_the_end_offers_a_replay(
    qtbot: Any, demo_clip: Path, tmp_path: Path
) -> None:
    events, video, stats = tmp_path / "out.jsonl", tmp_path / "out.mp4", tmp_path / "out.json"
    window = opened(qtbot, RunOptions((demo_clip,), outputs=Outputs(events=events, save=video, stats=stats)))
    qtbot.waitUntil(lambda: window.panels[0].finished, timeout=PATIENCE_MS)
    assert "ended" in window.status_text
    assert window.pause_action.text() == "Play again"
    assert video.stat().st_size > 10_000
    written = events.read_text()
    assert written.count("\n") > 30
    figures = json.loads(stats.read_text())
    assert (figures["frames"], figures["dropped"]) == (117, 0), "every frame counts when something is written"
    assert "lag" not in figures["stages"], "and none waits for the time at which it would be played"
    window.pause_action.trigger()
    qtbot.waitUntil(lambda: window.panels[0].reading is not None, timeout=PATIENCE_MS)
    window.close()
    assert events.read_text() == written, "a replay is for looking at"


def test_a_source_that_fails_is_told_in_its_panel_and_the_others_go_on(
    qtbot: Any, demo_clip: Path, tmp_path: Path
) -> None:
    window = opened(qtbot, RunOptions((tmp_path / "absent.mp4", demo_clip)))
    broken, working = window.panels
    qtbot.waitUntil(lambda: broken.finished and working.reading is not None, timeout=PATIENCE_MS)
    assert broken.banner.isVisible()
    assert "absent.mp4" in broken.banner.text()
    assert not working.banner.isVisible()
    window.open([demo_clip])
    assert len(window.panels) == 1
    window.close()
    assert session_threads() == []


def test_only_sources_that_cannot_be_opened_end_the_program(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    with pytest.raises(UserError, match=r"absent\.mp4"):
        run_window(RunOptions((tmp_path / "absent.mp4",)))
    assert session_threads() == []


def test_the_program_ends_with_its_window(qapp: QApplication, demo_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    seen: list[str] = []

    def close_when_it_runs() -> None:
        for widget in QApplication.topLevelWidgets():
            if isinstance(widget, MainWindow) and widget.status_text:
                seen.append(widget.status_text)
                widget.close()

    timer = QTimer()
    timer.timeout.connect(close_when_it_runs)
    timer.start(100)
    assert run_window(RunOptions((demo_clip,))) == 0
    timer.stop()
    assert "fps" in seen[0]
    assert session_threads() == []


def test_several_sources_share_one_action_model(
    qapp: QApplication, demo_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    loaded: list[ActionModel] = []
    load = ActionModel.load

    def counted(*words: object) -> ActionModel:
        loaded.append(load(*words))
        return loaded[-1]

    monkeypatch.setattr(ActionModel, "load", counted)
    labelled: list[bool] = []

    def close_when_all_are_labelled() -> None:
        for widget in QApplication.topLevelWidgets():
            if isinstance(widget, MainWindow) and widget.panels:
                cards = [panel.people.cards.values() for panel in widget.panels]
                if all(any(card.action is not None for card in people) for people in cards):
                    labelled.append(True)
                    widget.close()

    timer = QTimer()
    timer.timeout.connect(close_when_all_are_labelled)
    timer.start(100)
    assert run_window(RunOptions((demo_clip, demo_clip))) == 0
    timer.stop()
    assert labelled
    assert len(loaded) == 1
    assert session_threads() == []


def test_ctrl_c_ends_the_window_with_whole_files(root: Path, demo_clip: Path, tmp_path: Path) -> None:
    events, video = tmp_path / "out.jsonl", tmp_path / "out.mp4"
    words = [
        sys.executable,
        "-m",
        "app",
        "--video",
        demo_clip,
        "--policy",
        "paced",
        "--events",
        events,
        "--save",
        video,
    ]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    child = subprocess.Popen(
        list(map(str, words)), cwd=root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    while not (events.exists() and events.stat().st_size) and time.monotonic() < deadline and child.poll() is None:
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 130, errors
    assert "Traceback" not in errors
    assert [json.loads(line) for line in events.read_text().splitlines()]
    assert video.stat().st_size > 1000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.jsonl", "out.mp4"]
