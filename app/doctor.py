"""``python -m app doctor``: what is installed, which engines work here, what to install for the rest."""

from __future__ import annotations

import ctypes.util
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from app import __version__
from app.terminal import plain_console
from models import model_path

MODEL_FILES = (
    "movenet-multipose.onnx",
    "movenet-lightning.onnx",
    "skeleformer-spatial.onnx",
    "skeleformer-temporal.onnx",
    "skeleformer.calibration.json",
)
"""What labelling a video loads."""


@dataclass(frozen=True, slots=True)
class Package:
    """A library and what it is for.

    Attributes:
        module: name in an import statement.
        distribution: name for the installer.
        purpose: in a few words.
        extra: the extra that brings it; empty when nothing works without it.
    """

    module: str
    distribution: str
    purpose: str
    extra: str = ""


PACKAGES = (
    Package("numpy", "numpy", "arrays"),
    Package("cv2", "opencv-python-headless", "video and pictures"),
    Package("onnxruntime", "onnxruntime", "networks on the CPU"),
    Package("scipy", "scipy", "tracking"),
    Package("rich", "rich", "progress and tables"),
    Package("PyQt6", "PyQt6", "the window", "window"),
    Package("av", "av", "H.264 video with --save", "video"),
    Package("websockets", "websockets", "--publish ws://", "publish"),
    Package("paho", "paho-mqtt", "--publish mqtt://", "publish"),
    Package("torch", "torch", "training, export, reference backend", "train"),
    Package("safetensors", "safetensors", "training and export", "train"),
    Package("onnx", "onnx", "export", "train"),
    Package("onnxscript", "onnxscript", "export", "train"),
    Package("matplotlib", "matplotlib", "curves of the training", "train"),
    Package("tensorrt", "tensorrt", "fastest on an NVIDIA GPU", "tensorrt"),
    Package("tensorrt_rtx", "tensorrt-rtx-cu12", "the same for RTX cards", "tensorrt-rtx"),
    Package("cuda", "cuda-python", "memory of the GPU", "tensorrt"),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    Attributes:
        name: of what was looked for.
        state: ``ok``, ``missing``, or ``none`` for something nobody has to have.
        detail: version, reason or purpose.
        advice: what to do about it; empty when nothing is to be done.
        required: whether labelling a video depends on it.
    """

    name: str
    state: str
    detail: str
    advice: str = ""
    required: bool = False


def look_for_packages() -> list[Finding]:
    """One finding a library; nothing is imported."""
    findings = []
    for package in PACKAGES:
        advice = f'pip install -e ".[{package.extra}]"' if package.extra else "pip install -e ."
        if _importable(package.module):
            findings.append(
                Finding(package.distribution, "ok", f"{_version(package.distribution)}, {package.purpose}",
                        required=not package.extra)
            )  # fmt: skip
        else:
            findings.append(Finding(package.distribution, "missing", package.purpose, advice, not package.extra))
    return [*findings, look_for_mmpose()]


def look_for_mmpose() -> Finding:
    """One finding for the whole set of packages that mmpose models take."""
    from pipeline.pose.openmmlab.mmpose import missing_packages

    missing, purpose = missing_packages(), "--pose mmpose:CONFIG"
    if missing:
        return Finding("mmpose", "missing", f"{purpose}; lacks {', '.join(missing)}", "make mmpose")
    return Finding("mmpose", "ok", f"{_version('mmpose')}  {purpose}")


def look_for_models() -> list[Finding]:
    """One finding a shipped file."""
    findings = []
    for name in MODEL_FILES:
        path = model_path(name)
        if path.is_file():
            findings.append(Finding(name, "ok", f"{max(1, round(path.stat().st_size / 1e3)):,} kB", required=True))
        else:
            findings.append(Finding(name, "missing", "not in models/", "fetch the repository again", True))
    return findings


def look_for_engines() -> list[Finding]:
    """One finding a backend, each tried in a process of its own: a broken driver must not take the doctor with it."""
    from pipeline.backends import BACKENDS

    findings = []
    for backend in BACKENDS:
        command = [sys.executable, "-m", "pipeline.backends", backend]
        try:
            child = subprocess.run(command, capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)
            detail, works = _last_line(child.stdout) or _last_line(child.stderr), child.returncode == 0
            if child.returncode < 0:
                detail = f"crashes (signal {-child.returncode})"
        except subprocess.TimeoutExpired:
            detail, works = "does not answer", False
        required = backend == "onnx-cpu"
        findings.append(Finding(backend, "ok" if works else ("missing" if required else "none"), detail, "", required))
    return findings


def look_for_devices() -> list[Finding]:
    """Cameras, GPU and screen."""
    cameras = sorted(path.name for path in Path("/dev").glob("video*"))
    findings = [Finding("camera", "ok" if cameras else "none", ", ".join(cameras) or "no /dev/video*")]
    if not sys.platform.startswith("linux"):
        findings.clear()  # only Linux lists cameras without opening them
    findings.append(_gpu())
    findings.append(_screen())
    return findings


def run_doctor(console: Console | None = None) -> int:
    """Print the report; 0 when a video can be labelled here, 1 when something for that is missing."""
    console = console or plain_console()
    console.print(
        f"skeleprompt {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores"
    )
    wrong: list[Finding] = []
    for title, look in (
        ("Libraries", look_for_packages),
        ("Models", look_for_models),
        ("Engines", look_for_engines),
        ("Devices", look_for_devices),
    ):
        findings = look()
        wrong += [finding for finding in findings if finding.required and finding.state != "ok"]
        console.print(_table(title, findings))
    if wrong:
        console.print(f"A video cannot be labelled yet: {', '.join(finding.name for finding in wrong)} missing.")
        return 1
    console.print("A video can be labelled here. Lines without ok are only needed for what they name.")
    return 0


def _table(title: str, findings: list[Finding]) -> Table:
    table = Table(title=title, title_justify="left", show_header=False, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(min_width=28, no_wrap=True)
    table.add_column(min_width=7, no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    colours = {"ok": "green", "missing": "yellow", "none": "dim"}
    for finding in findings:
        colour = "red" if finding.required and finding.state != "ok" else colours[finding.state]
        state = "-" if finding.state == "none" else finding.state
        # Text from elsewhere may hold brackets, which would be taken for mark-up.
        detail, advice = (text.replace("[", r"\[") for text in (finding.detail, finding.advice))
        table.add_row(finding.name, f"[{colour}]{state}[/{colour}]", detail, advice)
    return table


def _importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "(version unknown)"


def _gpu() -> Finding:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return Finding("NVIDIA GPU", "none", "no driver (nvidia-smi is not there)")
    query = [tool, "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        child = subprocess.run(query, capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return Finding("NVIDIA GPU", "none", "the driver does not answer")
    names = "; ".join(line.strip() for line in child.stdout.splitlines() if line.strip())
    return Finding("NVIDIA GPU", "ok" if child.returncode == 0 and names else "none", names or "none found")


def _screen() -> Finding:
    if not sys.platform.startswith("linux"):
        return Finding("screen", "ok", platform.system())
    display = os.environ.get("WAYLAND_DISPLAY") or os.environ.get("DISPLAY")
    if not display:
        return Finding("screen", "none", "neither DISPLAY nor WAYLAND_DISPLAY is set", "use --headless")
    if "WAYLAND_DISPLAY" not in os.environ and ctypes.util.find_library("xcb-cursor") is None:
        return Finding("screen", "missing", "Qt needs the library xcb-cursor", "apt install libxcb-cursor0")
    return Finding("screen", "ok", display)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
