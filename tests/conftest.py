"""What every test may rely on: no screen is needed, and optional data is found or its absence said."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1")

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
