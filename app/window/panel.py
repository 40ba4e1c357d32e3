"""One source: its picture, its people, its banner, and the worker behind them."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QHBoxLayout, QSplitter, QVBoxLayout, QWidget

from app.meter import Reading
from app.window.banner import Banner
from app.window.people import PeopleList
from app.window.status import StatusLabel
from app.window.view import VideoView
from app.window.worker import MakeSession, Worker
from pipeline.sources import EventKind, Severity, SourceEvent


class Panel(QWidget):
    """Starts its worker at once.

    Attributes:
        name: of the source, without credentials; empty until it is open.
        reading: newest reading of the meter.
        finished: whether the session is over.
        status: for the window's status bar.
    """

    changed = pyqtSignal()  # name, reading or finished

    def __init__(self, make_session: MakeSession, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = ""
        self.reading: Reading | None = None
        self.finished = False
        self.failure = ""
        self.view, self.people, self.banner, self.status = VideoView(), PeopleList(), Banner(), StatusLabel()
        self.view.show_message("Opening ...")

        picture = QWidget()
        column = QVBoxLayout(picture)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.banner)
        column.addWidget(self.view, 1)
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.addWidget(picture)
        splitter.addWidget(self.people)
        splitter.setStretchFactor(0, 1)
        splitter.setSizes([800, 220])
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(splitter)

        self.worker = Worker(make_session)
        self.worker.started.connect(self._started)
        self.worker.ready.connect(self._ready)
        self.worker.happened.connect(self._happened)
        self.worker.failed.connect(self._failed)
        self.worker.ended.connect(self._ended)
        self.worker.start()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Tell the worker how large pictures need to be."""
        super().resizeEvent(event)
        self.worker.fit(self.view.picture_size())

    def _started(self, name: str) -> None:
        self.name = name
        self.worker.fit(self.view.picture_size())
        self.changed.emit()

    def _ready(self) -> None:
        shown = self.worker.take()
        if shown is None:
            return
        self.view.show_image(shown.image)
        self.people.show_result(shown.result)
        self.reading = shown.reading
        self.changed.emit()

    def _happened(self, event: SourceEvent) -> None:
        if event.kind is EventKind.RECONNECTED:
            self.banner.clear_message()
        elif event.severity is not Severity.INFO:
            self.banner.tell(event.message, event.severity.value)

    def _failed(self, message: str) -> None:
        self.failure = message
        self.banner.tell(message, "error")
        if self.view.image is None:
            self.view.show_message("No picture")

    def _ended(self) -> None:
        self.finished = True
        if self.view.image is None and not self.failure:
            self.view.show_message("Nothing to show")
        self.changed.emit()
