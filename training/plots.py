"""Pictures of a training run: confusion matrix and curves."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from training.evaluate import Evaluation


def confusion_matrix(result: Evaluation, path: Path) -> None:
    """Draw what was taken for what, each row divided by the number of its clips."""
    names = result.label_names
    counts = np.zeros((len(names), len(names)))
    # In an open evaluation a last column collects the words that are none of the data set's classes.
    predicted = result.predicted
    inside = predicted < len(names)
    np.add.at(counts, (result.target[inside], predicted[inside]), 1)
    total = np.maximum(np.bincount(result.target, minlength=len(names)), 1)[:, None]
    parts = counts / total

    size = 2.5 + 0.32 * len(names)
    figure, axes = plt.subplots(figsize=(size, size), layout="constrained")
    axes.imshow(parts, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    for i, j in zip(*np.nonzero(parts >= 0.05), strict=True):
        colour = "white" if parts[i, j] > 0.5 else "black"
        axes.text(j, i, f"{100 * parts[i, j]:.0f}", ha="center", va="center", fontsize=7, color=colour)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def training_curves(metrics: Path, path: Path, figures: str = "top-1 accuracy", parts: bool = True) -> None:
    """Draw loss and validation figures from a run's ``metrics.jsonl``.

    Args:
        metrics: that file.
        path: picture to write.
        figures: what the validation figures are.
        parts: whether they are parts of one.
    """
    rows = [json.loads(line) for line in metrics.read_text().splitlines() if line]
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
    left.plot([r["epoch"] for r in rows], [r["loss"] for r in rows])
    left.set_xlabel("epoch")
    left.set_ylabel("training loss")
    for name in sorted({k for r in rows for k in r} - {"epoch", "loss", "seconds"}):
        points = [(r["epoch"], r[name]) for r in rows if name in r]
        right.plot(*zip(*points, strict=True), marker=".", label=name)
    right.set_xlabel("epoch")
    right.set_ylabel(figures)
    right.set_ylim(0, 1 if parts else None)
    if right.lines:
        right.legend(fontsize=7, ncols=2)
    figure.savefig(path, dpi=110)
    plt.close(figure)
