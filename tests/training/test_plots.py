"""Pictures appear whole or not at all, and what cannot be drawn is told before the work."""

import json
import sys

import numpy as np
import pytest

from core.errors import UserError
from training.evaluate import Evaluation
from training.run.plots import FORMATS, confusion_matrix, require_picture, training_curves


def evaluation(names=("wave", "clap", "bow")):
    rng = np.random.default_rng(0)
    return Evaluation(names, rng.integers(0, 3, 20), rng.random((20, 3)))


@pytest.mark.parametrize("ending", [*FORMATS, "PNG"])
def test_every_format_can_be_drawn_into_a_folder_that_is_made(tmp_path, ending):
    path = tmp_path / "new" / f"c.{ending}"
    require_picture(path)
    assert not path.exists()
    confusion_matrix(evaluation(), path)
    assert path.stat().st_size > 1000
    assert [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("ending", ["", ".", ".txt", ".pgf", ".png.part"])
def test_other_formats_are_refused(tmp_path, ending):
    with pytest.raises(UserError, match=r"c.* is no picture that can be drawn; its name has to end in \.png, "):
        require_picture(tmp_path / "new" / f"c{ending}")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("draw", [require_picture, lambda path: confusion_matrix(evaluation(), path)])
def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path, draw):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(UserError, match="cannot make the folder"):
        draw(tmp_path / "file" / "c.png")
    with pytest.raises(UserError, match="it is a folder"):
        draw(tmp_path / "folder.png")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder.png"]


def test_a_picture_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "c.png"
    path.write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.files.os.fsync", full)
    with pytest.raises(UserError, match="No space left on device"):
        confusion_matrix(evaluation(), path)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("c.png", "old")]


def test_names_of_classes_are_no_formulas(tmp_path):
    confusion_matrix(evaluation(("wave", r"$\frac{$", "bow")), tmp_path / "c.png")
    assert (tmp_path / "c.png").stat().st_size > 1000


def test_without_matplotlib_a_picture_is_refused_and_curves_are_left_out(tmp_path, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # an import of it fails
    with pytest.raises(UserError, match=r"needs matplotlib: pip install"):
        require_picture(tmp_path / "c.png")
    caplog.set_level("INFO")
    training_curves(tmp_path, "figures", True)
    assert "no curves.png: matplotlib is not installed" in caplog.text
    assert not list(tmp_path.iterdir())


def test_no_two_curves_of_many_look_alike(tmp_path, monkeypatch):
    names = [f"set{i}" for i in range(20)]
    rows = [{"epoch": e, "loss": 1.0, **dict.fromkeys(names, 0.1 * e)} for e in range(2)]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    drawn = []
    monkeypatch.setattr("training.run.plots._write", lambda figure, path: drawn.append(figure))
    training_curves(tmp_path, "top-1 accuracy", True)
    lines = drawn[0].axes[1].lines
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == len(lines) == 20
