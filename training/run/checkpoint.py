"""Training state that survives a kill at any moment: written whole or not at all."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from core.errors import UserError
from core.files import write_whole


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write ``state`` (tensors, numbers, strings, lists, dicts) to ``path``, replacing it in one step.

    Raises:
        UserError: the folder cannot be written to, or the disk is full.
    """
    write_whole(path, lambda file: torch.save(state, file))


def read_state(path: Path) -> dict[str, Any] | None:
    """What ``save_checkpoint`` wrote, its tensors in main memory whatever device they were on.

    Returns:
        None for a file that is damaged or holds something else than a dictionary of plain data; nothing of it is run.

    Raises:
        UserError: the file is missing or may not be read.
    """
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a foreign pickle torch would say that its support may be wanting
            state = torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from None
    except Exception:  # other files raise anything from EOFError to UnpicklingError
        return None
    return state if isinstance(state, dict) else None


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """The state that a run saved last, or None when there is none.

    Raises:
        UserError: the file cannot be read, is damaged or holds something else.
    """
    if not path.exists():
        return None
    state = read_state(path)
    if state is None:
        raise UserError(f"{path} is no checkpoint of this program; remove it to start anew")
    return state


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
