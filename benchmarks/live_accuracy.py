"""How often the whole pipeline, from pixels to label, names labelled videos rightly.

    python -m benchmarks.live_accuracy VIDEOS --dataset jhmdb [--list videos.csv --split val] [--json OUT]
        [--threshold P] [--obvious-loop]
    python -m benchmarks.live_accuracy CLIPS --list benchmarks/clips.csv [--threshold P] [--json OUT]

VIDEOS holds one folder of clips a class. Each clip goes through the same ``Pipeline`` as ``python -m app``; the
person with the most decisions counts, and the probabilities of that person's decisions are added up over the data
set's classes.

A list with a column ``words`` names videos of CLIPS itself, without folders of classes, and which words of the model,
with ``;`` between them, are right to say of them. There the model chooses among all its words, and everybody counts,
whoever passes by and whatever else is taken for a person included.

With ``--obvious-loop`` it is not the pipeline that is measured but the loop of ``benchmarks.pipeline``:
a full pose pass and the whole network on every frame.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.pipeline import Run, obvious_loop, pipeline
from benchmarks.shared.report import Output, exit_code
from core.command_line import part
from core.errors import UserError
from pipeline.recognition.model import ActionModel
from training.data.extract import LabelledVideo, find_videos
from training.data.vocabulary import MERGE

SEPARATOR = ";"
"""Between the words of a list's column ``words``."""


@dataclass(frozen=True)
class Said:
    """What was said of one video.

    Attributes:
        video: its name.
        true: its class, or the words that are right, with ``;`` between them.
        said: the class or word with the largest sum of probabilities; None if there was no decision.
        decisions: on those who count.
        labels: decisions that showed a word.
        right_labels: words shown that the class is merged into, or that are right.
    """

    video: str
    true: str
    said: str | None
    decisions: int
    labels: int
    right_labels: int

    @property
    def right(self) -> bool:
        return self.said in self.true.split(SEPARATOR)


def spoken(run: Run, everybody: bool = False) -> tuple[dict[str, float], list[str | None]]:
    """Summed probabilities of words, and the labels shown, of the person with the most decisions or of everybody."""
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
    counted = list(shown) if everybody else [main]
    total: dict[str, float] = defaultdict(float)
    for track in counted:
        for word, p in sums[track].items():
            total[word] += p
    return dict(total), [label for track in counted for label in shown[track]]


def judged(
    name: str,
    right: Sequence[str],
    choices: Mapping[str, Sequence[str]],
    sums: Mapping[str, float],
    shown: Sequence[str | None],
) -> Said:
    """What was said of a video, beside what is right.

    Args:
        name: the video's.
        right: those of the choices that are right.
        choices: what the model chooses among, each with the words whose probabilities it adds up.
        sums, shown: as ``spoken`` returns them.
    """
    scores = {choice: sum(sums.get(word, 0.0) for word in words) for choice, words in choices.items()}
    best = max(scores, key=lambda choice: scores[choice]) if any(scores.values()) else None
    labels = [label for label in shown if label is not None]
    words = {word for choice in right for word in choices[choice]}
    return Said(name, SEPARATOR.join(right), best, len(shown), len(labels), sum(label in words for label in labels))


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
    """File names in the column ``path`` of a table, of one split or of all; raises as ``listed`` does."""
    return {path.name for path, _ in listed(table, split)}


def with_words(folder: Path, table: Path, split: str | None, labels: Sequence[str]) -> dict[Path, tuple[str, ...]]:
    """The videos of a folder that a table has words for, and these words; those without any are told.

    Args:
        labels: words of the model.

    Raises:
        UserError: there are none, one is not there, the model lacks one of the words, or the table cannot be read.
    """
    videos = {}
    for path, words in listed(table, split):
        unknown = [word for word in words or () if word not in labels]
        if unknown:
            raise UserError(f"the model has no word {', '.join(map(repr, unknown))}, which {table} gives for {path}")
        if not (folder / path).is_file():
            raise UserError(f"{folder / path} is not there, which {table} names")
        if words:
            videos[folder / path] = words
        else:
            print(f"left out, as no word of the model is right for it: {path}")
    if not videos:
        raise UserError(f"{table} has words for no video" + (f" of the split {split!r}" if split else ""))
    return videos


def listed(table: Path, split: str | None) -> list[tuple[Path, tuple[str, ...] | None]]:
    """Paths in the column ``path`` of a table, of one split or of all, and what is in the column ``words`` there; None
    in a table that has no such column.

    Raises:
        UserError: it cannot be read as such a table.
    """
    try:
        with table.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if split is None or row["split"] == split]
            return [(Path(row["path"]), _words(row["words"]) if "words" in row else None) for row in rows]
    except OSError as error:
        raise UserError(f"cannot read {table}: {error.strerror or error}") from None
    except KeyError as error:
        raise UserError(f"{table} has no column {error}") from None
    except (csv.Error, UnicodeDecodeError, TypeError):  # a row that is too short has None for a path or its words
        raise UserError(f"{table} is no table with the columns path, split and words") from None


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in str.split(text, SEPARATOR) if word.strip())


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", type=Path)
    parser.add_argument("--dataset", default="jhmdb", choices=sorted(MERGE))
    columns = "path and, if wanted, split and words"
    parser.add_argument("--list", type=Path, metavar="CSV", help=f"columns {columns}; only the videos named there")
    parser.add_argument("--split", help="part of --list")
    parser.add_argument("--pose", default="movenet")
    parser.add_argument("--obvious-loop", action="store_true", help="measure the loop instead of the pipeline")
    parser.add_argument("--long-side", type=int, default=256, help="the loop's pose input (default %(default)s)")
    parser.add_argument("--model")
    parser.add_argument("--threshold", type=part, metavar="P", help="of the pipeline, instead of the calibration's")
    parser.add_argument("--json", type=Path, metavar="OUT")
    args = parser.parse_args(argv)
    if args.obvious_loop and args.threshold is not None:
        parser.error("--threshold is of the pipeline, which --obvious-loop does not measure")
    return exit_code(lambda: measure(args))


def measure(args: argparse.Namespace) -> None:
    """Print what was said of each video, and write it where ``--json`` asks.

    Raises:
        UserError, EngineError, CalibrationError: the videos, a model or the file for the figures cannot be used.
    """
    out = Output(args.json, args.list, *args.videos.glob("*"), *args.videos.glob("*/*"))
    by_words = args.list is not None and any(words is not None for _, words in listed(args.list, args.split))
    classes = None if by_words else wanted(args.videos, args.list, args.split, args.dataset)
    choices: Mapping[str, Sequence[str]]
    rows: list[Said] = []
    with closing(ActionModel.load(args.model)) as model:
        if classes is None:
            choices = {word: (word,) for word in model.labels}
            listed_words = with_words(args.videos, args.list, args.split, model.labels)
            asked = [(path, path.name, words) for path, words in listed_words.items()]
        else:
            choices = MERGE[args.dataset]
            asked = [(video.path, video.name, (video.label,)) for video in classes]
        for path, name, right in asked:
            if args.obvious_loop:
                run = obvious_loop(path, model, args.long_side)
            else:
                run = pipeline(path, model, args.pose, {}, args.threshold)
            rows.append(judged(name, right, choices, *spoken(run, everybody=by_words)))
    shown_labels = sum(row.labels for row in rows)
    summary = {
        "videos": len(rows),
        "with_a_decision": sum(row.decisions > 0 for row in rows),
        "top1": sum(row.right for row in rows) / max(len(rows), 1),
        "labels_shown": shown_labels / max(sum(row.decisions for row in rows), 1),
        "right_of_shown": sum(row.right_labels for row in rows) / max(shown_labels, 1),
    }
    for row in rows:
        mark = " " if row.right else "x"
        print(f"{mark} {row.true:16s} {row.said or '-':16s} {f'{row.labels}/{row.decisions} shown':12s} {row.video}")
    print(json.dumps(summary))
    out.write_json({**summary, "rows": [asdict(row) for row in rows]})


if __name__ == "__main__":
    sys.exit(main())
