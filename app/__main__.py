"""``python -m app``: the window, the headless run, ``bench`` and ``doctor``.

Exit codes: 0 done; 1 the doctor found something missing, or the run broke off; 2 asked for something that cannot work;
130 stopped by Ctrl-C; 143 terminated; 129 its terminal was closed.
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

from core.command_line import Ended, ending_signals, let_closed_terminal_go

# All else is imported by the functions below, once signals are caught: Ctrl-C may come while libraries load.


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return the process's exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    before = {}
    try:
        with contextlib.suppress(ValueError):  # not in the main thread: whoever called it handles signals
            # Ctrl-C as well, which a shell has a command in the background ignore; who sends the signal means it.
            for number in ending_signals():
                before[number] = signal.signal(number, _end)
        return _command(words)
    except Ended as ended:
        return 128 + ended.signal
    finally:
        for number, handler in before.items():
            if handler is not None and signal.getsignal(number) is _end:
                signal.signal(number, handler)


def _command(words: list[str]) -> int:
    from app.terminal import let_any_name_through
    from core.errors import UserError

    let_any_name_through()
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


def _run(words: list[str]) -> int:
    from app.cli import parse_run
    from app.outputs import check_outputs
    from app.terminal import set_up_log

    options = parse_run(words)
    set_up_log(options.verbose)
    check_outputs(options)
    if options.headless:
        from app.headless import run_headless

        return run_headless(options)
    from app.window import run_window

    return run_window(options)


def _bench(words: list[str]) -> int:
    from app.cli import parse_bench
    from app.outputs import check_outputs
    from app.terminal import set_up_log

    options, json_path, frames = parse_bench(words)
    set_up_log(options.verbose)
    check_outputs(options, json_path)
    from app.bench import run_bench

    return run_bench(options, json_path, frames)


def _doctor(words: list[str]) -> int:
    from app.cli import doctor_parser

    doctor_parser().parse_args(words)
    from app.doctor import run_doctor

    return run_doctor()


def _end(number: int, frame: FrameType | None) -> None:
    if number == getattr(signal, "SIGHUP", None):
        signal.signal(number, signal.SIG_IGN)  # the shell passes on what the system has said already
        let_closed_terminal_go()
    raise Ended(number)


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
