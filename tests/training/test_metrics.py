"""The files a run's epochs are read from, with and without TensorBoard."""

import csv
import sys

import pytest

from training.run.metrics import Metrics
from training.run.plots import training_curves

ROWS = [
    {"epoch": 0, "loss": 2.0, "seconds": 1.0},
    {"epoch": 1, "loss": 1.5, "seconds": 1.0, "val": 0.25},
    {"epoch": 2, "loss": 1.25, "seconds": 1.0, "val": 0.5},
]


def write(out, rows, before=()):
    metrics = Metrics(out, list(before))
    for i in range(len(before), len(rows)):
        metrics.write(rows[: i + 1])
    metrics.close()


def scalars(out, name):
    """Steps and values as TensorBoard shows them."""
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="the tensorboard package is not installed"
    )
    events = accumulator.EventAccumulator(str(out / "tensorboard"))
    events.Reload()
    return [(e.step, e.value) for e in events.Scalars(name)]


def test_the_table_has_a_column_for_every_figure(tmp_path):
    write(tmp_path, ROWS)
    with (tmp_path / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["val"] for row in rows] == ["", "0.25", "0.5"]
    assert [row["loss"] for row in rows] == ["2.0", "1.5", "1.25"]


def test_tensorboard_shows_each_epoch_once_after_a_kill(tmp_path):
    """The killed process had written an epoch that its checkpoint does not hold."""
    pytest.importorskip("tensorboard", reason="the tensorboard package is not installed")
    write(tmp_path, [*ROWS[:2], {"epoch": 2, "loss": 9.0, "seconds": 1.0}])
    write(tmp_path, ROWS, before=ROWS[:2])
    assert scalars(tmp_path, "loss") == [(0, 2.0), (1, 1.5), (2, 1.25)]
    assert scalars(tmp_path, "val") == [(1, 0.25), (2, 0.5)]


def test_without_tensorboard_the_other_files_are_written(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)  # an import of it fails
    for name in [name for name in sys.modules if name.startswith("torch.utils.tensorboard")]:
        monkeypatch.delitem(sys.modules, name)
    write(tmp_path, ROWS)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["metrics.csv", "metrics.jsonl"]


@pytest.mark.parametrize("parts", [True, False])
def test_curves_are_drawn(tmp_path, parts):
    write(tmp_path, ROWS)
    training_curves(tmp_path, "figures", parts)
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
