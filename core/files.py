"""Files that appear whole or not at all, however the program ends, and that never take an input's place."""

from __future__ import annotations

import contextlib
import os
import secrets
import weakref
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from core.errors import SinkError, UserError


def file_identity(path: str | Path) -> Hashable:
    """The same for all names of one file, another one for every other file, and never an error, whatever the name.

    Other spellings, links and hard links name the same file, and so do capital and small letters on some disks. What
    does not exist is known by where it would be.
    """
    try:
        place = os.path.realpath(path)
        found = os.stat(place)
    except ValueError:  # a zero byte, which no file's name has
        return str(path)
    except OSError:  # absent, too long, in a folder that may not be entered
        return place
    return found.st_dev, found.st_ino


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


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are not there yet.

    Raises:
        UserError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the folder {path}: {error.strerror or error}") from None


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


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let ``write`` fill a file beside ``path``, then put it in its place in one step; its folder is made.

    A kill while it is written leaves the old file as it was and ``path`` with ``.part`` after its name; the next
    writing replaces that one. So a file has one writer at a time; ``filling`` serves several.

    Raises:
        UserError: it is a folder, its folder cannot be made or written to, or the disk is full.
    """
    try:
        with filling(path, _prepared(path)) as file:
            write(file)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from None


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all; raises as ``write_whole`` does."""
    write_whole(path, lambda file: file.write(text.encode()))


@contextlib.contextmanager
def filling(path: Path, part: Path | None = None) -> Iterator[BinaryIO]:
    """Open a file beside ``path`` that takes its place, in one step, when the block ends without an error.

    Args:
        path: where it will be, in a folder that exists.
        part: where it is meanwhile; a hidden file of this writer alone by default.

    Raises:
        OSError: it cannot be written; nothing of it stays behind.
    """
    temporary = _hidden(path) if part is None else part
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # else a power cut can leave the new name with no content
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


class WholeFile:
    """A hidden file beside its target, for what is written by name or all through a run; it ends in the target's place.

    Attributes:
        path: where it will be.
        temporary: where to write meanwhile; same folder (so that the move is one step), same ending.

    Raises:
        SinkError: at once when the place cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(os.path.realpath(path))
        check_place(self.path)
        if self.path.exists() and not self.path.is_file():
            raise SinkError(f"{self.path} is not a regular file")  # a device must not be replaced by a file
        self.temporary = _hidden(self.path)
        try:
            self.temporary.open("xb").close()
        except OSError as error:
            raise SinkError(f"{self.path} cannot be written: {error.strerror}") from None
        self._remove = weakref.finalize(self, _unlink, str(self.temporary))

    def commit(self) -> None:
        """Move the finished file to its place."""
        with self.temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(self.temporary, self.path)
        self._remove.detach()

    def discard(self) -> None:
        """Leave nothing behind."""
        self._remove()


def check_place(path: Path) -> None:
    """Raise SinkError when a file cannot be there, in words better than the system's."""
    if path.is_dir():
        raise SinkError(f"{path} is a folder, not a file")
    if not path.parent.is_dir():
        raise SinkError(f"{path} cannot be written: there is no folder {path.parent}")


def _prepared(path: Path) -> Path:
    """Where a file is written before it is put in its place, in a folder that is made."""
    if os.path.isdir(path):  # "." and "/" too, which have no name to put something behind
        raise UserError(f"cannot write {path}: it is a folder")
    make_folder(path.parent)
    return _part(path)


def _part(path: Path) -> Path:
    return path.parent / f"{path.name}.part"


def _hidden(path: Path) -> Path:
    return path.parent / f".{path.stem}.{secrets.token_hex(4)}.part{path.suffix}"


def _unlink(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)
