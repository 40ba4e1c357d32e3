"""``python -m training``: pre-train, fine-tune and evaluate on annotated skeletons."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from core.command_line import start


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    return start("training.cli", argv)


if __name__ == "__main__":
    sys.exit(main())
