"""Parameters and operations of the networks and tuning methods beside the paper's: ``python -m skeleformer table``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from core.command_line import COUNT
from skeleformer.costs.table import as_json, markdown, tables


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m skeleformer", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    table = commands.add_parser("table", help="print the tables as markdown")
    table.add_argument("--classes", type=COUNT, default=60, help="classes of the linear head (default 60)")
    table.add_argument("--frames", type=COUNT, default=32, help="frames of the window of one person (default 32)")
    table.add_argument("--json", type=Path, metavar="OUT", help="write the figures there too")
    args = parser.parse_args(argv)
    if args.json and not args.json.parent.is_dir():
        sys.stderr.write(f"cannot write {args.json}: there is no folder {args.json.parent}\n")
        return 2
    content = tables(args.classes, args.frames)
    sys.stdout.write("\n\n".join(markdown(title, rows) for title, rows in content.items()) + "\n")
    if args.json:
        try:
            args.json.write_text(json.dumps(as_json(content), indent=2) + "\n")
        except OSError as error:
            sys.stderr.write(f"cannot write {args.json}: {error.strerror or error}\n")
            return 2
    return 0
