"""How the training commands end: in order, with the last epoch whole."""

from __future__ import annotations

from collections.abc import Callable

from core import command_line
from training.run.parallel import started_by_torchrun


def exit_code(action: Callable[[], None], interrupted: str) -> int:
    """As ``core.command_line.exit_code``, signals included.

    Processes of ``torchrun`` die of signals as before: one that waits for another's gradients would not hear an
    exception.
    """
    return command_line.exit_code(action, interrupted, signals=not started_by_torchrun())
