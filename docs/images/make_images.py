"""Make the pictures of the documentation from the bundled clip, labelled by the shipped models.

    python docs/images/make_images.py

``demo.jpg`` shows two moments of the annotated video side by side; ``window.jpg`` is the window, taken off screen.
"""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PyQt6.QtCore import QTimer
from PyQt6.QtWidgets import QApplication

from app.drawing.draw import draw_result
from app.drawing.fit import fit_result
from app.options import RunOptions
from app.window.launch import dark_palette, session_maker
from app.window.main_window import MainWindow
from pipeline import Pipeline

FOLDER = Path(__file__).resolve().parent
CLIP = FOLDER.parent.parent / "assets" / "demo.mp4"
MOMENTS_S = (3.0, 7.4)
WINDOW_AT_S = 7.4


def make_demo() -> None:
    """Two moments of the walkers, side by side."""
    pictures = []
    with Pipeline(CLIP) as pipeline:
        for result in pipeline:
            if len(pictures) < len(MOMENTS_S) and result.frame.time_s >= MOMENTS_S[len(pictures)] - 1e-6:
                pictures.append(draw_result(fit_result(result, (800, 600))))
    cv2.imwrite(str(FOLDER / "demo.jpg"), np.hstack(pictures), [cv2.IMWRITE_JPEG_QUALITY, 88])


def make_window() -> None:
    """The window in the middle of the first part."""
    app = QApplication([])
    app.setStyle("Fusion")
    app.setPalette(dark_palette())
    # Every frame, so that the picture does not depend on the speed of the machine.
    window = MainWindow(session_maker(RunOptions((CLIP,), policy="all")), (CLIP,))
    window.show()

    def look() -> None:
        reading = window.panels[0].reading
        if reading is not None and reading.time_s >= WINDOW_AT_S:
            window.grab().save(str(FOLDER / "window.jpg"), quality=90)
            window.close()
            app.quit()

    timer = QTimer()
    timer.timeout.connect(look)
    timer.start(20)
    app.exec()


if __name__ == "__main__":
    make_demo()
    make_window()
