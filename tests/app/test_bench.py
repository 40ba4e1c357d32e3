"""``python -m app bench``: what it prints, writes and refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.__main__ import main


def test_the_figures_are_printed_and_written(
    capsys: pytest.CaptureFixture[str], pictures: Path, tmp_path: Path
) -> None:
    out = tmp_path / "bench.json"
    assert main(["bench", "--images", str(pictures), "--json", str(out)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("pictures: 12 frames")
    assert f"written: {out}" in said
    figures = json.loads(out.read_text())
    assert figures["frames"] == 12
    assert figures["stages"]["pose"]["p50_ms"] > 0


def test_a_video_that_is_cut_off_is_measured_and_refused(
    capsys: pytest.CaptureFixture[str], demo_clip: Path, tmp_path: Path
) -> None:
    broken, out = tmp_path / "broken.mp4", tmp_path / "bench.json"
    broken.write_bytes(demo_clip.read_bytes()[:120_000])
    assert main(["bench", "--video", str(broken), "--json", str(out)]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("broken.mp4 is cut off")
    assert said.err.count("\n") == 1
    assert json.loads(out.read_text())["frames"] > 0
    assert "broken.mp4:" in said.out
    assert main(["bench", "--video", str(broken), "--frames", "2"]) == 0, "nobody asked for what is missing"


def test_a_full_disk_is_told_after_the_figures(
    root: Path, pictures: Path, tmp_path: Path, full_disk: tuple[str, ...]
) -> None:
    out = tmp_path / "bench.json"
    words = (*full_disk, sys.executable, "-m", "app", "bench", "--images", str(pictures), "--json", str(out))
    child = subprocess.run(words, capture_output=True, text=True, cwd=root)
    assert child.returncode == 2
    assert child.stderr.startswith(f"{out} cannot be written: ")
    assert child.stderr.count("\n") == 1
    assert "12 frames" in child.stdout
    assert list(tmp_path.iterdir()) == []
