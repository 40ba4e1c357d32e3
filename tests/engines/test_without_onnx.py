"""A base install has no package onnx: what needs it says so in one sentence, and the rest works."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from engines import BackendUnavailable, load
from models import model_path

GUARD = "onnx_file.py"
NEEDS_ONNX = ("onnx_file", "half", "int8", "export", "quantise", "torch_network")

HIDDEN = "import sys; sys.modules['onnx'] = None; from engines.commands import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture
def no_onnx(monkeypatch):
    """The package cannot be imported, and nothing that did is still loaded."""
    monkeypatch.setitem(sys.modules, "onnx", None)
    for name in NEEDS_ONNX:
        monkeypatch.delitem(sys.modules, f"engines.{name}", raising=False)


def command(root, *arguments):
    """A command of the engines in a process that cannot import onnx."""
    words = [sys.executable, "-c", HIDDEN, *arguments]
    return subprocess.run(words, cwd=root, capture_output=True, text=True, timeout=280)


@pytest.mark.parametrize(
    ("backend", "precision"), [("onnx-cpu", "fp16"), ("onnx-cpu", "int8"), ("torch", "fp32"), ("torch", "fp16")]
)
def test_loading_in_a_way_that_needs_onnx_says_so(no_onnx, backend, precision):
    with pytest.raises(BackendUnavailable, match="package onnx: pip install onnx"):
        load(model_path("skeleformer-temporal.onnx"), backend, precision)


def test_check_and_bench_go_on_with_what_works(root):
    check = command(root, "check", "--backend", "onnx-cpu", "torch")
    assert check.returncode == 0, check.stderr
    for row in ("onnx-cpu fp16", "onnx-cpu int8", "torch fp32"):
        assert f"{row} is not available: Looking into a model or changing it needs the package onnx" in check.stdout
    bench = command(root, "bench", "--backend", "onnx-cpu", "torch", "--seconds", "0.01", "--batch", "1")
    assert bench.returncode == 0, bench.stderr
    assert "| onnx-cpu | fp32 | streaming |" in bench.stdout
    assert "onnx-cpu int8: Looking into a model or changing it needs the package onnx" in bench.stdout


@pytest.mark.parametrize(
    "arguments",
    [("export", "--weights", "models/skeleformer.safetensors", "--out", "."), ("quantise", "--windows", "absent.npz")],
)
def test_commands_that_need_onnx_end_in_one_sentence(root, arguments):
    result = command(root, *arguments)
    assert result.returncode == 2
    assert result.stderr == "error: Looking into a model or changing it needs the package onnx: pip install onnx.\n"


def test_the_bound_of_a_device_is_left_open(no_onnx):
    from engines.action.bench import _bound_ms
    from engines.nvidia.roofline import PEAKS

    assert _bound_ms(model_path("skeleformer-temporal.onnx"), PEAKS["T4"], "fp32", N=1, T=32) is None


def test_only_the_guard_imports_onnx(root):
    wrong = []
    for path in sorted((root / "engines").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if path.name != GUARD and any(name.split(".")[0] == "onnx" for name in names):
                wrong.append(f"{Path(path).relative_to(root)}:{node.lineno}")
    assert not wrong
