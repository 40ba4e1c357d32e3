"""A strip across the top that says what is wrong with the source."""

from __future__ import annotations

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QLabel, QWidget

COLOURS = {"warning": "#b7791f", "error": "#b83232"}


class Banner(QLabel):
    """Hidden while all is well; amber for a warning, red for an error."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setVisible(False)

    def tell(self, text: str, severity: str) -> None:
        """Show a sentence; ``severity`` is ``warning`` or ``error``."""
        self.setText(text)
        self.setStyleSheet(f"background: {COLOURS[severity]}; color: white; padding: 6px 10px;")
        self.setVisible(True)

    def clear_message(self) -> None:
        """Hide it."""
        self.setVisible(False)
        self.setText("")
