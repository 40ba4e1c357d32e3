"""What every test may rely on: no screen is needed, and optional data is found or its absence said."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Under nohup hang-ups are ignored, also in all that tests start. A handler that does nothing leaves it at that here but
# is not inherited: other processes begin with the default.
for name in ("SIGHUP", "SIGINT"):
    number = getattr(signal, name, None)
    if number is not None and signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, lambda *_: None)

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """Top folder of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def demo_clip() -> Path:
    """The bundled clip: pedestrians, then a boxer."""
    return ROOT / "assets" / "demo.mp4"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with public data sets and clips beside the checkout; optional."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs the data folder ../shared beside the checkout")
    return folder
