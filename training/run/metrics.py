"""What a run's epochs printed, as files to look at while it goes on."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.files import write_text

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


Row = dict[str, float]
"""``epoch``, ``loss``, ``seconds``, and figures that not every epoch has."""


class Metrics:
    """Writes ``metrics.csv``, ``metrics.jsonl`` and, where the ``tensorboard`` package is installed, its events.

    The rows are kept in the checkpoint and these files are made from them after it is written. So a kill at any moment
    neither doubles an epoch nor loses one: the files of a resumed run are made anew.

    Args:
        out: the run's folder.
        rows: epochs of the run before it was interrupted.
    """

    def __init__(self, out: Path, rows: Sequence[Row]) -> None:
        self.out = out
        self._events = _event_writer(out)
        if rows:
            self._write_files(rows)
            for row in rows:
                self._write_events(row)

    def write(self, rows: Sequence[Row]) -> None:
        """All rows so far, of which the last one is new."""
        self._write_files(rows)
        self._write_events(rows[-1])

    def close(self) -> None:
        """End the events."""
        if self._events is not None:
            self._events.close()

    def _write_files(self, rows: Sequence[Row]) -> None:
        write_text(self.out / "metrics.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
        names = list(dict.fromkeys(name for row in rows for name in row))
        table = io.StringIO()
        writer = csv.DictWriter(table, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_text(self.out / "metrics.csv", table.getvalue())

    def _write_events(self, row: Row) -> None:
        if self._events is not None:
            for name, value in row.items():
                if name != "epoch":
                    self._events.add_scalar(name, value, int(row["epoch"]))
            self._events.flush()


def _event_writer(out: Path) -> SummaryWriter | None:
    """TensorBoard's writer, or None without its package; epochs that an earlier process wrote are purged."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(out / "tensorboard"), purge_step=0)
