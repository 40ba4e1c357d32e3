"""The service behind a panel: runs one session in a thread and hands over what is to be shown. Knows no widgets."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtGui import QImage

from app.drawing.draw import draw_result
from app.drawing.fit import fit_result
from app.meter import Meter, Reading
from app.session import Session
from app.window.clock import PausableClock
from core.errors import UserError
from core.types import Result
from pipeline.sources import SourceEvent

log = logging.getLogger(__name__)

MakeSession = Callable[[Callable[[SourceEvent], None], PausableClock], Session]
"""Opens a session that reports its source's events to the first argument and runs by the second."""

_WAIT_S = 0.1


@dataclass(frozen=True, slots=True)
class Shown:
    """A result with the picture of it that fits the window, and the meter's reading."""

    result: Result
    image: QImage
    reading: Reading


class Worker(QObject):
    """Runs a session from ``start`` to its end or ``stop``.

    Signals are emitted in the worker's thread; Qt queues them for the widgets' thread. ``ready`` says that ``take`` has
    something new: at most one is under way at a time, so a slow window skips pictures instead of piling them up.

    It has no parent: a thread that hangs in a driver outlives the panel, and what it emits then must not be gone.
    """

    started = pyqtSignal(str)  # the source's name
    ready = pyqtSignal()
    happened = pyqtSignal(object)  # SourceEvent
    failed = pyqtSignal(str)  # one sentence; the session is over
    ended = pyqtSignal()  # always last

    def __init__(self, make_session: MakeSession) -> None:
        super().__init__()
        self._make_session = make_session
        self._clock = PausableClock()
        self._lock = threading.Lock()
        self._newest: Shown | None = None
        self._session: Session | None = None
        self._stopping = threading.Event()
        self._running = threading.Event()  # cleared while paused
        self._running.set()
        self._fit = (0, 0)
        self._thread = threading.Thread(target=self._run, name="window-session", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def request_stop(self) -> None:
        """Ask the session to end, from any thread; returns at once."""
        self._stopping.set()
        self._running.set()
        with self._lock:
            session = self._session
        if session is not None:
            session.stop()

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread; True when it has ended in time, files whole."""
        if self._thread.is_alive():
            self._thread.join(max(0.0, timeout_s))
        return not self._thread.is_alive()

    @property
    def paused(self) -> bool:
        """Whether it stands still."""
        return not self._running.is_set()

    def pause(self) -> None:
        """A file stops where it is; of a camera only the picture freezes, labelling continues."""
        with self._lock:
            self._running.clear()
            self._hold_file()

    def resume(self) -> None:
        """Go on."""
        with self._lock:
            self._clock.resume()
            self._running.set()

    def fit(self, size: tuple[int, int]) -> None:
        """Draw for a view of (width, height) pixels from now on."""
        self._fit = size

    def take(self) -> Shown | None:
        """The newest result, once."""
        with self._lock:
            shown, self._newest = self._newest, None
        return shown

    def _hold_file(self) -> None:
        """Stop the clock that a paused file is played by; a camera's frames are stamped by it. The lock is held."""
        if self.paused and self._session is not None and not self._session.live:
            self._clock.pause()

    def _run(self) -> None:
        try:
            with self._make_session(self.happened.emit, self._clock) as session:
                with self._lock:
                    self._session = session
                    self._hold_file()  # paused while it was opening
                if self._stopping.is_set():  # while it was opening
                    return
                self.started.emit(session.name)
                self._show(session)
        except UserError as error:
            self.failed.emit(str(error))
        except Exception as error:
            log.exception("the session failed")
            self.failed.emit(f"{type(error).__name__}: {error}")
        finally:
            with self._lock:
                self._session = None
            self.ended.emit()

    def _show(self, session: Session) -> None:
        meter = Meter()
        for result in session:
            if self._stopping.is_set():
                return
            reading = meter.update(result)
            if self.paused:
                if session.live:
                    continue
                while not self._running.wait(_WAIT_S):
                    pass
            shown = Shown(result, to_image(draw_result(fit_result(result, self._fit))), reading)
            with self._lock:
                announced, self._newest = self._newest is not None, shown
            if not announced:
                self.ready.emit()


def to_image(picture: NDArray[np.uint8]) -> QImage:
    """A (height, width, 3) BGR picture as an image with memory of its own."""
    height, width = picture.shape[:2]
    return QImage(picture.tobytes(), width, height, 3 * width, QImage.Format.Format_BGR888).copy()
