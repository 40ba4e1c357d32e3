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

SLOW = frozenset(
    ROOT / "tests" / name
    for name in (
        "app/test_headless.py", "app/test_window.py", "benchmarks/test_checkouts.py", "benchmarks/test_folds.py",
        "benchmarks/test_threshold.py",
        "engines/test_export.py", "engines/test_export_pose.py", "engines/test_gpu_script.py", "engines/test_parity.py",
        "engines/test_prompts.py", "engines/test_openmmlab_standins.py", "engines/test_without_onnx.py",
        "pipeline/pose/test_follow.py", "pipeline/pose/test_mmpose_parity.py", "pipeline/test_action_model.py",
        "pipeline/test_pipeline.py", "pipeline/tracking/test_real_clip.py", "pipeline/tracking/test_tracker.py",
        "training/tables/test_tables.py", "training/test_kills.py", "training/test_parallel.py",
        "training/test_runs.py", "training/test_shell.py",
    )
)  # fmt: skip
"""Files whose tests train, build engines or start processes: four fifths of the suite's time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `make test-fast` leaves out, and skip what needs mmpose where it cannot run."""
    from engines.openmmlab.needs import INSTALL, missing_packages

    missing = ", ".join(missing_packages())
    without_mmpose = pytest.mark.skip(reason=f"mmpose cannot run: {missing} missing; install with {INSTALL}")
    for item in items:
        if item.path in SLOW:
            item.add_marker(pytest.mark.slow)
        if missing and item.get_closest_marker("mmpose"):
            item.add_marker(without_mmpose)


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
