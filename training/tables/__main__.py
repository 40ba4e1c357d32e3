"""``python -m training.tables NAME``: make one of the paper's tables, or a source model that transfer starts from."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from core.command_line import start


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    return start("training.tables.cli", argv)


if __name__ == "__main__":
    sys.exit(main())
