"""Training state that survives a kill at any moment: written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from pipeline.errors import UserError
from training.files import write_whole


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write ``state`` (tensors, numbers, strings, lists, dicts) to ``path``, replacing it in one step.

    Raises:
        UserError: the folder cannot be written to, or the disk is full.
    """
    write_whole(path, lambda file: torch.save(state, file))


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """The state saved last, its tensors in main memory whatever device they were on, or None when there is none.

    Raises:
        UserError: the file is damaged or holds more than plain data; nothing of it is run.
    """
    if not path.exists():
        return None
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise UserError(
            f"{path} is no checkpoint of this program ({type(error).__name__}); remove it to start anew"
        ) from None


def require_same_run(path: Path, saved: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Refuse to go on with a run under other settings; what the checkpoint does not know is not compared.

    Raises:
        UserError: naming every setting that differs.
    """
    different = []
    for name, value in asked.items():
        if name in saved and json.dumps(saved[name]) != json.dumps(value):  # a tuple is as good as a list
            plain = isinstance(value, (bool, int, float, str))
            different.append(f"{name} {saved[name]}, not {value}" if plain else f"other {name}")
    if different:
        raise UserError(f"{path} is of a run with {'; '.join(different)}: give another --out, or that run's settings")
