"""Files that appear whole or not at all, however the program ends."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import UserError


def make_folder(path: Path) -> None:
    """Make a folder unless it is there.

    Raises:
        UserError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {path}: {error.strerror or error}") from None


def write_whole(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Let ``write`` fill a file beside ``path``, then put it in its place in one step.

    A kill while it is written leaves the old file as it was and ``path`` with ``.part`` after its name; the next
    writing replaces that one.

    Raises:
        UserError: the folder cannot be made or written to, or the disk is full.
    """
    part = path.with_name(path.name + ".part")
    make_folder(path.parent)
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
