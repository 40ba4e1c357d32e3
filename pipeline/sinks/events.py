"""JSON lines: one object per person and decision, complete at any moment."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import IO

from core.errors import SinkError
from core.files import check_place
from core.types import Result
from pipeline.sinks.base import Sink
from pipeline.sinks.records import DecisionRecords, as_line


class EventSink(Sink):
    """Appends a line per decision; whoever reads meanwhile sees whole lines only.

    Args:
        path: the file, written anew; a second run that names it meanwhile is refused. A pipe or ``/dev/stdout`` serves
            as well.

    Raises:
        SinkError: at once when the place cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        self.name = f"events {Path(path).name}"
        self._path = Path(path)
        check_place(self._path)
        try:
            self._file = os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o666), "wb", buffering=0)
            if self._path.is_file():
                _lock(self._file)
                self._file.truncate()
        except BlockingIOError:
            self._file.close()
            raise SinkError(f"{self._path} is being written by another run; give another place") from None
        except OSError as error:
            raise SinkError(f"{self._path} cannot be written: {error.strerror}") from None
        self._records = DecisionRecords()
        self._complete = 0  # bytes up to the end of the last whole line

    def write(self, result: Result) -> None:
        """Writes the decisions of this frame. Raises SinkError when the disk takes no more."""
        for record in self._records.of(result):
            self._append(as_line(record).encode() + b"\n")

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _append(self, line: bytes) -> None:
        left = memoryview(line)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file.fileno(), self._complete)  # a full disk may have taken half a line
            raise SinkError(f"{self._path} cannot be written any more: {error.strerror}") from None
        self._complete += len(line)


def _lock(file: IO[bytes]) -> None:
    """Keep a second run from writing the same file; the system lets go when the file is closed or the process ends.

    Raises:
        BlockingIOError: another run holds it.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return
    fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
