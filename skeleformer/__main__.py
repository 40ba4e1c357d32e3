"""``python -m skeleformer table``: parameters and operations of the networks and tuning methods beside the paper's."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from core.command_line import start


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    return start("skeleformer.cli", argv)


if __name__ == "__main__":
    sys.exit(main())
