"""The list of everybody in view with what they are doing."""

from __future__ import annotations

from PyQt6.QtCore import QRect, QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPaintEvent
from PyQt6.QtWidgets import QLabel, QScrollArea, QVBoxLayout, QWidget

from app.drawing.palette import track_colour
from core.types import Action, Result

_TOP = 3


class PeopleList(QScrollArea):
    """One card a person, in the order of their ids."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setMinimumWidth(210)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._inside = QWidget()
        self._layout = QVBoxLayout(self._inside)
        self._layout.setContentsMargins(8, 8, 8, 8)
        self._layout.setSpacing(8)
        self._nobody = QLabel("Nobody in view")
        self._nobody.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._layout.addWidget(self._nobody)
        self._layout.addStretch(1)
        self.setWidget(self._inside)
        self.cards: dict[int, PersonCard] = {}

    def show_result(self, result: Result) -> None:
        """Bring the cards in line with who is in view."""
        present = {person.track for person in result.people}
        for track in [track for track in self.cards if track not in present]:
            card = self.cards.pop(track)
            self._layout.removeWidget(card)
            card.deleteLater()
        for track in sorted(present - self.cards.keys()):
            self.cards[track] = PersonCard(track)
            place = sorted(self.cards).index(track)
            self._layout.insertWidget(place, self.cards[track])
        for track, card in self.cards.items():
            card.show_action(result.actions.get(track))
        self._nobody.setVisible(not self.cards)


class PersonCard(QWidget):
    """A person's id and best classes, each with a bar as long as its probability."""

    def __init__(self, track: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.track = track
        self.action: Action | None = None
        b, g, r = track_colour(track)
        self._colour = QColor(r, g, b)
        self.setFixedHeight(self.sizeHint().height())

    def show_action(self, action: Action | None) -> None:
        """Show another decision."""
        if action is not self.action:
            self.action = action
            self.update()

    @property
    def title(self) -> str:
        """What the card says first."""
        if self.action is None:
            return "watching"
        return "unknown" if self.action.label is None else self.action.label

    def sizeHint(self) -> QSize:
        """Room for the title and the best classes."""
        line = self.fontMetrics().height()
        return QSize(200, round((1 + _TOP) * 1.35 * line) + 12)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the card."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.palette().base())
        painter.drawRoundedRect(self.rect(), 6, 6)
        painter.setBrush(self._colour)
        painter.drawRoundedRect(QRect(0, 0, 6, self.height()), 3, 3)

        line = round(1.35 * self.fontMetrics().height())
        left, width = 16, self.width() - 26
        title = painter.font()
        title.setBold(True)
        painter.setFont(title)
        known = self.action is not None and self.action.label is not None
        painter.setPen(self.palette().text().color() if known else QColor(140, 146, 156))
        painter.drawText(QRect(left, 6, width, line), Qt.AlignmentFlag.AlignVCenter, f"{self.track}  {self.title}")
        title.setBold(False)
        painter.setFont(title)
        for row, (label, probability) in enumerate(self.action.top[:_TOP] if self.action else ()):
            top = 6 + (row + 1) * line
            self._row(painter, QRect(left, top, width, line), label, probability, strong=known and row == 0)

    def _row(self, painter: QPainter, area: QRect, label: str, probability: float, *, strong: bool) -> None:
        bar = QRect(area.left(), area.bottom() - 1, round(area.width() * min(max(probability, 0.0), 1.0)), 2)
        painter.fillRect(bar, self._colour if strong else QColor(110, 116, 126))
        painter.setPen(self.palette().text().color() if strong else QColor(150, 156, 166))
        percent = f"{probability:.0%}"
        room = area.width() - self.fontMetrics().horizontalAdvance("100% ")
        label = self.fontMetrics().elidedText(label, Qt.TextElideMode.ElideRight, room)
        words = area.adjusted(0, -2, 0, -3)
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, label)
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, percent)
