"""From the options to a running window and back to an exit code."""

from __future__ import annotations

import logging
import signal
import sys
import traceback
from collections.abc import Callable
from types import FrameType, TracebackType

from PyQt6.QtCore import QTimer
from PyQt6.QtGui import QColor, QPalette
from PyQt6.QtWidgets import QApplication

from app.options import Outputs, RunOptions, SourceSpec
from app.session import load_shared_model, open_session
from app.window.clock import PausableClock
from app.window.main_window import MainWindow
from app.window.screen import require_screen
from app.window.worker import MakeSession
from core.command_line import ending_signals, let_closed_terminal_go
from core.errors import UserError
from pipeline.recognition.model import ActionModel
from pipeline.sources import SourceEvent

log = logging.getLogger(__name__)

_SIGNAL_CHECK_MS = 100  # Python looks at signals only while Python runs


def run_window(options: RunOptions) -> int:
    """Open the window and return when it is closed.

    Returns:
        0; 1 when labelling broke off on the way; 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP.

    Raises:
        UserError: there is no screen, the action model that several sources share cannot be loaded, or none of the
            sources can be opened.
    """
    require_screen()
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("skeleprompt")
    app.setStyle("Fusion")
    app.setPalette(dark_palette())

    model = load_shared_model(options) if len(options.sources) > 1 else None
    window = MainWindow(session_maker(options, model), options.sources)
    code = 0
    refused: list[str] = []

    def appear() -> None:
        """Show the window with the first source that opens; when none does, the program ends."""
        nonlocal refused
        if window.isVisible() or window.closing:
            return
        if any(panel.name for panel in window.panels):
            window.show()
        elif all(panel.finished for panel in window.panels):
            refused = [panel.failure for panel in window.panels if panel.failure]
            window.close()
            app.quit()

    for panel in window.panels:
        panel.changed.connect(appear)

    def on_signal(number: int, frame: FrameType | None) -> None:
        nonlocal code
        let_closed_terminal_go()
        code = 128 + number
        window.close()
        app.quit()

    def on_error(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        nonlocal code
        code = 1
        log.error("the window failed:\n%s", "".join(traceback.format_exception(kind, error, trace)))
        window.close()
        app.quit()

    before = {number: signal.signal(number, on_signal) for number in ending_signals()}
    hook, sys.excepthook = sys.excepthook, on_error
    ticker = QTimer()
    ticker.timeout.connect(lambda: None)
    ticker.start(_SIGNAL_CHECK_MS)
    try:
        app.exec()
    finally:
        sys.excepthook = hook
        for number, handler in before.items():
            signal.signal(number, handler)
        window.close()
        if model is not None:
            model.close()
    if refused:
        raise UserError(" ".join(refused))
    return code or int(window.failed)


def session_maker(options: RunOptions, model: ActionModel | None = None) -> Callable[[SourceSpec], MakeSession]:
    """From a source to what opens its session; ``model`` as for ``open_session``.

    Outputs belong to the sources of the command line; a source chosen in the window afterwards is only shown.
    """
    unused = list(zip(options.sources, options.outputs.for_sources(len(options.sources)), strict=True))

    def make(spec: SourceSpec) -> MakeSession:
        outputs = Outputs()
        for entry in unused:
            if entry[0] == spec:
                unused.remove(entry)
                outputs = entry[1]
                break

        def open_it(on_event: Callable[[SourceEvent], None], clock: PausableClock) -> object:
            return open_session(spec, options, outputs, model=model, on_event=on_event, clock=clock, show=True)

        return open_it  # type: ignore[return-value]

    return make


def dark_palette() -> QPalette:
    """Dark, so that the picture is the brightest thing."""
    palette = QPalette()
    roles = QPalette.ColorRole
    for role, colour in (
        (roles.Window, "#22252b"), (roles.WindowText, "#e6e8ec"), (roles.Base, "#2b2f36"), (roles.Text, "#e6e8ec"),
        (roles.AlternateBase, "#31353d"), (roles.Button, "#31353d"), (roles.ButtonText, "#e6e8ec"),
        (roles.ToolTipBase, "#31353d"), (roles.ToolTipText, "#e6e8ec"), (roles.Highlight, "#4a7bd0"),
        (roles.HighlightedText, "#ffffff"), (roles.PlaceholderText, "#8c929c"),
    ):  # fmt: skip
        palette.setColor(role, QColor(colour))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor("#767c86"))
    return palette
