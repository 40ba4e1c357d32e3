"""Types of the commands' numbers, for argparse: one that cannot work is refused in a sentence, before any work."""

from __future__ import annotations

import math
from argparse import ArgumentTypeError
from collections.abc import Callable


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
            raise ArgumentTypeError(f"'{text}' is no whole number") from None
        if number < least:
            raise ArgumentTypeError(f"{number} is too small, it has to be at least {least}")
        if most is not None and number > most:
            raise ArgumentTypeError(f"{number} is too large, it can be {most} at most")
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
        raise ArgumentTypeError(f"{text} is not above 0")
    if number > 1e6:
        raise ArgumentTypeError(f"{text} is too large, it can be a million at most")
    return number


def part(text: str) -> float:
    """A part of one: from 0 to 1, both included."""
    number = _finite(text)
    if not 0 <= number <= 1:
        raise ArgumentTypeError(f"{text} is not between 0 and 1")
    return number


def part_below_one(text: str) -> float:
    """A part of one that leaves something: from 0 to 1, 1 excluded."""
    number = part(text)
    if number == 1:
        raise ArgumentTypeError(f"{text} is not below 1")
    return number


def part_above_zero(text: str) -> float:
    """A part of one that is something: from 0 to 1, 0 excluded."""
    number = part(text)
    if number == 0:
        raise ArgumentTypeError(f"{text} is not above 0")
    return number


def _finite(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise ArgumentTypeError(f"'{text}' is no number") from None
    if not math.isfinite(number):
        raise ArgumentTypeError(f"{text} is no finite number")
    return number
