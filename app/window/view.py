"""The picture, as large as fits, in its own proportions."""

from __future__ import annotations

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PyQt6.QtWidgets import QSizePolicy, QWidget


class VideoView(QWidget):
    """Shows the newest picture, or a sentence while there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._image: QImage | None = None
        self._message = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 120)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def show_image(self, image: QImage) -> None:
        """Replace the picture."""
        self._image = image
        self.update()

    def show_message(self, text: str) -> None:
        """Show a sentence instead of a picture."""
        self._image, self._message = None, text
        self.update()

    @property
    def image(self) -> QImage | None:
        """The picture on show."""
        return self._image

    def picture_size(self) -> tuple[int, int]:
        """(width, height) in device pixels that a picture may fill."""
        ratio = self.devicePixelRatioF()
        return round(self.width() * ratio), round(self.height() * ratio)

    def sizeHint(self) -> QSize:
        """Room for a usual camera picture."""
        return QSize(800, 600)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the picture centred on black."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(16, 18, 22))
        if self._image is None:
            painter.setPen(QColor(170, 176, 186))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._message)
            return
        size = self._image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        x, y = (self.width() - size.width()) / 2, (self.height() - size.height()) / 2
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRectF(x, y, size.width(), size.height()), self._image)
