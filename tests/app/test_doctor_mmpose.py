"""The doctor names what mmpose models lack on this machine."""

from __future__ import annotations

import pytest

from app.doctor import look_for_mmpose, look_for_packages
from engines.openmmlab import needs


def test_missing_part_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(needs.PACKAGES, "no_such_module_here", "no-such-package")
    finding = look_for_mmpose()
    assert finding.state == "missing"
    assert "no-such-package" in finding.detail
    assert finding.advice == "make mmpose"
    assert finding in look_for_packages()


def test_complete_set_is_ok(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "PACKAGES", {"sys": "python"})
    monkeypatch.setattr("app.doctor._version", lambda distribution: "1.3.2")
    assert look_for_mmpose().state == "ok"
