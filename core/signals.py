"""Signals at which a run ends with whole files, and what is to be done about a terminal that is gone."""

from __future__ import annotations

import contextlib
import os
import signal
import stat


def ending_signals() -> tuple[signal.Signals, ...]:
    """Ctrl-C, the order to end, and, where there is such a thing, a terminal that is closed."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # ignored: by nohup, to go on
        numbers.append(signal.SIGHUP)
    return tuple(numbers)


def let_closed_terminal_go() -> None:
    """Have what is said from now on go nowhere if it went to a terminal that is closed; it would be an error there."""
    for descriptor in (1, 2):
        with contextlib.suppress(OSError):  # a program without stdout
            if stat.S_ISCHR(os.fstat(descriptor).st_mode) and not os.isatty(descriptor):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, descriptor)
                os.close(nowhere)
