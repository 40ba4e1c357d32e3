# ruff: noqa: E501  (the lines are those of the card)
"""The shipped model's card: what it was trained on, what it can name, and what the evaluation said of it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path

from training.data.datasets import load_dataset
from training.evaluate import Predict, evaluate
from training.recipe import SHIPPED, require_merge

_TITLES = {
    "jhmdb_train": "JHMDB split 1, MoveNet multipose", "jhmdb_train_lightning": "JHMDB split 1, MoveNet Lightning",
    "exercise_train": "exercises, yoga, falls", "nw_ucla": "NW-UCLA", "utkinect": "UTKinect-Action3D",
    "msr_action3d": "MSR Action3D", "kard": "KARD", "msr_daily": "MSR DailyActivity3D", "florence": "Florence 3D actions",
    "gtu": "GTU Action3D", "sbu": "SBU Kinect Interaction, two people",
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
    table = [
        f"| {_TITLES[r['data']]}{'*' if r['twin'] else ''} | `{r['split']}` | {r['n']} | {_told_apart(r)} | {r['sliding']:.1%} | {r['mean_class_accuracy']:.1%} | "
        f"{r['centre']:.1%} | {r['open']:.1%} |"
        for r in rows
    ]
    fitted = calibration.get("fitted_on", {})
    sums = [f"| `{f.name}` | {f.stat().st_size:,} | `{sha256(f)}` |" for f in files]
    whole = {r["data"] for r in rows if r["twin"]}
    trained = ", ".join(f"{_TITLES[p.file]} (`{'all' if p.file in whole else p.train}`)" for p in SHIPPED)
    return "\n".join(
        [
            "# SkeleFormer, everyday actions",
            "",
            f"Names what one person does from the last two seconds of 2-D keypoints (17 COCO joints), in {len(words)} words.",
            "SkeleFormer with joint-enhanced multi-stream fusion, full size (4 spatial and 4 temporal layers, 17 x 32 = 544",
            "channels), windows of 32 frames at 15 Hz, pooled by mean and maximum; how it was trained: `docs/training.md`.",
            "",
            "## Licence and limits",
            "",
            "**For research only.** The weights were trained on recordings whose terms allow no more than that or are not",
            "stated ([below](#training-data)); the code around them is Apache-2.0. The model sees joints, not objects: it guesses *drink* and",
            "*phone* from the arm alone. Sensor recordings teach many of its words, and it is weaker on those from real video",
            "than the table, which uses each set's own recordings, says. Known to go wrong: of the words it has, only those of",
            "JHMDB were ever seen on close-ups of an upper body in video, and it falls back on them with confidence; a boxer who",
            "keeps his hands at his face is *brush hair*. It must not be used to judge people.",
            "",
            "## Accuracy",
            "",
            f"Printed by `{command}`. Validation parts only; none of their clips was trained on by the model measured. Rows",
            "with a star are of the shipped model's twin, trained in the same way on training parts alone; the shipped weights",
            "saw those validation clips too, so evaluating them there measures nothing. *Top-1*: the model chooses",
            "among the data set's classes, windows at a stride of one second averaged over the clip. *Window*: the middle two",
            "seconds alone. *Open*: the model chooses among all its words.",
            "",
            "| data set | split | clips | classes | top-1 | mean of classes | window | open |",
            "|---|---|---|---|---|---|---|---|",
            *table,
            "",
            "*Classes*: a set's own classes that map to the same words of the model (*stand* and *sit* of the exercises, *bend leg a*",
            "and *bend leg b* of GTU, *approach* and *depart* of SBU) count as one.",
            "NW-UCLA's two protocols are both reported of one model, which therefore saw only views 1 and 2 of subjects 1 to 7.",
            "GTU has no subject numbers, so the same person may be in both of its parts.",
            "",
            "## Calibration",
            "",
            f"Temperature {calibration['temperature']:.3f}, threshold {calibration['threshold']:.3f}, fitted on "
            f"{fitted.get('windows', 0)} validation windows of real video by the twin:",
            f"expected calibration error {fitted.get('ece', 0):.3f} (before: {fitted.get('ece_before', 0):.3f}); "
            f"{fitted.get('shown', 0):.0%} of the decisions are shown,",
            f"{fitted.get('precision_of_shown', 0):.0%} of those are right. The others are shown as unknown.",
            "",
            "## Training data",
            "",
            f"{trained}, and labelled takes of the Bandai-Namco, CMU and HDM05 motion-capture collections.",
            "3-D recordings are seen by random virtual cameras, with the noise of a 2-D detector added.",
            "",
            "Terms, where the copies used state any: Bandai-Namco CC BY-NC 4.0; CMU free to use but not to resell; HDM05, by its",
            "authors, CC BY-SA 3.0; falls and postures of GMDCSA24 (Alam, 2024) MIT; NW-UCLA from a repository under CC BY-NC 4.0.",
            "The others state none.",
            "",
            "## Words",
            "",
            ", ".join(words) + ".",
            "",
            "How each data set's classes map to these words is in `training/data/vocabulary.py`.",
            "",
            "## Files",
            "",
            "The `.onnx` files hold the two halves of the network with their weights stored in half precision; computing is in",
            "single precision. What the second half loses in int8, which a CPU can be asked for, is in its `.int8.json`.",
            *([f"The twin's weights are not among them; their sha256 is `{twin}`."] if twin else []),
            "",
            "| file | bytes | sha256 |",
            "|---|---|---|",
            *sums,
            "",
        ]
    )


def _told_apart(row: dict) -> str:
    """``21``, or ``13 of 14`` where some of a data set's classes count as one."""
    told, own = row["classes"], row["own_classes"]
    return f"{told}" if told == own else f"{told} of {own}"
