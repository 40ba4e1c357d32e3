"""Figures of a table as Markdown for people and JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from training.files import write_text


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
        paper: headings of the paper's figures, which are other data sets' and to be compared in order, not in size.
        command: prints the table.
    """

    name: str
    title: str
    setting: str
    columns: Sequence[str]
    command: str
    paper: Sequence[str] = ()
    rows: list[dict] = field(default_factory=list)

    def add(self, label: str, cells: Sequence[Sequence[float] | str], paper: Sequence[float | str] = ()) -> None:
        """A row: for each column its values, or a text."""
        self.rows.append({"label": label, "cells": [c if isinstance(c, str) else list(c) for c in cells],
                          "paper": list(paper)})  # fmt: skip

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

    def write(self, folder: Path) -> None:
        """``NAME.md`` and ``NAME.json`` in the folder; after every row, so that nothing measured is lost.

        Raises:
            UserError: they cannot be written.
        """
        write_text(folder / f"{self.name}.md", self.markdown())
        data = {"title": self.title, "command": self.command, "columns": list(self.columns),
                "paper_columns": list(self.paper), "rows": self.rows}  # fmt: skip
        write_text(folder / f"{self.name}.json", json.dumps(data, indent=2) + "\n")


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(values: Sequence[float] | str) -> str:
    if isinstance(values, str):
        return values
    if not values:
        return "-"
    text = f"{np.mean(values):.1f}"
    return f"{text} ± {np.std(values, ddof=1):.1f}" if len(values) > 1 else text
