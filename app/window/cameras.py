"""Which cameras there are to choose from, without opening any."""

from __future__ import annotations

import re
import sys
from pathlib import Path


def list_cameras(devices: Path = Path("/sys/class/video4linux")) -> list[tuple[int, str]]:
    """(number, name) of each camera; where the system does not list them, the first few numbers."""
    if not sys.platform.startswith("linux"):
        return [(number, f"Camera {number}") for number in range(3)]
    cameras = []
    for entry in devices.glob("video*") if devices.is_dir() else ():
        match = re.fullmatch(r"video(\d+)", entry.name)
        # A device has several nodes; those with an index above 0 give metadata, not pictures.
        if match and _read(entry / "index", "0") == "0":
            cameras.append((int(match.group(1)), _read(entry / "name", entry.name)))
    return sorted(cameras)


def _read(path: Path, otherwise: str) -> str:
    try:
        return path.read_text().strip() or otherwise
    except (OSError, UnicodeDecodeError):
        return otherwise
