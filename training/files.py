"""Files that appear whole or not at all, however the program ends."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

from core.errors import UserError
from pipeline.files import file_identity


def make_folder(path: Path) -> None:
    """Make a folder unless it is there.

    Raises:
        UserError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {path}: {error.strerror or error}") from None


def refuse_overwriting(outputs: Sequence[tuple[str, Path]], inputs: Iterable[Path]) -> None:
    """Make sure, before any work, that no output takes the place of an input or of another output.

    Links and other spellings of a file count as the file, and so does what ``write_whole`` leaves beside an output.

    Args:
        outputs: files to be written, each behind the option that asks for it.
        inputs: files to be read.

    Raises:
        UserError: one does; the message names the option and the file.
    """
    written: dict[Hashable, str] = {}
    for option, path in outputs:
        identity = file_identity(path)
        if identity in written:
            raise UserError(f"{written[identity]} and {option} both name {path}; each needs a file of its own")
        written |= {identity: option, file_identity(_part(path)): option}
    for read in inputs if written else ():
        identity = file_identity(read)
        if identity in written:
            raise UserError(f"{written[identity]} would overwrite {read}, which is read; give another place")


def _part(path: Path) -> Path:
    """Where a file is written before it is put in its place."""
    return path.parent / f"{path.name}.part"


def require_writable(path: Path) -> None:
    """Make sure, before any work, that ``write_whole`` can write a file; its folder is made, the file is left alone.

    Raises:
        UserError: it is a folder, its folder cannot be made or written to, or its name cannot be used.
    """
    part = _prepared(path)
    try:
        part.open("wb").close()
        part.unlink()
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from None


def _prepared(path: Path) -> Path:
    """Where a file is written before it is put in its place, in a folder that is made."""
    if os.path.isdir(path):  # "." and "/" too, which have no name to put something behind
        raise UserError(f"cannot write {path}: it is a folder")
    make_folder(path.parent)
    return _part(path)


def write_whole(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Let ``write`` fill a file beside ``path``, then put it in its place in one step.

    A kill while it is written leaves the old file as it was and ``path`` with ``.part`` after its name; the next
    writing replaces that one.

    Raises:
        UserError: it is a folder, its folder cannot be made or written to, or the disk is full.
    """
    part = _prepared(path)
    try:
        try:
            with part.open("wb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from None


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all.

    Raises:
        UserError: see ``write_whole``.
    """
    write_whole(path, lambda file: void(file.write(text.encode())))


def void(_: object) -> None:
    """Forget a result."""
