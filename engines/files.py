"""The engines' files and folders, in the engines' sentences, and short names for what they hold."""

from __future__ import annotations

import hashlib
from pathlib import Path

from core.errors import EngineError
from core.files import filling


def write_whole(path: Path, data: bytes) -> None:
    """Write a file in one step: a reader sees the old content or the new one, never a part.

    Raises:
        EngineError: the folder does not exist or cannot be written to, or the disk is full.
    """
    try:
        with filling(path) as file:
            file.write(data)
    except OSError as error:
        raise EngineError(f"{path} cannot be written: {error.strerror or error}.") from error


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are not there yet.

    Raises:
        EngineError: something else is in its place, or it may not be made there.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EngineError(f"The folder {path} cannot be made: {error.strerror or error}.") from error


def digest(*parts: bytes | str) -> str:
    """A short name for this content: the first 16 hexadecimal digits of its SHA-256."""
    sha = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        sha.update(len(raw).to_bytes(8, "little"))
        sha.update(raw)
    return sha.hexdigest()[:16]
