"""Whether a window can be opened here; Qt itself ends the process when it finds no screen."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

from core.errors import UserError

_ADVICE = "run again with --headless, or see python -m app doctor"


def require_screen() -> None:
    """Try it in a process of its own.

    Raises:
        UserError: PyQt6 or a screen is missing, with the reason.
    """
    if importlib.util.find_spec("PyQt6") is None:
        raise UserError('The window needs PyQt6 (pip install "skeleprompt[window]"); without it, add --headless.')
    if not sys.platform.startswith("linux"):
        return  # elsewhere there is a screen
    if not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")):
        raise UserError(f"There is no screen to open a window on: {_ADVICE}.")
    code = "from PyQt6.QtGui import QGuiApplication; QGuiApplication([])"
    try:
        child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20)
    except subprocess.TimeoutExpired:
        raise UserError(f"The screen does not answer: {_ADVICE}.") from None
    if child.returncode:
        reason = next((line.strip() for line in child.stderr.splitlines() if line.strip()), "no reason given")
        raise UserError(f"No window can be opened here ({reason.rstrip('.')}): {_ADVICE}.")
