"""Can the output files be written? Asked before any work is done, so that nothing is found out after an hour."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from app.options import Outputs, SourceSpec
from pipeline.errors import UserError


def check_outputs(outputs: Outputs, sources: Sequence[SourceSpec]) -> None:
    """Look at every path that will be written, those of all sources together, without touching it.

    Raises:
        UserError: a folder is missing or may not be written, a path is a folder, two outputs share a file, or an output
            is one of the inputs.
    """
    inputs = {_identity(spec) for spec in sources if isinstance(spec, Path)}
    seen: dict[str, str] = {}
    for one in outputs.for_sources(len(sources)):
        for option, path in one.files().items():
            check_output(option, path)
            identity = _identity(path)
            if identity in inputs:
                raise UserError(f"{option} {path} would overwrite the video that is read; choose another name.")
            if identity in seen:
                raise UserError(f"{option} and {seen[identity]} both name {path}; each needs a file of its own.")
            seen[identity] = option
    if outputs.save is not None:
        from pipeline.sinks.video import SUFFIXES  # brings OpenCV, which a refusal need not wait for

        if outputs.save.suffix.lower() not in SUFFIXES:
            raise UserError(f"--save {outputs.save} has to end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}.")


def check_output(option: str, path: Path) -> None:
    """One path.

    Raises:
        UserError: it cannot be written, with the reason.
    """
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


def _identity(path: Path) -> str:
    """The same for two names of one file; unlike the methods of ``Path``, for any name whatsoever."""
    return os.path.realpath(os.path.expanduser(path))
