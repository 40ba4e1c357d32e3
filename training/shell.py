"""How the training commands end: what a user is told, and the exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable

from pipeline.errors import UserError
from skeleformer.errors import WeightsError


def exit_code(action: Callable[[], None], interrupted: str) -> int:
    """Do something a user asked for.

    Args:
        action: raises ``UserError`` or ``WeightsError`` when it cannot be done.
        interrupted: what to say after Ctrl-C.

    Returns:
        0, or 2 after an error and 130 after Ctrl-C, each told in one sentence.
    """
    try:
        action()
    except (UserError, WeightsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(interrupted, file=sys.stderr)
        return 130
    return 0
