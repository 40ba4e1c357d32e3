"""The shipped model's card: what it was trained on, what it can name, and what the evaluation said of it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path

from jinja2 import StrictUndefined, Template

from training.data.datasets import load_dataset
from training.evaluate import Predict, evaluate
from training.recipe import SHIPPED, require_merge

_TEMPLATE = Path(__file__).with_name("card.md.jinja")

_TITLES = {
    "jhmdb_train": "JHMDB split 1, MoveNet multipose", "jhmdb_train_lightning": "JHMDB split 1, MoveNet Lightning",
    "exercise_train": "exercises, yoga, falls", "nw_ucla": "NW-UCLA", "utkinect": "UTKinect-Action3D",
    "msr_action3d": "MSR Action3D", "kard": "KARD", "msr_daily": "MSR DailyActivity3D",
    "florence": "Florence 3D actions", "gtu": "GTU Action3D", "sbu": "SBU Kinect Interaction, two people",
}  # fmt: skip


def figures(predict: Predict, folder: Path, frames: int, twin: Predict, seen: Collection[str]) -> list[dict]:
    """Accuracy on every validation split of the recipe, closed and open, of whole clips and of single windows.

    Args:
        predict: the shipped model.
        folder: of the data sets.
        frames: of a window.
        twin: the model trained in the same way on training parts alone.
        seen: files whose validation part the shipped model was trained on; there the twin is measured.

    Returns:
        A row for each split, accuracies in parts of one:

        * ``data``, ``split``: file and split; ``twin``: whether the twin was measured;
        * ``n``: clips; ``own_classes``: the data set's classes they are of; ``classes``: how many of these the model
          tells apart, those that map to the same words counting as one;
        * ``sliding``: top-1 of whole clips among the data set's classes; ``mean_class_accuracy``: the mean of each
          class's own;
        * ``centre``: top-1 of the middle window alone; ``open``: of whole clips among all words.
    """
    rows = []
    for part in SHIPPED:
        measured = twin if part.file in seen else predict
        data = load_dataset(folder / f"{part.file}.pkl")
        merge = require_merge(data)
        for split in part.validate:
            clips = data.part(split)
            row: dict = {"data": part.file, "split": split, "twin": part.file in seen}
            row["own_classes"] = len({clip.label for clip in clips})
            for key, views, opened in (
                ("sliding", "sliding", False), ("centre", "centre", False), ("open", "sliding", True)
            ):  # fmt: skip
                report = evaluate(measured, clips, data.label_names, merge, frames, views, part.people, opened).report()
                row[key] = report["top1"]
                row["n"] = report["n"]
                if key == "sliding":
                    row["mean_class_accuracy"] = report["mean_class_accuracy"]
                    row["classes"] = len(report["per_class"])
            rows.append(row)
    return rows


def sha256(path: Path) -> str:
    """A file's checksum in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def markdown(
    rows: list[dict],
    words: tuple[str, ...],
    calibration: dict,
    files: list[Path],
    command: str,
    twin: str | None,
) -> str:
    """The card's text.

    Args:
        rows: of ``figures``.
        words: of the model.
        calibration: content of its calibration file.
        files: of the model, whose sizes and checksums are told.
        command: that prints the figures.
        twin: checksum of the twin's weights; None where no twin was needed.
    """
    template = Template(
        _TEMPLATE.read_text("utf-8"), trim_blocks=True, keep_trailing_newline=True, undefined=StrictUndefined
    )
    return template.render(
        rows=rows, words=words, calibration=calibration, fitted=calibration.get("fitted_on", {}), files=files,
        command=command, twin=twin, titles=_TITLES, parts=SHIPPED, whole={r["data"] for r in rows if r["twin"]},
        format=format, sha256=sha256,
    )  # fmt: skip
