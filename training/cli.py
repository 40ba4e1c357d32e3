"""The command line of ``python -m training``: pre-train, fine-tune and evaluate on annotated skeletons."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Sequence

from core.command_line import COUNT, SEED, THREADS, part, part_above_zero, part_below_one, positive, whole
from models import model_path
from skeleformer.pooling import POOLINGS
from skeleformer.tuning import METHODS
from training import commands
from training.run.devices import DEVICES
from training.run.parallel import first_process
from training.shell import exit_code
from training.windows.cut import MIN_FRAMES
from training.windows.idle import SECONDS


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python -m training", description="Pre-train, fine-tune and evaluate on annotated skeletons."
    )
    top.set_defaults(goes_on="")
    sub = top.add_subparsers(dest="command", required=True)

    p = sub.add_parser("pretrain", help="2-D to 3-D pre-training on motion capture")
    p.add_argument("--data", required=True, metavar="FILE.npz", help="motion-capture corpus")
    p.add_argument("--epochs", type=COUNT, default=100)
    p.add_argument("--windows-per-epoch", type=COUNT, default=4096)
    p.add_argument("--lr", type=positive, default=2e-4)
    p.add_argument("--lr-decay", type=part_above_zero, default=0.96, help="a epoch (default %(default)s)")
    _common(p)
    p.set_defaults(run=commands.run_pretrain)

    p = sub.add_parser("finetune", help="train a model to recognise actions")
    _task(p)
    p.add_argument(
        "--with-validation", action="store_true", help="of --shipped: train on real video's validation clips too"
    )
    p.add_argument(
        "--encoder", metavar="FILE", help="start from `pretrain`'s encoder.ckpt or from a .safetensors model"
    )
    p.add_argument(
        "--teacher", action="append", default=[], metavar="FILE", help="teacher.safetensors to learn from; repeatable"
    )
    p.add_argument(
        "--teaching", type=part, default=0.3, help="fraction of the loss taken by the teachers (default %(default)s)"
    )
    p.add_argument(
        "--held", metavar="FILE.pkl", help="of --shipped: people in held pictures, made by `hold` and then `extract`"
    )
    p.add_argument(
        "--proportions", type=part, default=0.0, metavar="SIGMA",
        help="other bodies too: spread of the lengths of limbs and trunk, 0.1 is a tenth (default %(default)s)",
    )  # fmt: skip
    p.add_argument("--epochs", type=COUNT, default=60)
    p.add_argument("--windows-per-epoch", type=COUNT, default=4000)
    p.add_argument("--lr", type=positive, default=3e-4, help="of the encoder (default %(default)s)")
    p.add_argument("--pooling", choices=POOLINGS, default="mean+max", help="of a window's frames (default %(default)s)")
    _common(p)
    p.set_defaults(run=commands.run_finetune)

    p = sub.add_parser("teacher", help="train a small convolutional network for `finetune --teacher`")
    _task(p)
    p.add_argument("--epochs", type=COUNT, default=45)
    p.add_argument("--windows-per-epoch", type=COUNT, default=4000)
    p.add_argument("--lr", type=positive, default=2e-3, help="(default %(default)s)")
    p.add_argument("--width", type=COUNT, default=128, help="channels (default %(default)s)")
    _run(p)
    p.set_defaults(run=commands.run_teacher, dropout=0.2)

    p = sub.add_parser("tune", help="teach a trained model a data set by a tuning method, most of it left as it is")
    p.add_argument("--data", required=True, metavar="FILE.pkl", help="annotation file or folder of NTU .skeleton files")
    p.add_argument("--method", choices=METHODS, default="skeleton-prompt", help="(default %(default)s)")
    p.add_argument("--prompts", type=whole(1, 4096), default=10, help="prompts a layer (default %(default)s)")
    p.add_argument("--weights", metavar="FILE", help="a .safetensors model to start from (default: the shipped one)")
    p.add_argument("--split", default="train", help="training split (default %(default)s)")
    p.add_argument("--validate", default=None, metavar="SPLIT", help="split to report while training")
    p.add_argument("--people", type=int, default=1, choices=(1, 2), help="people pooled in a window")
    p.add_argument(
        "--no-mirror", action="store_true", help="no mirror images: for classes that differ in left and right"
    )
    p.add_argument("--epochs", type=COUNT, default=20)
    p.add_argument("--windows-per-epoch", type=COUNT, default=500)
    p.add_argument("--lr", type=positive, default=2e-3, help="(default %(default)s)")
    _run(p)
    p.set_defaults(run=commands.run_tune)

    p = sub.add_parser("soup", help="the mean of the weights of several runs that began alike")
    p.add_argument("models", nargs="+", metavar="MODEL.safetensors", help="what the runs wrote")
    p.add_argument("--out", required=True, metavar="FILE.safetensors", help="model to write")
    p.set_defaults(run=commands.run_soup)

    p = sub.add_parser("evaluate", help="accuracy of a model on a split")
    p.add_argument("--data", required=True, metavar="FILE.pkl", help="annotation file or folder of NTU .skeleton files")
    p.add_argument("--split", default="val", help="name of a split, several joined by &, or all (default %(default)s)")
    p.add_argument("--weights", metavar="FILE", help="a .safetensors model (default: the shipped one)")
    p.add_argument("--json", metavar="OUT", help="write the report")
    p.add_argument("--logits", metavar="OUT.npz", help="write window logits for `python -m calibration fit`")
    p.add_argument("--open", action="store_true", help="let the model choose among all its classes")
    p.add_argument("--views", choices=("sliding", "centre"), default="sliding",
                   help="all windows of a clip, averaged, or its middle one (default %(default)s)")  # fmt: skip
    p.add_argument("--people", type=int, choices=(1, 2), default=None,
                   help="people pooled (default: two where every clip has two)")  # fmt: skip
    p.add_argument("--fps", type=positive, help="frames a second of the recordings, if not what the file says")
    p.add_argument("--confusion", metavar="OUT.png", help="draw the confusion matrix")
    _arithmetic(p)
    p.set_defaults(run=commands.run_evaluate)

    p = sub.add_parser("card", help="measure the shipped model on every validation split and write its card")
    p.add_argument("--shipped", required=True, metavar="DIR", help="folder of the recipe's data sets")
    p.add_argument("--twin", metavar="FILE", help="the model's twin that was trained without --with-validation")
    p.add_argument(
        "--out", default=str(model_path("skeleformer.md")), metavar="FILE.md",
        help="where the card goes (default: beside the model)",
    )  # fmt: skip
    p.add_argument("--json", default="docs/results/shipped.json", help="where the metrics go (default %(default)s)")
    p.add_argument("--threads", type=THREADS, default=1)
    p.set_defaults(run=commands.run_card)

    p = sub.add_parser("extract", help="poses of labelled videos, one folder a class")
    p.add_argument("videos", metavar="VIDEOS", help="folder with a sub-folder of videos for each class")
    p.add_argument("--out", required=True, metavar="FILE.pkl", help="annotation file to write")
    p.add_argument("--pose", default="movenet", help="pose model (default %(default)s, as live)")
    p.add_argument("--workers", type=COUNT, default=os.cpu_count() or 1, help="processes (default: one a core)")
    p.add_argument("--validation", type=part, default=0.2, help="fraction of a class for `val` (default %(default)s)")
    p.set_defaults(run=commands.run_extract, goes_on="; the same command goes on with the videos that are left")

    p = sub.add_parser("hold", help="pictures of videos, held: people who do nothing, for `extract`")
    p.add_argument("videos", nargs="+", metavar="VIDEO")
    p.add_argument("--out", required=True, metavar="DIR", help="where the videos go, in a sub-folder")
    p.add_argument("--pictures", type=COUNT, default=6, help="of each video (default %(default)s)")
    p.add_argument("--seconds", type=positive, default=SECONDS, help="length (default %(default)s)")
    p.set_defaults(run=commands.run_hold)

    p = sub.add_parser("convert", help="NTU RGB+D's .skeleton files as one annotation file, which loads faster")
    p.add_argument("folder", metavar="FOLDER", help="folder of .skeleton files")
    p.add_argument("--out", required=True, metavar="FILE.pkl", help="annotation file to write")
    p.set_defaults(run=commands.run_convert)
    return top


def _task(p: argparse.ArgumentParser) -> None:
    what = p.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--data",
        metavar="FILE.pkl",
        help="annotation file or folder of NTU .skeleton files, with the classes to learn",
    )
    what.add_argument("--shipped", metavar="DIR", help="folder of all the data sets of the shipped model's recipe")
    p.add_argument("--split", default="train", help="training split of --data (default %(default)s)")
    p.add_argument("--validate", default=None, metavar="SPLIT", help="split of --data to report while training")
    p.add_argument("--people", type=int, default=1, choices=(1, 2), help="people pooled in a window of --data")
    p.add_argument(
        "--no-mirror", action="store_true", help="no mirror images of --data: for classes that differ in left and right"
    )


def _common(p: argparse.ArgumentParser) -> None:
    p.add_argument("--frames", type=whole(MIN_FRAMES), default=32, help="frames in a window (default %(default)s)")
    p.add_argument("--width", type=COUNT, default=32, help="channels a joint, a multiple of 8 (default %(default)s)")
    p.add_argument("--layers", type=COUNT, default=4, help="of either transformer (default %(default)s)")
    _run(p)


def _run(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--out", required=True, metavar="DIR", help="where checkpoints and reports go; an interrupted run resumes"
    )
    p.add_argument("--batch", type=COUNT, default=64)
    p.add_argument("--seed", type=SEED, default=0)
    p.add_argument("--dropout", type=part_below_one, default=0.1)
    p.set_defaults(goes_on="; the same command goes on from the last epoch")
    _arithmetic(p)


def _arithmetic(p: argparse.ArgumentParser) -> None:
    p.add_argument("--threads", type=THREADS, default=1)
    p.add_argument(
        "--device", choices=DEVICES, default="auto", help="auto: a GPU if there is one (default %(default)s)"
    )
    p.add_argument("--amp", action="store_true", help="half-precision arithmetic where it is safe")


def main(argv: Sequence[str] | None = None) -> int:
    level = logging.INFO if first_process() else logging.ERROR  # what one process warns of is true of all
    logging.basicConfig(level=level, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    args = parser().parse_args(argv)
    return exit_code(lambda: args.run(args), f"interrupted{args.goes_on}")
