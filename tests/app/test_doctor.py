"""The doctor's report, on this machine and on one that lacks things."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from app import doctor
from app.doctor import Finding, look_for_devices, look_for_models, look_for_packages, run_doctor


def report(code: int) -> str:
    """What the doctor prints, given its exit code."""
    text = io.StringIO()
    assert run_doctor(Console(file=text, width=140)) == code
    return text.getvalue()


def test_the_libraries_that_run_these_tests_are_found() -> None:
    findings = {finding.name: finding for finding in look_for_packages()}
    for name in ("numpy", "opencv-python-headless", "onnxruntime", "scipy", "rich"):
        assert findings[name].state == "ok"
        assert findings[name].required
    import numpy

    assert numpy.__version__ in findings["numpy"].detail
    for finding in findings.values():
        assert finding.state == "ok" or "install" in finding.advice or "make" in finding.advice


def test_a_missing_library_comes_with_the_command_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_importable", lambda module: module not in ("av", "scipy"))
    findings = {finding.name: finding for finding in look_for_packages()}
    assert findings["av"].advice == 'pip install -e ".[video]"'
    assert not findings["av"].required
    assert findings["scipy"].required
    assert findings["scipy"].state == "missing"


def test_a_missing_model_is_named_and_fails_the_report(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "model_path", lambda name: tmp_path / name)
    monkeypatch.setattr(doctor, "look_for_engines", lambda: [Finding("onnx-cpu", "ok", "", required=True)])
    assert all(finding.state == "missing" for finding in look_for_models())
    verdict = " ".join(report(1).split("A video cannot be labelled yet:")[1].split())
    assert "movenet-multipose.onnx" in verdict
    assert "onnx-cpu" not in verdict


def test_no_screen_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    screen = next(finding for finding in look_for_devices() if finding.name == "screen")
    assert (screen.state, screen.advice) == ("none", "use --headless")


def test_text_from_elsewhere_is_not_taken_for_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = [Finding("onnx-cpu", "ok", "[/red] and [link=x] stay as they are", required=True)]
    monkeypatch.setattr(doctor, "look_for_engines", lambda: odd)
    monkeypatch.setattr(doctor, "look_for_models", lambda: [])
    assert "[/red] and [link=x] stay as they are" in report(0)
