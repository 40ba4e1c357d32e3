"""What the pipeline says of people who do nothing: the first picture of each video, held for some seconds.

    python -m benchmarks.idle VIDEO [VIDEO ...] [--seconds 4] [--json OUT]

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
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np

from benchmarks.report import Output, exit_code
from pipeline import Pipeline
from pipeline.action_model import ActionModel
from pipeline.errors import UserError
from training.vocabulary import IDLE

FPS = 30.0
NOISE = 6.0
"""Standard deviation of the sensor's noise in grey levels."""
TREMBLE_PX = 1.5


def held(picture: np.ndarray, seconds: float, seed: int = 0) -> Iterator[np.ndarray]:
    """The frames of a camera that looks at a picture."""
    rng = np.random.default_rng(seed)
    shift = np.zeros(2)
    for _ in range(round(seconds * FPS)):
        shift = 0.9 * shift + rng.normal(0, 0.4 * TREMBLE_PX, 2)
        move = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
        moved = cv2.warpAffine(picture, move, picture.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
        yield np.clip(moved + rng.normal(0, NOISE, picture.shape), 0, 255).astype(np.uint8)


def first_picture(path: Path) -> np.ndarray:
    """The first frame of a video.

    Raises:
        UserError: it has none.
    """
    video = cv2.VideoCapture(str(path))
    ok, picture = video.read()
    video.release()
    if not ok:
        raise UserError(f"{path} cannot be read as a video")
    return picture


def said(path: Path, seconds: float, model: ActionModel) -> list[tuple[str | None, float]]:
    """Label and probability of every decision of everybody."""
    picture = first_picture(path)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "held.avi"
        writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), FPS, picture.shape[1::-1])
        for frame in held(picture, seconds):
            writer.write(frame)
        writer.release()
        with Pipeline(file, model=model) as results:
            return [(r.actions[t].label, r.actions[t].probability) for r in results for t in r.decided]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="+")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--model")
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
            labels = [label for label, _ in said(video, args.seconds, model)]
            shown = Counter("unknown" if label is None else label for label in labels)
            counts += shown
            rows.append({"video": video.name, "said": dict(shown.most_common())})
            words = ", ".join(f"{n} {w}" for w, n in shown.most_common())
            print(f"{video.name[:40]:40s} {words or 'nobody found'}", flush=True)
    total = max(sum(counts.values()), 1)
    summary = {
        "videos": len(rows),
        "decisions": sum(counts.values()),
        "idle": counts[IDLE] / total,
        "unknown": counts["unknown"] / total,
        "wrong": 1 - (counts[IDLE] + counts["unknown"]) / total,
    }
    print(json.dumps(summary))
    out.write_json({**summary, "rows": rows})


if __name__ == "__main__":
    sys.exit(main())
