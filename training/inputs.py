"""Which files a command reads, so that none of them is written over."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from core.files import refuse_overwriting
from models import model_path
from training.data.ntu import files_of
from training.recipe import files_of_recipe
from training.run.loop import RUN_FILES


def inputs(args: argparse.Namespace) -> Iterator[Path]:
    """All files that a command with these arguments reads; those of folders one by one."""
    given = {name: value for name, value in vars(args).items() if value}
    for name in ("data", "folder"):
        if name in given:
            path = Path(given[name])
            yield from files_of(path) if path.is_dir() else [path]
    if "shipped" in given:
        yield from files_of_recipe(Path(given["shipped"]))
    several = (*given.get("teacher", ()), *given.get("models", ()))
    for path in (*several, *(given[name] for name in ("encoder", "weights", "twin", "held") if name in given)):
        yield Path(path)
    yield from model_path("").glob("skeleformer*")  # what stands where no other model is named


def refuse_run_over_inputs(args: argparse.Namespace, *products: str) -> None:
    """Make sure, before any work, that a run's files take no input's place.

    Args:
        args: of the command, ``out`` among them.
        products: what it writes into that folder beside what every run does.

    Raises:
        UserError: they do.
    """
    refuse_overwriting([("--out", Path(args.out) / name) for name in (*RUN_FILES, *products)], inputs(args))
