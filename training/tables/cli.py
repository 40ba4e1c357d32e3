"""The command line of ``python -m training.tables NAME``."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from core.command_line import COUNT, THREADS
from core.files import make_folder
from training.run.devices import DEVICES
from training.shell import exit_code
from training.tables import joints, occlusion, prompts, scratch, structure, transfer
from training.tables.run import Settings
from training.tables.sources import KINDS, train_source
from training.tables.task import TARGETS
from training.tables.trial import Budget

TABLES: dict[str, Callable[[Settings, tuple[str, ...]], None]] = {
    "pretraining": scratch.pretraining,
    "structure": structure.structure,
    "transfer": transfer.transfer,
    "joints": joints.joints,
    "components": scratch.components,
    "prompts": prompts.prompts,
    "scale": transfer.scale,
    "occlusion": occlusion.occlusion,
}
"""Tables 1-5, 6, 7-8, 9, 10, 11-13, 14 and 15-16 of the paper."""

OF_ONE_TARGET = ("structure", "joints", "scale", "occlusion")
"""Tables that are made of one data set; the others have a column for each."""


def parser() -> argparse.ArgumentParser:
    """Command line of the tables."""
    top = argparse.ArgumentParser(
        prog="python -m training.tables",
        description="Make one of the paper's tables, or a source model that transfer starts from.",
    )
    top.add_argument("table", choices=("source", *TABLES), help="`source` trains what transfer starts from")
    top.add_argument("--data", required=True, metavar="DIR", help="folder of the recipe's data sets")
    top.add_argument(
        "--encoder", metavar="FILE", help="encoder.ckpt of `python -m training pretrain`, which source, pretraining, "
        "structure and occlusion start from",
    )  # fmt: skip
    top.add_argument(
        "--source", default="runs/tables", metavar="DIR", help="where source models are (default %(default)s)"
    )
    top.add_argument("--kind", choices=KINDS, default="full", help="which source model to train")
    top.add_argument(
        "--targets", nargs="+", choices=TARGETS, default=None, help="data sets of the table (default: its own)"
    )
    top.add_argument("--seeds", type=COUNT, default=3)
    top.add_argument("--device", choices=DEVICES, default="cpu")
    top.add_argument("--threads", type=THREADS, default=1)
    top.add_argument("--out", default="docs/results", metavar="DIR", help="where reports go (default %(default)s)")
    return top


def main(argv: Sequence[str] | None = None) -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    given = sys.argv[1:] if argv is None else argv
    command = parser()
    args = command.parse_args(given)
    if args.table in OF_ONE_TARGET and len(args.targets or ()) > 1:
        command.error(f"{args.table} is made of one data set: give one of --targets {' '.join(args.targets)}")
    torch.set_num_threads(args.threads)
    settings = Settings(
        Path(args.data), Path(args.out), None if args.encoder is None else Path(args.encoder), Path(args.source),
        args.seeds, Budget(device=args.device),
        "python -m training.tables " + " ".join(given),
    )  # fmt: skip

    def make() -> None:
        if args.table == "source":
            print(f"wrote {train_source(args.kind, settings)}")
        else:
            make_folder(settings.out)
            TABLES[args.table](settings, tuple(args.targets or ()))

    kept = f"finished rows are kept in {args.out}, the same command goes on after them"
    return exit_code(make, f"interrupted; {'no source model is written' if args.table == 'source' else kept}")
