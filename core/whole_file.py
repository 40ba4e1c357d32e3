"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import weakref
from pathlib import Path

from core.errors import SinkError


class WholeFile:
    """A hidden file beside its target, which takes the target's place once it is complete.

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
        name = f".{self.path.stem}.{secrets.token_hex(4)}.part{self.path.suffix}"
        self.temporary = self.path.with_name(name)
        try:
            self.temporary.open("xb").close()
        except OSError as error:
            raise SinkError(f"{self.path} cannot be written: {error.strerror}") from None
        self._remove = weakref.finalize(self, _unlink, str(self.temporary))

    def commit(self) -> None:
        """Moves the finished file to its place."""
        with self.temporary.open("rb+") as file:
            os.fsync(file.fileno())  # else a power cut can leave the new name with no content
        os.replace(self.temporary, self.path)
        self._remove.detach()

    def discard(self) -> None:
        """Leaves nothing behind."""
        self._remove()


def check_place(path: Path) -> None:
    """Raises SinkError when a file cannot be there, in words better than the system's."""
    if path.is_dir():
        raise SinkError(f"{path} is a folder, not a file")
    if not path.parent.is_dir():
        raise SinkError(f"{path} cannot be written: there is no folder {path.parent}")


def _unlink(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)
