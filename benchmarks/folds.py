"""Is a validation part harder than others of its kind? Its accuracy beside that of folds of all clips.

    python -m benchmarks.folds --data ../shared/data/jhmdb_train.pkl [--folds 4] [--json OUT]

A small convolutional network (that of `python -m training teacher`) learns the training part and is measured on the
validation part; then, for each fold, it learns the others and is measured on that one. Clips cut from one video stay in
one fold: those of a class whose names agree up to the name of the class, as HMDB51 and JHMDB name them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.shared.report import Output, exit_code, positive
from core.errors import UserError
from training.data.clips import Clip
from training.data.datasets import DataSet, load_dataset
from training.evaluate import evaluate
from training.finetune import FinetuneConfig, predictor, teach
from training.windows.source import Source

WINDOWS = 2000
"""Drawn in an epoch."""


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, metavar="FILE.pkl")
    parser.add_argument("--split", default="train", help="training part (default %(default)s)")
    parser.add_argument("--validate", default="val", metavar="SPLIT", help="validation part (default %(default)s)")
    parser.add_argument("--folds", type=positive, default=4, help="(default %(default)s)")
    parser.add_argument("--epochs", type=positive, default=24, help=f"of {WINDOWS} windows (default %(default)s)")
    parser.add_argument("--json", type=Path, metavar="OUT")
    args = parser.parse_args(argv)
    return exit_code(lambda: measure(args))


def measure(args: argparse.Namespace) -> None:
    """Print the accuracies, each when it is known.

    Raises:
        UserError: the data set or one of its splits cannot be used, or there are too few videos for so many folds.
    """
    out = Output(args.json, args.data)
    data = load_dataset(args.data)
    train, validate = data.part(args.split), data.part(args.validate)
    folds = split_by_video((*train, *validate), data.label_names, args.folds)

    def accuracy(name: str, learnt: Sequence[Clip], held: Sequence[Clip]) -> float:
        top1 = _top1(data, learnt, held, args.epochs)
        print(f"{name:12s} {len(learnt)} clips learnt, {len(held)} measured: top-1 {top1:.1%}", flush=True)
        return top1

    own = accuracy(args.validate, train, validate)
    others = [
        accuracy(f"fold {i}", [clip for j, fold in enumerate(folds) if j != i for clip in fold], folds[i])
        for i in range(args.folds)
    ]
    mean, spread = float(np.mean(others)), float(np.std(others))
    print(f"folds: {mean:.1%} +- {spread:.1%}")
    part = {"name": args.validate, "top1": own}
    out.write_json({"data": data.name, "part": part, "folds": others, "mean": mean, "std": spread})


def split_by_video(clips: Sequence[Clip], label_names: Sequence[str], count: int, seed: int = 0) -> list[list[Clip]]:
    """Clips in ``count`` parts of about the same size and mixture, those of one video together.

    Raises:
        UserError: the clips come from fewer videos than there are to be parts.
    """
    videos: dict[tuple[int, str], list[Clip]] = defaultdict(list)
    for clip in clips:
        videos[clip.label, _video(clip.name, label_names[clip.label])].append(clip)
    if not 2 <= count <= len(videos):
        raise UserError(f"{len(videos)} videos cannot be split into {count} folds")
    groups = list(videos.values())
    order = np.random.default_rng(seed).permutation(len(groups))
    folds: list[list[Clip]] = [[] for _ in range(count)]
    for group in sorted((groups[i] for i in order), key=len, reverse=True):
        label = group[0].label
        emptiest = min(folds, key=lambda fold: (sum(clip.label == label for clip in fold), len(fold)))
        emptiest.extend(group)
    return folds


def _video(name: str, label: str) -> str:
    """The part of a clip's name that is its video's; the whole name where it does not hold the class."""
    return name.rsplit("/", 1)[-1].split(f"_{label}_")[0]


def _top1(data: DataSet, learnt: Sequence[Clip], held: Sequence[Clip], epochs: int) -> float:
    own = tuple((i,) for i in range(len(data.label_names)))
    with tempfile.TemporaryDirectory() as folder:
        config = FinetuneConfig(
            out=folder, epochs=epochs, windows_per_epoch=WINDOWS, lr=2e-3, head_lr=2e-3, width=128, dropout=0.2,
            idle_part=0.0,
        )  # fmt: skip
        model = teach(config, [Source(data.name, tuple(learnt), own)], data.label_names)
    result = evaluate(predictor(model), held, data.label_names, own, config.frames)
    return float(result.report()["top1"])


if __name__ == "__main__":
    sys.exit(main())
