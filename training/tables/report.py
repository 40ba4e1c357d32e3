"""Figures of a table as Markdown for people and JSON for programs, and its rows kept when it is interrupted."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from core.files import write_text

log = logging.getLogger(__name__)


def files_of(table: str, targets: Sequence[str], usual: Sequence[str]) -> str:
    """Name of a table's files, without suffix: made of other data sets than the usual ones, it says which."""
    return table if sorted(targets) == sorted(usual) else "-".join((table, *targets))


@dataclass
class Report:
    """A table of accuracies, one list of values (a value a seed) in each cell.

    Attributes:
        name: of the files.
        title: heading.
        setting: what was trained on what, in a sentence or two.
        columns: headings of the figures.
        command: prints the table.
        paper: headings of the paper's figures, which are other data sets' and to be compared in order, not in size.
        made_from: what the figures depend on (digests of the files read, seeds, rates); rows that were kept belong to
            a table only if theirs is the same.
        rows: those measured: ``label``, ``cells``, ``paper`` and, if the table says so, more for programs.
    """

    name: str
    title: str
    setting: str
    columns: Sequence[str]
    command: str
    paper: Sequence[str] = ()
    made_from: Mapping[str, Any] = field(default_factory=dict)
    rows: list[dict] = field(default_factory=list)

    def has(self, label: str) -> bool:
        """Whether the row is measured."""
        return any(row["label"] == label for row in self.rows)

    def add(
        self, label: str, cells: Sequence[Sequence[float] | str], paper: Sequence[float | str] = (), **more: Any
    ) -> None:
        """A row: for each column its values, or a text; ``more`` is for programs."""
        self.rows.append({"label": label, "cells": [c if isinstance(c, str) else list(c) for c in cells],
                          "paper": list(paper), **more})  # fmt: skip

    def markdown(self) -> str:
        head = ["", *self.columns, *(f"paper: {p}" for p in self.paper)]
        lines = [f"# {self.title}", "", self.setting, "", f"`{self.command}`", "", _line(head),
                 _line(["---"] + ["---:"] * (len(head) - 1))]  # fmt: skip
        for row in self.rows:
            paper = [*row["paper"], *[""] * (len(self.paper) - len(row["paper"]))]
            lines.append(_line([row["label"], *(_cell(c) for c in row["cells"]), *(str(p) for p in paper)]))
        seeds = max((len(c) for row in self.rows for c in row["cells"] if not isinstance(c, str)), default=0)
        if seeds > 1:
            lines += ["", f"Mean and standard deviation of up to {seeds} seeds."]
        return "\n".join(lines) + "\n"

    def resume(self, folder: Path) -> None:
        """Take over the rows that an interrupted run of the same command on the same files has kept."""
        try:
            kept = json.loads(self._unfinished(folder).read_text(encoding="utf-8"))
        except (OSError, ValueError):  # nothing kept, or not by this program
            return
        if isinstance(kept, dict) and kept | {"rows": None} == self._data() | {"rows": None}:
            self.rows = kept["rows"]
            log.info("%s goes on after %d rows", self.name, len(self.rows))

    def keep(self, folder: Path) -> None:
        """Keep the rows so far in ``NAME.unfinished.json``; a finished table of that name stays as it is.

        Raises:
            UserError: the file cannot be written.
        """
        write_text(self._unfinished(folder), json.dumps(self._data(), indent=2) + "\n")

    def write(self, folder: Path) -> None:
        """The finished table: ``NAME.md`` and ``NAME.json`` in the folder.

        Raises:
            UserError: they cannot be written.
        """
        write_text(folder / f"{self.name}.md", self.markdown())
        write_text(folder / f"{self.name}.json", json.dumps(self._data(), indent=2) + "\n")
        self._unfinished(folder).unlink(missing_ok=True)

    def _unfinished(self, folder: Path) -> Path:
        return folder / f"{self.name}.unfinished.json"

    def _data(self) -> dict[str, Any]:
        """As JSON gives it back."""
        data = {"title": self.title, "setting": self.setting, "command": self.command, "columns": self.columns,
                "paper_columns": self.paper, "made_from": self.made_from, "rows": self.rows}  # fmt: skip
        return json.loads(json.dumps(data))


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(values: Sequence[float] | str) -> str:
    if isinstance(values, str):
        return values
    if not values:
        return "-"
    text = f"{np.mean(values):.1f}"
    return f"{text} ± {np.std(values, ddof=1):.1f}" if len(values) > 1 else text
