"""What every command does alike: starting, ending, by signals too, and refusing numbers that cannot work."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import stat
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from types import FrameType
from typing import TypeVar

from core.errors import UserError

Number = TypeVar("Number", int, float)

_TOLD_TO_END = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Windows has no SIGHUP."""


class Ended(BaseException):
    """A signal to end, raised in the main thread, so that worker processes end and files are closed on the way out.

    Attributes:
        signal: its number.
    """

    def __init__(self, number: int) -> None:
        self.signal = number


def start(program: str, argv: Sequence[str] | None = None) -> int:
    """Import a command line, which takes seconds because of torch, and run its ``main``.

    Args:
        program: the module with ``main``; it needs the extra ``train``.
        argv: what ``main`` is given.

    Returns:
        The exit code of ``main``; 2 where a library is missing, and 130 after Ctrl-C while it is imported, each told
        in one sentence.
    """
    try:
        main = import_module(program).main
    except ModuleNotFoundError as error:
        _say(f'error: this needs {error.name}: pip install "skeleprompt[train]"')
        return 2
    except KeyboardInterrupt:
        _say("interrupted")
        return 130
    return int(main(argv))


def exit_code(action: Callable[[], int | None], interrupted: str = "interrupted", *, signals: bool = False) -> int:
    """Do something a user asked for.

    Args:
        action: raises ``UserError`` when it cannot be done.
        interrupted: what to say after Ctrl-C, and after SIGTERM or SIGHUP.
        signals: let these two end the action in order, if nobody has made something else of them (``nohup``, say);
            otherwise the process dies of them at once.

    Returns:
        What the action returns, else 0; 2 after an error, 130 after Ctrl-C, 143 after SIGTERM and 129 after SIGHUP,
        each told in one sentence.
    """
    try:
        with _orderly_end() if signals else contextlib.nullcontext():
            return action() or 0
    except UserError as error:
        _say(f"error: {error}")
        return 2
    except KeyboardInterrupt:
        _say(interrupted)
        return 130
    except Ended as end:
        _say(interrupted)
        return 128 + end.signal


@contextlib.contextmanager
def _orderly_end() -> Iterator[None]:
    main = threading.current_thread() is threading.main_thread()
    heard = [number for number in _TOLD_TO_END if main and signal.getsignal(number) is signal.SIG_DFL]
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


def within(kind: Callable[[str], Number], least: float, most: float, refusal: str) -> Callable[[str], Number]:
    """A type for numbers between two bounds, both included, that refuses others in words of its own.

    Args:
        kind: int or float.
        least: smallest that is allowed.
        most: largest that is allowed; finite, so that what is not a number is refused.
        refusal: what is said of a text that is no such number, behind it.

    Returns:
        A function of an option's text that raises ``ArgumentTypeError``.
    """

    def convert(text: str) -> Number:
        with contextlib.suppress(ValueError):
            number = kind(text)
            if least <= number <= most:
                return number
        raise _refusal(f"{text!r} {refusal}")

    return convert


def whole(least: int = 1, most: int | None = None) -> Callable[[str], int]:
    """A type for whole numbers.

    Args:
        least: smallest that is allowed.
        most: largest that is allowed, or None.

    Returns:
        A function of an option's text that raises ``ArgumentTypeError``.
    """

    def convert(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise _refusal(f"'{text}' is no whole number") from None
        if number < least:
            raise _refusal(f"{number} is too small, it has to be at least {least}")
        if most is not None and number > most:
            raise _refusal(f"{number} is too large, it can be {most} at most")
        return number

    return convert


COUNT = whole()
"""A number of things, of which there has to be one."""

SEED = whole(0, 2**32 - 1)
"""What random numbers start from; torch takes 64 bits, of which a run's epochs and processes need some."""

THREADS = whole(1, 1024)
"""More than any machine has; far more would end in torch's own words."""


def positive(text: str) -> float:
    """A number above 0, and one that single precision holds with room to spare."""
    number = _finite(text)
    if number <= 0:
        raise _refusal(f"{text} is not above 0")
    if number > 1e6:
        raise _refusal(f"{text} is too large, it can be a million at most")
    return number


def part(text: str) -> float:
    """A part of one: from 0 to 1, both included."""
    number = _finite(text)
    if not 0 <= number <= 1:
        raise _refusal(f"{text} is not between 0 and 1")
    return number


def part_below_one(text: str) -> float:
    """A part of one that leaves something: from 0 to 1, 1 excluded."""
    number = part(text)
    if number == 1:
        raise _refusal(f"{text} is not below 1")
    return number


def part_above_zero(text: str) -> float:
    """A part of one that is something: from 0 to 1, 0 excluded."""
    number = part(text)
    if number == 0:
        raise _refusal(f"{text} is not above 0")
    return number


def _finite(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise _refusal(f"'{text}' is no number") from None
    if not math.isfinite(number):
        raise _refusal(f"{text} is no finite number")
    return number


def _refusal(reason: str) -> Exception:
    from argparse import ArgumentTypeError  # here, so that signals can be caught before libraries load

    return ArgumentTypeError(reason)
