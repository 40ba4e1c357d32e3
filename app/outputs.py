"""Can the output files be written? Asked before any work is done, so that nothing is found out after an hour."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Hashable
from pathlib import Path

from app.inputs import files_read
from app.options import RunOptions
from core.errors import UserError
from core.files import file_identity


def check_outputs(options: RunOptions, json_path: Path | None = None) -> None:
    """Look at every path that will be written, those of all sources together, without touching it.

    Args:
        options: the outputs, and everything that is read.
        json_path: of the bench's metrics.

    Raises:
        UserError: a folder is missing or may not be written, a path is a folder, two outputs share a file, or an output
            is one of the inputs.
    """
    several = options.outputs.for_sources(len(options.sources))
    files = [named for outputs in several for named in outputs.files().items()]
    if json_path is not None:
        files.append(("--json", json_path))
    if not files:
        return
    inputs = {file_identity(path): what for what, path in files_read(options)}
    seen: dict[Hashable, str] = {}
    for option, path in files:
        _check_place(option, path)
        identity = file_identity(path)
        if identity in inputs:
            raise UserError(f"{option} {path} would overwrite {inputs[identity]}; choose another name.")
        if identity in seen:
            raise UserError(f"{option} and {seen[identity]} both name {path}; each needs a file of its own.")
        seen[identity] = option
    save = options.outputs.save
    if save is not None:
        from pipeline.sinks.video import SUFFIXES  # brings OpenCV, which a refusal need not wait for

        if save.suffix.lower() not in SUFFIXES:
            raise UserError(f"--save {save} has to end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}.")


def _check_place(option: str, path: Path) -> None:
    """Raises UserError, with the reason, when a path cannot be written."""
    try:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):  # told in better words below
            path.stat()
    except OSError as error:  # a name that is too long, a folder that may not be entered
        raise UserError(f"{option} {path} cannot be written: {error.strerror}.") from None
    folder = path.parent
    if path.is_dir():
        raise UserError(f"{option} {path} is a folder; name a file in it.")
    if not folder.exists():
        raise UserError(f"{option} {path}: there is no folder {folder}; create it first.")
    if not folder.is_dir():
        raise UserError(f"{option} {path}: {folder} is not a folder.")
    writable = os.access(path, os.W_OK) if path.exists() else os.access(folder, os.W_OK | os.X_OK)
    if not writable:
        raise UserError(f"{option} {path} may not be written by this user.")
