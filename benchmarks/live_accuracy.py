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
from pathlib import Path

from benchmarks.pipeline import Run, obvious_loop, pipeline
from pipeline.action_model import ActionModel
from pipeline.errors import UserError
from training.extract import LabelledVideo, find_videos
from training.vocabulary import MERGE


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


def wanted(args: argparse.Namespace) -> list[LabelledVideo]:
    videos = find_videos(Path(args.videos))
    if args.list is None:
        return videos
    with open(args.list, newline="") as file:
        names = {Path(row["path"]).name for row in csv.DictReader(file) if args.split in (None, row["split"])}
    return [v for v in videos if v.path.name in names]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos")
    parser.add_argument("--dataset", default="jhmdb", choices=sorted(MERGE))
    parser.add_argument("--list", metavar="CSV", help="columns path and split; only the videos named there")
    parser.add_argument("--split", help="part of --list")
    parser.add_argument("--pose", default="movenet")
    parser.add_argument("--obvious-loop", action="store_true", help="measure the loop instead of the pipeline")
    parser.add_argument("--long-side", type=int, default=256, help="the loop's pose input (default %(default)s)")
    parser.add_argument("--model")
    parser.add_argument("--json")
    args = parser.parse_args()
    merge = MERGE[args.dataset]
    try:
        rows = []
        with closing(ActionModel.load(args.model)) as model:
            for video in wanted(args):
                if args.obvious_loop:
                    sums, shown = spoken(obvious_loop(video.path, model, args.long_side))
                else:
                    sums, shown = spoken(pipeline(video.path, model, args.pose, {}))
                scores = {name: sum(sums.get(w, 0.0) for w in words) for name, words in merge.items()}
                best = max(scores, key=lambda name: scores[name]) if any(scores.values()) else None
                labels = [label for label in shown if label is not None]
                rows.append(
                    {
                        "video": video.name, "true": video.label, "said": best, "decisions": len(shown),
                        "labels": len(labels), "right_labels": sum(label in merge[video.label] for label in labels),
                    }
                )  # fmt: skip
    except (UserError, OSError, KeyError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    decided = [r for r in rows if r["decisions"]]
    labels, right = sum(r["labels"] for r in rows), sum(r["right_labels"] for r in rows)
    summary = {
        "videos": len(rows),
        "with_a_decision": len(decided),
        "top1": sum(r["said"] == r["true"] for r in rows) / max(len(rows), 1),
        "labels_shown": labels / max(sum(r["decisions"] for r in rows), 1),
        "right_of_shown": right / max(labels, 1),
    }
    for row in rows:
        mark = " " if row["said"] == row["true"] else "x"
        count = f"{row['labels']}/{row['decisions']} shown"
        print(f"{mark} {row['true']:16s} {row['said'] or '-':16s} {count:12s} {row['video']}")
    print(json.dumps(summary))
    if args.json:
        Path(args.json).write_text(json.dumps({**summary, "rows": rows}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
