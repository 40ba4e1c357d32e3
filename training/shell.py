"""How the training commands end: what a user is told, and the exit code."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from core.errors import UserError, WeightsError
from training.run.parallel import started_by_torchrun

_TOLD_TO_END = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Windows has no SIGHUP."""


class Ended(BaseException):
    """SIGTERM or SIGHUP, raised in the main thread, so that worker processes end and files are closed on the way out.

    Attributes:
        signal: its number.
    """

    def __init__(self, number: int) -> None:
        self.signal = number


def exit_code(action: Callable[[], None], interrupted: str) -> int:
    """Do something a user asked for.

    Args:
        action: raises ``UserError`` or ``WeightsError`` when it cannot be done.
        interrupted: what to say after Ctrl-C, SIGTERM or SIGHUP.

    Returns:
        0, or 2 after an error, 130 after Ctrl-C, 143 after SIGTERM and 129 after SIGHUP, each told in one sentence.
    """
    try:
        with _orderly_end():
            action()
    except (UserError, WeightsError) as error:
        _say(f"error: {error}")
        return 2
    except KeyboardInterrupt:
        _say(interrupted)
        return 130
    except Ended as end:
        _say(interrupted)
        return 128 + end.signal
    return 0


@contextmanager
def _orderly_end() -> Iterator[None]:
    """Let the signals to end raise ``Ended``, those that somebody has not made something else of (``nohup``, say).

    Processes of ``torchrun`` die of them as before: one that waits for another's gradients would not hear an exception.
    """
    ours = [] if started_by_torchrun() or threading.current_thread() is not threading.main_thread() else _TOLD_TO_END
    heard = [number for number in ours if signal.getsignal(number) is signal.SIG_DFL]
    for number in heard:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, signal.SIG_DFL)


def _end(number: int, frame: FrameType | None) -> None:
    for other in _TOLD_TO_END:
        signal.signal(other, signal.SIG_IGN)  # the way out is short, and nothing is to break into it
    raise Ended(number)


def _say(text: str) -> None:
    """A line for the user, written in one piece: several processes may say theirs at the same time."""
    sys.stderr.write(f"{text}\n")
