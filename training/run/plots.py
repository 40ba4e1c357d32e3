"""Pictures of a training run: confusion matrix and curves; matplotlib is imported when one is drawn."""

from __future__ import annotations

import io
import json
import logging
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.errors import UserError
from core.files import require_writable, write_whole
from training.evaluate import Evaluation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

log = logging.getLogger(__name__)

FORMATS = ("png", "svg", "pdf", "jpg", "jpeg", "webp", "tif", "tiff")
"""Endings of pictures that matplotlib draws without further programs."""


def require_picture(path: Path) -> None:
    """Make sure, before any work, that a picture can be drawn and written; its folder is made.

    Raises:
        UserError: matplotlib is not installed or does not know the format, or the place cannot be written to.
    """
    if not _installed():
        raise UserError(f'drawing {path} needs matplotlib: pip install "skeleprompt[train]"')
    if _format(path) not in FORMATS:
        raise UserError(f"{path} is no picture that can be drawn; its name has to end in .{', .'.join(FORMATS)}")
    require_writable(path)


def confusion_matrix(result: Evaluation, path: Path) -> None:
    """Draw what was taken for what, each row divided by the number of its clips.

    Raises:
        UserError: see ``require_picture``.
    """
    require_picture(path)
    from matplotlib.figure import Figure

    names = result.label_names
    counts = np.zeros((len(names), len(names)))
    # In an open evaluation a last column collects the words that are none of the data set's classes.
    predicted = result.predicted
    inside = predicted < len(names)
    np.add.at(counts, (result.target[inside], predicted[inside]), 1)
    total = np.maximum(np.bincount(result.target, minlength=len(names)), 1)[:, None]
    parts = counts / total

    size = 2.5 + 0.32 * len(names)
    figure = Figure(figsize=(size, size), layout="constrained")
    axes = figure.subplots()
    axes.imshow(parts, cmap="Blues", vmin=0, vmax=1)
    # The names are the user's: a dollar sign in one begins no formula.
    axes.set_xticks(range(len(names)), names, rotation=90, parse_math=False)
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    for i, j in zip(*np.nonzero(parts >= 0.05), strict=True):
        colour = "white" if parts[i, j] > 0.5 else "black"
        axes.text(j, i, f"{100 * parts[i, j]:.0f}", ha="center", va="center", fontsize=7, color=colour)
    _write(figure, path)


def training_curves(out: Path, figures: str, parts: bool) -> None:
    """Draw ``curves.png``, loss and validation figures of a run; without matplotlib, say so and draw nothing.

    Args:
        out: the run's folder, where its ``metrics.jsonl`` is.
        figures: what the validation figures are.
        parts: whether they are parts of one.

    Raises:
        UserError: the picture cannot be written.
    """
    if not _installed():
        log.info("no curves.png: matplotlib is not installed")
        return
    from matplotlib.figure import Figure

    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines() if line]
    figure = Figure(figsize=(11, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot([r["epoch"] for r in rows], [r["loss"] for r in rows])
    left.set_xlabel("epoch")
    left.set_ylabel("training loss")
    for number, name in enumerate(sorted({k for r in rows for k in r} - {"epoch", "loss", "seconds"})):
        points = [(r["epoch"], r[name]) for r in rows if name in r]
        # There are ten colours; the dashes tell the eleventh line from the first.
        right.plot(*zip(*points, strict=True), "--" if number // 10 % 2 else "-", marker=".", label=name)
    right.set_xlabel("epoch")
    right.set_ylabel(figures)
    right.set_ylim(0, 1 if parts else None)
    if right.lines:
        right.legend(fontsize=7, ncols=2)
    _write(figure, out / "curves.png")


def _installed() -> bool:
    return find_spec("matplotlib") is not None


def _write(figure: Figure, path: Path) -> None:
    """Write a picture whole or not at all."""
    picture = io.BytesIO()  # some formats need to go back in what they have written
    figure.savefig(picture, format=_format(path), dpi=110)
    write_whole(path, lambda file: file.write(picture.getbuffer()))


def _format(path: Path) -> str:
    return path.suffix.lstrip(".").lower()
