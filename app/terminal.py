"""What a command says: reports on stdout, the log on stderr, in whole lines and clear of a progress bar."""

from __future__ import annotations

import io
import logging
import sys
from typing import TextIO

from rich.console import Console

_PIPED_COLUMNS = 120

EVENTS_LOGGER = "pipeline.sources.journal"
"""Whoever runs a source reports what happens to it; in a verbose log it is found as well."""


class _CurrentStderr(logging.StreamHandler):  # no generic class in Python 3.10
    """Writes to what ``sys.stderr`` is at the moment: a progress bar puts itself in between while it is shown."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        return sys.stderr


def let_any_name_through() -> None:
    """A name with characters that the console's code page lacks is shown with escapes instead of ending the run."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a program without a console has none
            stream.reconfigure(errors="backslashreplace")


def set_up_log(verbose: bool) -> None:
    """Warnings as plain sentences; with ``verbose`` everything from INFO up, with time and origin."""
    handler = _CurrentStderr()
    if verbose:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", "%H:%M:%S"))
    else:
        handler.addFilter(lambda record: record.name != EVENTS_LOGGER)
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, _CurrentStderr)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.INFO if verbose else logging.WARNING)


def plain_console() -> Console:
    """Return a console for reports on stdout: text is not coloured by guess, and a file or pipe gets long lines."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_PIPED_COLUMNS)
