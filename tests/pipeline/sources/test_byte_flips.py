"""A damaged file is read as far as it goes or refused; it never crashes or hangs the process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("name", "copies"), [("clip.mp4", 400), ("clip.avi", 300), ("clip.gif", 100), ("timed.mkv", 200)]
)
def test_a_thousand_random_byte_flips(write_video, write_timed, name: str, copies: int) -> None:
    if name == "timed.mkv":
        clip = write_timed(name, [0, 0.04, 0.1, 0.2, 0.21, 0.5, 0.6, 0.64])
    elif name.endswith(".gif"):
        pillow = pytest.importorskip("PIL.Image", reason="Pillow writes the GIF")
        clip = write_video("x.mp4").with_name(name)
        images = [pillow.new("RGB", (64, 48), (20 * i, 0, 0)) for i in range(8)]
        images[0].save(clip, save_all=True, append_images=images[1:], duration=100)
    else:
        clip = write_video(name, frames=8)
    environment = dict(os.environ, PYTHONPATH=str(ROOT), PYTHONFAULTHANDLER="1")
    command = [sys.executable, str(Path(__file__).with_name("byte_flips.py")), str(clip), str(copies)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    outcomes = json.loads(done.stdout)
    assert sum(outcomes.values()) == copies
    assert outcomes["read"] > 0
