"""Files of windows for `python -m engines check` and `quantise`.

    python -m benchmarks.windows clips models/check-windows.npz ../shared/clips/*.mp4
    python -m benchmarks.windows data labelled.npz ../shared/data --part val

`clips` runs the shipped pose network, the tracker and the resampling of the live pipeline over videos and keeps a
window of every person each second; `data` cuts labelled recordings into windows as the evaluation does, with the right
classes of the shipped model; `--part val` leaves out data sets of which the model was trained on that part too.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchmarks.pipeline import NewestFrames
from benchmarks.shared.report import Output, exit_code, positive
from core.preprocess import PREPROCESS_VERSION
from engines import load
from engines.action.metadata import labels as labels_of
from engines.action.window_set import WindowSet
from models import model_path
from pipeline import UserError
from pipeline.pose import create_pose
from pipeline.sources import open_source
from pipeline.tracking import Tracker

if TYPE_CHECKING:
    from training.recipe import Part

FRAMES = 32
DATA_SETS = ("jhmdb_train", "nw_ucla", "utkinect", "msr_action3d", "kard", "exercise_train")
"""Of the shipped model's recipe those that are used here, so that files made at different times can be compared."""


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    clips = commands.add_parser("clips")
    clips.add_argument("out", type=Path)
    clips.add_argument("videos", type=Path, nargs="+")
    clips.add_argument("--each-s", type=float, default=1.0)
    clips.set_defaults(run=_clips)
    data = commands.add_parser("data")
    data.add_argument("out", type=Path)
    data.add_argument("folder", type=Path)
    data.add_argument("--part", choices=("train", "val"), default="val")
    data.add_argument("--every", type=positive, default=1, help="keep every n-th recording")
    data.set_defaults(run=_data)
    args = parser.parse_args(argv)
    return exit_code(lambda: args.run(args))


def _clips(args: argparse.Namespace) -> None:
    out = Output(args.out, *args.videos)
    found = [window for video in args.videos for window in windows_of_video(video, args.each_s)]
    if not found:
        raise UserError("nobody was seen for half a second or more in these videos")
    out.fill(WindowSet(np.stack(found), PREPROCESS_VERSION).save)
    print(f"{len(found)} windows of {len(args.videos)} videos, {args.out.stat().st_size / 1e3:.0f} kB")


def windows_of_video(video: Path, each_s: float) -> list[NDArray[np.float32]]:
    """(T, 17, 5) of every tracked person, once every ``each_s`` seconds and when a track ends."""
    tracker, newest = Tracker(), NewestFrames(FRAMES)
    taken: dict[int, float] = {}  # when a track's last window was
    found = []
    with contextlib.closing(create_pose("movenet")) as pose, open_source(video) as source:
        for frame in source:
            people = tracker.update(pose.estimate(frame), frame.time_s)
            newest.update(people, frame.time_s)
            for track in (person.track for person in people):
                if newest.windows[track].seen_s > 0.5 and frame.time_s - taken.get(track, -np.inf) >= each_s:
                    taken[track] = frame.time_s
                    found.append(newest.features(track))
    return found


def _data(args: argparse.Namespace) -> None:
    out = Output(args.out, *args.folder.glob("*.pkl"))
    windows, counts = labelled_windows(args.folder, args.part, args.every)
    out.fill(windows.save)
    print(f"{len(windows)} windows: {json.dumps(counts)}")


def split_of(place: Part, part: str) -> str:
    """The training or the held-out split of a data set, of the first protocol where the recipe names two."""
    return place.train.split("&")[0] if part == "train" else place.validate[0]


def labelled_windows(folder: Path, part: str, every: int = 1) -> tuple[WindowSet, Counter[str]]:
    """Windows of labelled recordings with the right classes of the shipped model.

    Args:
        folder: of the annotation files.
        part: ``train``, or ``val`` for recordings that the shipped model was not trained on.
        every: keep every n-th recording.

    Returns:
        The windows, and how many there are of each data set.

    Raises:
        UserError: a data set is missing or has other classes than the shipped model knows.
        EngineError: the shipped model cannot be loaded.
    """
    from engines.action.reference import read_weights
    from training.data.datasets import load_dataset
    from training.recipe import SHIPPED, require_merge
    from training.windows.cut import clip_features, sliding_windows

    with load(model_path("skeleformer-temporal.onnx"), "onnx-cpu") as network:
        words = tuple(labels_of(network.metadata))
    features, right, allowed = [], [], []
    counts: Counter[str] = Counter()
    _, weights = read_weights(model_path("skeleformer.safetensors"))
    seen = json.loads(weights.get("validation_seen", "[]")) if part == "val" else []
    recipe = {place.file: place for place in SHIPPED}
    for name in DATA_SETS:
        if name in seen:
            continue
        data = load_dataset(folder / f"{name}.pkl")
        merge = require_merge(data, words)
        known = np.zeros(len(words), bool)
        known[[word for classes in merge for word in classes]] = True
        for clip in data.part(split_of(recipe[name], part))[::every]:
            for window in sliding_windows(clip_features(clip), FRAMES, FRAMES // 2):
                padded = np.zeros((FRAMES, 17, 5), np.float32)
                padded[FRAMES - window.shape[1] :] = window[0]
                if not (padded[..., 4] > 0).any():
                    continue
                target = np.zeros(len(words), bool)
                target[list(merge[clip.label])] = True
                features.append(padded)
                right.append(target)
                allowed.append(known)
                counts[name] += 1
    if not features:
        raise UserError(f"the recordings in {folder} show nobody")
    return WindowSet(np.stack(features), PREPROCESS_VERSION, np.stack(right), np.stack(allowed)), counts


if __name__ == "__main__":
    sys.exit(main())
