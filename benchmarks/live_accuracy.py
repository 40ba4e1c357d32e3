"""How often the whole pipeline, from pixels to label, names labelled videos rightly.

    python -m benchmarks.live_accuracy VIDEOS --dataset jhmdb [--list videos.csv --split val] [--json OUT]
        [--obvious-loop]

VIDEOS holds one folder of clips a class. Each clip goes through the same ``Pipeline`` as ``python -m app``; the
person with the most decisions counts, and the probabilities of that person's decisions are added up over the data
set's classes. With ``--obvious-loop`` it is not the pipeline that is measured but the loop of ``benchmarks.pipeline``:
a full pose pass and the whole network on every frame.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import defaultdict
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.pipeline import Run, obvious_loop, pipeline
from benchmarks.report import Output, exit_code
from pipeline.action_model import ActionModel
from pipeline.errors import UserError
from training.extract import LabelledVideo, find_videos
from training.vocabulary import MERGE


@dataclass(frozen=True)
class Said:
    """What was said of one video.

    Attributes:
        video: its name.
        true: its class.
        said: the class with the largest sum of probabilities; None if there was no decision.
        decisions: on the person who counts.
        labels: decisions that showed a word.
        right_labels: words shown that the class is merged into.
    """

    video: str
    true: str
    said: str | None
    decisions: int
    labels: int
    right_labels: int


def spoken(run: Run) -> tuple[dict[str, float], list[str | None]]:
    """Summed probabilities of words, and the labels shown, of the person with the most decisions."""
    sums: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    shown: dict[int, list[str | None]] = defaultdict(list)
    for frame, labels in run.labels.items():
        for track, label in labels.items():
            shown[track].append(label)
            for word, p in run.top[frame][track]:
                sums[track][word] += p
    if not shown:
        return {}, []
    main = max(shown, key=lambda t: len(shown[t]))
    return dict(sums[main]), shown[main]


def wanted(folder: Path, table: Path | None, split: str | None, dataset: str) -> list[LabelledVideo]:
    """The videos of a folder, or those of them that a table names for a split.

    Raises:
        UserError: there are none, the table cannot be read, or a folder's class is none of the data set's.
    """
    videos = find_videos(folder)
    if table is not None:
        names = named(table, split)
        videos = [v for v in videos if v.path.name in names]
        if not videos:
            raise UserError(f"{table} names no video of {folder}" + (f" for the split {split!r}" if split else ""))
    unknown = sorted({v.label for v in videos} - MERGE[dataset].keys())
    if unknown:
        raise UserError(
            f"the data set {dataset} has no class {', '.join(map(repr, unknown))}, which a folder in {folder} names; "
            "choose another --dataset, or name the folders as it names its classes"
        )
    return videos


def named(table: Path, split: str | None) -> set[str]:
    """File names in the column ``path`` of a table, of one split or of all.

    Raises:
        UserError: it cannot be read as such a table.
    """
    try:
        with table.open(newline="", encoding="utf-8") as file:
            return {Path(row["path"]).name for row in csv.DictReader(file) if split is None or row["split"] == split}
    except OSError as error:
        raise UserError(f"cannot read {table}: {error.strerror or error}") from None
    except KeyError as error:
        raise UserError(f"{table} has no column {error}") from None
    except (csv.Error, UnicodeDecodeError, TypeError):  # a row that is too short has None for a path
        raise UserError(f"{table} is no table with the columns path and split") from None


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", type=Path)
    parser.add_argument("--dataset", default="jhmdb", choices=sorted(MERGE))
    parser.add_argument("--list", type=Path, metavar="CSV", help="columns path and split; only the videos named there")
    parser.add_argument("--split", help="part of --list")
    parser.add_argument("--pose", default="movenet")
    parser.add_argument("--obvious-loop", action="store_true", help="measure the loop instead of the pipeline")
    parser.add_argument("--long-side", type=int, default=256, help="the loop's pose input (default %(default)s)")
    parser.add_argument("--model")
    parser.add_argument("--json", type=Path, metavar="OUT")
    args = parser.parse_args(argv)
    return exit_code(lambda: measure(args))


def measure(args: argparse.Namespace) -> None:
    """Print what was said of each video, and write it where ``--json`` asks.

    Raises:
        UserError, EngineError, CalibrationError: the videos, a model or the file for the figures cannot be used.
    """
    out = Output(args.json, args.list, *args.videos.glob("*/*"))
    videos = wanted(args.videos, args.list, args.split, args.dataset)
    merge = MERGE[args.dataset]
    rows: list[Said] = []
    with closing(ActionModel.load(args.model)) as model:
        for video in videos:
            if args.obvious_loop:
                sums, shown = spoken(obvious_loop(video.path, model, args.long_side))
            else:
                sums, shown = spoken(pipeline(video.path, model, args.pose, {}))
            scores = {name: sum(sums.get(w, 0.0) for w in words) for name, words in merge.items()}
            best = max(scores, key=lambda name: scores[name]) if any(scores.values()) else None
            labels = [label for label in shown if label is not None]
            right = sum(label in merge[video.label] for label in labels)
            rows.append(Said(video.name, video.label, best, len(shown), len(labels), right))
    shown_labels = sum(row.labels for row in rows)
    summary = {
        "videos": len(rows),
        "with_a_decision": sum(row.decisions > 0 for row in rows),
        "top1": sum(row.said == row.true for row in rows) / max(len(rows), 1),
        "labels_shown": shown_labels / max(sum(row.decisions for row in rows), 1),
        "right_of_shown": sum(row.right_labels for row in rows) / max(shown_labels, 1),
    }
    for row in rows:
        mark = " " if row.said == row.true else "x"
        print(f"{mark} {row.true:16s} {row.said or '-':16s} {f'{row.labels}/{row.decisions} shown':12s} {row.video}")
    print(json.dumps(summary))
    out.write_json({**summary, "rows": [asdict(row) for row in rows]})


if __name__ == "__main__":
    sys.exit(main())
