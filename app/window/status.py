"""A source's reading in the status bar, shortened to the room that there is."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QLabel, QSizePolicy


class StatusLabel(QLabel):
    """Lines of text, each ending in dots where the label is too narrow for it; the tool tip has them whole.

    Attributes:
        whole: the lines as they were given.
    """

    def __init__(self) -> None:
        super().__init__()
        self.whole = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setContentsMargins(8, 0, 8, 2)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def show_lines(self, text: str) -> None:
        """Replace the text."""
        self.whole = text
        self.setToolTip(text)
        self._shorten()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Shorten anew."""
        super().resizeEvent(event)
        self._shorten()

    def _shorten(self) -> None:
        room, end = self.contentsRect().width(), Qt.TextElideMode.ElideRight
        self.setText("\n".join(self.fontMetrics().elidedText(line, end, room) for line in self.whole.split("\n")))
