"""What all benchmarks share: what a user is told when something cannot work, and where the figures go."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from calibration import CalibrationError
from core.files import WholeFile, refuse_overwriting
from engines import EngineError
from pipeline import UserError

USER_ERRORS: tuple[type[Exception], ...] = (UserError, EngineError, CalibrationError)
"""What is told in one sentence, without a traceback."""


def exit_code(measure: Callable[[], None], *more: type[Exception]) -> int:
    """Run a benchmark.

    Args:
        measure: does all the work; raises one of ``USER_ERRORS`` when it cannot be done.
        more: errors of the same kind that only this benchmark knows.

    Returns:
        0, or 2 after an error and 130 after Ctrl-C, each told in one sentence.
    """
    try:
        measure()
    except (*USER_ERRORS, *more) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; nothing is written", file=sys.stderr)
        return 130
    return 0


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


def positive(text: str) -> int:
    """A whole number above 0, for argparse."""
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def outputs(given: Mapping[str, Path | None], *inputs: Path | str | None) -> tuple[Output, ...]:
    """Several files for the figures, each behind its option; as ``Output`` for each.

    Raises:
        UserError: as there, or two options name one file.
    """
    named = [(option, path) for option, path in given.items() if path is not None]
    refuse_overwriting(named, (Path(read) for read in inputs if read is not None))
    return tuple(Output(path) for path in given.values())
