"""Stand-ins: there while mmpose is imported, gone afterwards, and never in the way of a real package."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import EngineError
from engines.openmmlab import needs
from engines.openmmlab.standins import STAND_INS, is_stand_in, standing_in

ABSENT = [name for name in STAND_INS if "." not in name and importlib.util.find_spec(name) is None]


@pytest.mark.parametrize("name", ABSENT)
def test_absent_package_can_be_imported_only_inside(name: str) -> None:
    with standing_in():
        assert is_stand_in(importlib.import_module(name))
    assert name not in sys.modules
    with pytest.raises(ImportError):
        importlib.import_module(name)


def test_real_package_is_found_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "xtcocotools"
    package.mkdir()
    (package / "__init__.py").write_text("REAL = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    try:
        with standing_in():
            module = importlib.import_module("xtcocotools")
            assert module.REAL
            assert not is_stand_in(module)
            with pytest.raises(ImportError):  # what a real package lacks is not invented
                importlib.import_module("xtcocotools.mask")
        assert sys.modules["xtcocotools"] is module
    finally:
        sys.modules.pop("xtcocotools", None)


@pytest.mark.skipif("xtcocotools" not in ABSENT, reason="the real xtcocotools is installed")
def test_stand_in_class_says_what_is_missing_when_used() -> None:
    with standing_in():
        coco = importlib.import_module("xtcocotools.coco").COCO
    with pytest.raises(ImportError, match=r"needs xtcocotools\.coco\.COCO, and xtcocotools\.coco is not installed"):
        coco("annotations.json")


def test_nesting_keeps_stand_ins_until_the_outermost_block_ends() -> None:
    if not ABSENT:
        pytest.skip("every package that has a stand-in is installed")
    with standing_in():
        with standing_in():
            importlib.import_module(ABSENT[0])
        assert ABSENT[0] in sys.modules
    assert ABSENT[0] not in sys.modules


def test_other_absent_packages_stay_absent() -> None:
    with standing_in(), pytest.raises(ImportError):
        importlib.import_module("mmpretrain_that_is_not_there")


def test_missing_package_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(needs.PACKAGES, "no_such_module_here", "no-such-package")
    assert "no-such-package" in needs.missing_packages()
    with pytest.raises(EngineError, match=r"no-such-package.*make mmpose"):
        needs.require()


@pytest.mark.mmpose
def test_importing_mmpose_leaves_no_stand_in_behind() -> None:
    code = (
        "import sys\n"
        "from engines.openmmlab.model import import_mmpose\n"
        "from engines.openmmlab.standins import STAND_INS, is_stand_in\n"
        "import_mmpose()\n"
        "import mmpose.apis\n"
        "assert not any(is_stand_in(sys.modules.get(name)) for name in STAND_INS)\n"
        "from mmengine.model.utils import mmcv_full_available\n"
        "import importlib.util\n"
        "assert mmcv_full_available() == (importlib.util.find_spec('mmcv._ext') is not None)\n"
    )
    result = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
