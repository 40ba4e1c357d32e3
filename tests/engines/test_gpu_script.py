"""The script for whoever has a GPU: without one it does what a CPU can and says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a shell script")


def run(root, *arguments, **environment):
    return subprocess.run(
        ["bash", "benchmarks/gpu.sh", *arguments],
        cwd=root,
        env={**os.environ, "PYTHON": sys.executable, **environment},
        capture_output=True,
        text=True,
        timeout=280,
    )


def test_one_command_keeps_the_raw_output_of_every_step(prompted, root, tmp_path):
    model = str(prompted.spatial).removesuffix("-spatial.onnx")
    result = run(root, "--quick", "--out", str(tmp_path), "--model", model, LIMIT_S="240")
    assert result.returncode == 0, result.stdout + result.stderr
    names = {path.name for path in tmp_path.iterdir()}
    assert {"summary.txt", "machine.txt", "check.txt", "check.json", "bench.json"} <= names
    assert {"tensorrt-rtx.txt", "torch.txt"} <= names
    assert all(row["ok"] for row in json.loads((tmp_path / "check.json").read_text()))
    rows = json.loads((tmp_path / "bench.json").read_text())
    assert {row["batch"] for row in rows} == {1, 4}
    summary = (tmp_path / "summary.txt").read_text()
    assert summary.startswith("GPU: ")
    assert "check: exit code 0" in summary


def test_the_time_limit_is_kept_by_skipping(root, tmp_path):
    result = run(root, "--quick", "--out", str(tmp_path), LIMIT_S="0")
    assert "check: skipped, the time is up" in result.stdout
    assert not (tmp_path / "check.json").exists()


def test_an_unknown_option_shows_the_usage(root):
    result = run(root, "--nonsense")
    assert result.returncode == 2
    assert "--install" in result.stdout
