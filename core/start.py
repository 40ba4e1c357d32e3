"""Programs that need the extra ``train``: what happens before their own code can say anything."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module


def start(program: str, argv: Sequence[str] | None = None) -> int:
    """Import a command line, which takes seconds because of torch, and run its ``main``.

    Args:
        program: the module with ``main``.
        argv: what ``main`` is given.

    Returns:
        The exit code of ``main``; 2 where a library is missing, and 130 after Ctrl-C while it is imported, each told
        in one sentence.
    """
    try:
        main = import_module(program).main
    except ModuleNotFoundError as error:
        sys.stderr.write(f'error: this needs {error.name}: pip install "skeleprompt[train]"\n')
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130
    return int(main(argv))
