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
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engines import load
from engines.metadata import labels as labels_of
from engines.windows import WindowSet
from models import model_path
from pipeline.pose import create_pose
from pipeline.preprocess import PREPROCESS_VERSION, RATE_HZ, window_features
from pipeline.sources import open_source
from pipeline.tracking import Tracker
from pipeline.windows import Windows

FRAMES = 32
SPLITS = {  # data set -> its training and held-out parts
    "jhmdb_train": ("train", "val"),
    "nw_ucla": ("xview_train", "xview_val"),
    "utkinect": ("xsub_train", "xsub_val"),
    "msr_action3d": ("xsub_train", "xsub_val"),
    "kard": ("xsub_train", "xsub_val"),
    "exercise_train": ("train", "val"),
}


def main() -> None:
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
    data.add_argument("--every", type=int, default=1, help="keep every n-th recording")
    data.set_defaults(run=_data)
    args = parser.parse_args()
    args.run(args)


def _clips(args: argparse.Namespace) -> None:
    found = [window for video in args.videos for window in windows_of_video(video, args.each_s)]
    WindowSet(np.stack(found), PREPROCESS_VERSION).save(args.out)
    print(f"{len(found)} windows of {len(args.videos)} videos, {args.out.stat().st_size / 1e3:.0f} kB")


def windows_of_video(video: Path, each_s: float) -> list[NDArray[np.float32]]:
    """(T, 17, 5) of every tracked person, once every ``each_s`` seconds and when a track ends."""
    tracker, windows, taken = Tracker(), Windows(FRAMES), {}
    found = []
    with contextlib.closing(create_pose("movenet")) as pose, open_source(video) as source:
        for frame in source:
            people = tracker.update(pose.estimate(frame), frame.time_s)
            windows.update(people, frame.time_s)
            for person in people:
                if windows[person.track].seen_s > 0.5 and frame.time_s - taken.get(person.track, -np.inf) >= each_s:
                    taken[person.track] = frame.time_s
                    window = windows.window(person.track)
                    found.append(window_features(window.keypoints, window.scores, RATE_HZ))
    return found


def _data(args: argparse.Namespace) -> None:
    from skeleformer.weights import read_metadata
    from training.datasets import load_dataset
    from training.vocabulary import merge_of
    from training.windows import clip_features, sliding_windows

    with load(model_path("skeleformer-temporal.onnx"), "onnx-cpu") as network:
        words = labels_of(network.metadata)
    features, right, allowed, counts = [], [], [], {}
    weights = read_metadata(model_path("skeleformer.safetensors"))
    seen = json.loads(weights.get("validation_seen", "[]")) if args.part == "val" else []
    for name, parts in SPLITS.items():
        if name in seen:
            continue
        data = load_dataset(args.folder / f"{name}.pkl")
        merge = merge_of(name, list(data.label_names), words)
        if merge is None:
            raise SystemExit(f"the shipped model does not know the classes of {name}")
        known = np.zeros(len(words), bool)
        known[[word for classes in merge for word in classes]] = True
        for clip in data.part(parts[args.part == "val"])[:: args.every]:
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
                counts[name] = counts.get(name, 0) + 1
    WindowSet(np.stack(features), PREPROCESS_VERSION, np.stack(right), np.stack(allowed)).save(args.out)
    print(f"{len(features)} windows: {json.dumps(counts)}")


if __name__ == "__main__":
    main()
