"""The main window: a panel for each source, a tool bar and a status bar."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from PyQt6.QtGui import QAction, QCloseEvent, QKeySequence
from PyQt6.QtWidgets import QFileDialog, QGridLayout, QMainWindow, QMenu, QStatusBar, QToolButton, QWidget

from app.meter import Reading
from app.options import SourceSpec
from app.window.cameras import list_cameras
from app.window.panel import Panel
from app.window.worker import MakeSession

FILE_FILTER = "Videos and pictures (*.mp4 *.avi *.mov *.mkv *.webm *.gif *.jpg *.png);;All files (*)"
STOP_S = 1.7
"""How long sessions may take to end; the window closes within two seconds."""


class MainWindow(QMainWindow):
    """Shows sources side by side.

    Args:
        make: from a source to what opens its session.
        sources: shown at the start.

    Attributes:
        panels: one a source.
        closing: whether it has been told to close.
        failed: whether a session broke off by itself.
        all_ended_in_time: False when a session's thread had to be left behind.
    """

    def __init__(self, make: Callable[[SourceSpec], MakeSession], sources: Sequence[SourceSpec]) -> None:
        super().__init__()
        self._make = make
        self._sources: tuple[SourceSpec, ...] = ()
        self.panels: list[Panel] = []
        self.all_ended_in_time = True
        self.closing = False
        self.failed = False
        self.setWindowTitle("skeleprompt")
        self.resize(1080, 680)
        self._add_tools()
        self.open(sources)

    def open(self, sources: Sequence[SourceSpec]) -> None:
        """Show other sources instead."""
        self._stop()
        self._sources = tuple(sources)
        inside = QWidget()
        grid = QGridLayout(inside)
        grid.setContentsMargins(0, 0, 0, 0)
        columns = math.ceil(math.sqrt(len(self._sources)))
        for number, spec in enumerate(self._sources):
            panel = Panel(self._make(spec))
            panel.changed.connect(self._refresh)
            grid.addWidget(panel, number // columns, number % columns)
            self.panels.append(panel)
        self.setCentralWidget(inside)  # deletes the one before
        bar = QStatusBar()
        for panel in self.panels:
            bar.addWidget(panel.status, 1)
        self.setStatusBar(bar)  # deletes the one before
        self._refresh()

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """End every session; files are whole when this returns."""
        self.closing = True
        self._stop()
        super().closeEvent(event)

    def toggle_pause(self) -> None:
        """Pause or resume; at the end of everything, play it again."""
        if self.panels and all(panel.finished for panel in self.panels):
            self.open(self._sources)
            return
        paused = any(panel.worker.paused for panel in self.panels)
        for panel in self.panels:
            if paused:
                panel.worker.resume()
            else:
                panel.worker.pause()
        self._refresh()

    def choose_file(self) -> None:
        """Ask for a file and show it."""
        name, _ = QFileDialog.getOpenFileName(self, "Open a video", "", FILE_FILTER)
        if name:
            self.open([Path(name)])

    @property
    def status_text(self) -> str:
        """What the status bar says."""
        return " | ".join(panel.status.whole for panel in self.panels if panel.status.whole)

    def _add_tools(self) -> None:
        tools = self.addToolBar("Main")
        assert tools is not None
        tools.setMovable(False)
        open_file = QAction("Open file", self)
        open_file.setShortcut(QKeySequence.StandardKey.Open)
        open_file.triggered.connect(self.choose_file)
        tools.addAction(open_file)

        self._camera_menu = QMenu("Camera", self)
        self._camera_menu.aboutToShow.connect(self._list_cameras)
        button = QToolButton()
        button.setText("Camera")
        button.setMenu(self._camera_menu)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        tools.addWidget(button)

        self.pause_action = QAction("Pause", self)
        self.pause_action.setShortcut("Space")
        self.pause_action.triggered.connect(self.toggle_pause)
        tools.addAction(self.pause_action)

        leave = QAction("Quit", self)
        leave.setShortcut(QKeySequence.StandardKey.Quit)
        leave.triggered.connect(self.close)
        self.addAction(leave)

    def _list_cameras(self) -> None:
        self._camera_menu.clear()
        for number, name in list_cameras():
            action = QAction(f"{number}: {name}", self._camera_menu)
            action.triggered.connect(lambda _checked=False, number=number: self.open([number]))
            self._camera_menu.addAction(action)
        if self._camera_menu.isEmpty():
            nothing = QAction("No camera found", self._camera_menu)
            nothing.setEnabled(False)
            self._camera_menu.addAction(nothing)

    def _refresh(self) -> None:
        names = [panel.name for panel in self.panels if panel.name]
        self.setWindowTitle(" | ".join([*names, "skeleprompt"]))
        finished = bool(self.panels) and all(panel.finished for panel in self.panels)
        paused = any(panel.worker.paused for panel in self.panels)
        self.pause_action.setText("Play again" if finished else "Go on" if paused else "Pause")
        for panel in self.panels:
            if panel.reading is not None:
                state = "ended" if panel.finished else "paused" if panel.worker.paused else ""
                if len(self.panels) > 1:
                    panel.status.show_lines(f"{panel.name}   {state}".rstrip() + f"\n{describe(panel.reading)}")
                else:
                    panel.status.show_lines(describe(panel.reading, state))

    def _stop(self) -> None:
        for panel in self.panels:
            panel.worker.blockSignals(True)  # nothing of it may reach widgets that are going away
            panel.worker.request_stop()
            self.failed |= bool(panel.failure)
        deadline = time.perf_counter() + STOP_S
        for panel in self.panels:
            self.all_ended_in_time &= panel.worker.join(deadline - time.perf_counter())
        self.panels = []


def describe(reading: Reading, state: str = "") -> str:
    """A reading in one line."""
    people = "1 person" if reading.people == 1 else f"{reading.people} people"
    parts = [
        f"{reading.time_s:.1f} s", people, f"{reading.fps:.0f} fps", f"age {reading.age_ms:.0f} ms",
        f"{reading.dropped} dropped",
    ]  # fmt: skip
    return "   ".join(parts + ([state] if state else []))
