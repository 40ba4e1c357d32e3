"""What all benchmarks share: what a user is told when something cannot work, and where the figures go."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from core import command_line
from core.errors import UserError
from core.files import WholeFile, refuse_overwriting


def exit_code(measure: Callable[[], None]) -> int:
    """Run a benchmark, which raises ``UserError`` when it cannot be done; see ``core.command_line.exit_code``."""
    return command_line.exit_code(measure, "interrupted; nothing is written")


class Output:
    """A file for the figures. It is made sure beforehand that it can be written, and it appears whole or not at all.

    Args:
        path: None for none; writing then does nothing.
        inputs: files that the benchmark reads; None among them for those not given.

    Raises:
        UserError: at once when the place cannot be written or is an input's.
    """

    def __init__(self, path: Path | None, *inputs: Path | str | None) -> None:
        if path is not None:
            refuse_overwriting([("the output", path)], (Path(read) for read in inputs if read is not None))
        self._file = None if path is None else WholeFile(path)

    def fill(self, write: Callable[[Path], object]) -> None:
        """Let ``write`` make a file, given its path for now, and put it in its place.

        Raises:
            UserError: it cannot be written any more (a full disk, say).
        """
        if self._file is None:
            return
        try:
            write(self._file.temporary)
            self._file.commit()
        except OSError as error:
            raise UserError(f"{self._file.path} cannot be written: {error.strerror or error}") from None
        finally:
            self._file.discard()  # which leaves a file that has its place alone

    def write_text(self, text: str) -> None:
        """Write text; raises as ``fill`` does."""
        self.fill(lambda path: path.write_text(text, encoding="utf-8"))

    def write_json(self, figures: object) -> None:
        """Write the figures as JSON; raises as ``fill`` does."""
        self.write_text(json.dumps(figures, indent=2) + "\n")


positive = command_line.within(int, 1, sys.maxsize, "is not a whole number above 0")
"""For argparse."""


def outputs(given: Mapping[str, Path | None], *inputs: Path | str | None) -> tuple[Output, ...]:
    """Several files for the figures, each behind its option; as ``Output`` for each.

    Raises:
        UserError: as there, or two options name one file.
    """
    named = [(option, path) for option, path in given.items() if path is not None]
    refuse_overwriting(named, (Path(read) for read in inputs if read is not None))
    return tuple(Output(path) for path in given.values())
