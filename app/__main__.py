"""``python -m app``: the window, the headless run, ``bench`` and ``doctor``.

Exit codes: 0 done; 1 the doctor found something missing, or the run broke off; 2 asked for something that cannot work;
130 stopped by Ctrl-C; 143 told to end.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from app.cli import doctor_parser, parse_bench, parse_run
from app.outputs import check_output, check_outputs
from app.terminal import let_any_name_through, set_up_log
from pipeline.errors import UserError

INTERRUPTED = 130
TERMINATED = 143


class _Terminated(BaseException):
    """SIGTERM, raised in the main thread so that files are closed on the way out."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return the process's exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    let_any_name_through()
    with contextlib.suppress(ValueError):  # not in the main thread: whoever called it handles signals
        signal.signal(signal.SIGTERM, _terminate)
        # A shell that starts a command in the background has it ignore Ctrl-C; who sends the signal means it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        if words[:1] == ["doctor"]:
            return _doctor(words[1:])
        if words[:1] == ["bench"]:
            return _bench(words[1:])
        return _run(words)
    except UserError as error:
        print(f"{error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        print(f"The library {error.name} is missing; python -m app doctor says how to install it.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return INTERRUPTED
    except _Terminated:
        return TERMINATED


def _run(words: list[str]) -> int:
    options = parse_run(words)
    set_up_log(options.verbose)
    check_outputs(options.outputs, options.sources)
    if options.headless:
        from app.headless import run_headless

        return run_headless(options)
    from app.window import run_window

    return run_window(options)


def _bench(words: list[str]) -> int:
    options, json_path, frames = parse_bench(words)
    set_up_log(options.verbose)
    if json_path is not None:
        check_output("--json", json_path)
    from app.bench import run_bench

    return run_bench(options, json_path, frames)


def _doctor(words: list[str]) -> int:
    doctor_parser().parse_args(words)
    from app.doctor import run_doctor

    return run_doctor()


def _terminate(number: int, frame: FrameType | None) -> None:
    raise _Terminated


def _leave(code: int) -> NoReturn:
    """End the process, even if a device driver still holds a thread: every file is closed by now."""
    sys.stdout.flush()
    sys.stderr.flush()
    logging.shutdown()
    if threading.active_count() > 1:
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    _leave(main())
