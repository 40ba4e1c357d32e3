"""What the pipeline says of people who do nothing: pictures of each video, held for some seconds.

    python -m benchmarks.idle VIDEO [VIDEO ...] [--pictures 3] [--seconds 4] [--threshold P] [--json OUT]

Sensor noise and a trembling hand are added to each frame, so that the pose model's real jitter is there. Nobody in a
held picture does anything, so whatever action is shown is wrong; `idle` and unknown are right. It says nothing of
people who were recorded while they stand or sit quietly, nor of those who stroll or step on the spot.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path

import numpy as np

from benchmarks.shared.report import Output, exit_code
from core.command_line import COUNT, part, positive
from pipeline import Pipeline
from pipeline.recognition.model import ActionModel
from training.data.held import pictures, write_held
from training.data.vocabulary import IDLE


def said(
    picture: np.ndarray, seconds: float, model: ActionModel, threshold: float | None = None
) -> list[tuple[str | None, float]]:
    """Label and probability of every decision of everybody in a picture that is held.

    Args:
        picture: (H, W, 3) as a camera gives it.
        seconds: how long it is held.
        model: that decides.
        threshold: least probability of a label that is shown; None for the calibration's own.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "held.avi"
        write_held(picture, file, seconds)
        with Pipeline(file, model=model, threshold=threshold) as results:
            return [(r.actions[t].label, r.actions[t].probability) for r in results for t in r.decided]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="+")
    parser.add_argument("--pictures", type=COUNT, default=1, help="of each video (default: its first)")
    parser.add_argument("--seconds", type=positive, default=4.0)
    parser.add_argument("--model")
    parser.add_argument("--threshold", type=part, metavar="P", help="instead of the calibration's")
    parser.add_argument("--json", type=Path, metavar="OUT")
    args = parser.parse_args(argv)
    return exit_code(lambda: measure(args))


def measure(args: argparse.Namespace) -> None:
    """Print what was said, and write it where ``--json`` asks.

    Raises:
        UserError, EngineError, CalibrationError: a video, the model or the file for the figures cannot be used.
    """
    out = Output(args.json, *args.videos)
    counts: Counter[str] = Counter()
    rows = []
    with closing(ActionModel.load(args.model)) as model:
        for video in map(Path, args.videos):
            held_ones = pictures(video, args.pictures)
            labels = [label for picture in held_ones for label, _ in said(picture, args.seconds, model, args.threshold)]
            shown = Counter("unknown" if label is None else label for label in labels)
            counts += shown
            rows.append({"video": video.name, "said": dict(shown.most_common())})
            words = ", ".join(f"{n} {w}" for w, n in shown.most_common())
            print(f"{video.name[:40]:40s} {words or 'nobody found'}", flush=True)
    total = max(sum(counts.values()), 1)
    summary = {
        "videos": len(rows),
        "pictures": args.pictures,
        "decisions": sum(counts.values()),
        "idle": counts[IDLE] / total,
        "unknown": counts["unknown"] / total,
        "wrong": 1 - (counts[IDLE] + counts["unknown"]) / total,
    }
    print(json.dumps(summary))
    out.write_json({**summary, "rows": rows})


if __name__ == "__main__":
    sys.exit(main())
