"""``--headless``: every source in a thread of its own, progress on stderr, a summary on stdout at the end."""

from __future__ import annotations

import logging
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

from app.meter import Meter
from app.options import Outputs, RunOptions, SourceSpec
from app.session import Session, load_shared_model, open_session
from app.summary import Summary
from app.terminal import plain_console
from core.errors import UserError
from pipeline.recognition.model import ActionModel
from pipeline.sources import EventKind, Severity, SourceEvent

log = logging.getLogger(__name__)

STOP_S = 1.7
"""How long sessions may take to end after Ctrl-C; the whole program ends within two seconds."""

_LOOK_S = 0.1
_DRAW_EVERY_S = 0.1


@dataclass
class _Run:
    """One source's thread and what became of it."""

    spec: SourceSpec
    outputs: Outputs
    name: str = ""
    session: Session | None = None
    summary: Summary = field(default_factory=Summary)
    error: BaseException | None = None
    begun: float = field(default_factory=time.time)
    started: float = 0.0
    wall_s: float = 0.0


def run_headless(options: RunOptions) -> int:
    """Label every source to its end, or until a signal.

    Returns:
        0 when every source was labelled to its end; 1 when one broke off for a reason that is no user's fault.

    Raises:
        UserError: a source could not be opened or broke off; everything labelled before is kept, in whole files.
        BaseException: what a signal raises, after every file has been closed.
    """
    console = Console(stderr=True)
    many = len(options.sources) > 1
    outputs = options.outputs.for_sources(len(options.sources))
    runs = [_Run(*one) for one in zip(options.sources, outputs, strict=True)]
    stopping = threading.Event()
    model = load_shared_model(options) if many else None
    progress = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        TaskProgressColumn(),
        TextColumn("{task.fields[info]}", markup=False),
        TimeElapsedColumn(),
        console=console,
    )
    threads = [
        threading.Thread(target=_label, args=(run, options, model, progress, stopping), name="headless", daemon=True)
        for run in runs
    ]
    try:
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            time.sleep(_LOOK_S)
    except BaseException:
        stopping.set()
        _stop(runs, threads)
        raise
    finally:
        if progress.live.is_started:
            progress.stop()
        if model is not None:
            model.close()
        _report(runs, many)
    errors = [run.error for run in runs if run.error is not None]
    expected = [error for error in errors if isinstance(error, UserError)]
    for error in expected[:-1]:
        print(f"{error}", file=sys.stderr)
    if expected:
        raise expected[-1]
    return 1 if errors or any(run.session and run.session.failures for run in runs) else 0


def _label(
    run: _Run, options: RunOptions, model: ActionModel | None, progress: Progress, stopping: threading.Event
) -> None:
    """Thread: one source from its opening to its end."""

    def tell(event: SourceEvent) -> None:
        if event.kind is EventKind.TRUNCATED:
            run.error = UserError(event.message)  # said at the end; what comes before the break is labelled
        elif event.severity is not Severity.INFO and not stopping.is_set():
            progress.console.print(event.message, markup=False, highlight=False)

    try:
        with open_session(run.spec, options, run.outputs, model=model, on_event=tell) as session:
            run.session, run.name = session, session.name
            # The bar appears with the first source that opens: a refusal is one sentence and nothing else.
            task = progress.add_task(session.name, total=session.frame_count, info="")
            progress.start()
            _consume(run, session, progress, task, stopping)
    except UserError as error:
        run.error = error
    except Exception as error:
        run.error = error
        log.exception("%s: labelling broke off", run.name or run.spec)
    finally:
        run.wall_s = time.perf_counter() - run.started if run.started else 0.0


def _consume(run: _Run, session: Session, progress: Progress, task: TaskID, stopping: threading.Event) -> None:
    meter = Meter()
    run.started = time.perf_counter()
    drawn = 0.0
    for result in session:
        run.summary.add(result)
        reading = meter.update(result)
        now = time.perf_counter()
        if now - drawn >= _DRAW_EVERY_S:
            drawn = now
            people = "1 person" if reading.people == 1 else f"{reading.people} people"
            info = f"{reading.fps:.0f} frames a second, {people}"
            progress.update(task, completed=result.frame.index + 1, info=info)
        if stopping.is_set():
            return
    if stopping.is_set():
        return
    # A container's frame count is a claim; the bar ends where the video does.
    progress.update(task, completed=run.summary.frames, total=run.summary.frames, info="")


def _stop(runs: list[_Run], threads: list[threading.Thread]) -> None:
    """End every session, files whole."""
    for run in runs:
        if run.session is not None:
            run.session.stop()
    deadline = time.perf_counter() + STOP_S
    for thread in threads:
        thread.join(max(0.0, deadline - time.perf_counter()))


def _report(runs: list[_Run], many: bool) -> None:
    """Print what was seen and written."""
    console = plain_console()
    for run in runs:
        if not run.name or not run.started:
            continue
        console.print(run.summary.headline(run.name, run.wall_s), markup=False)
        if run.summary.tracks:
            console.print(run.summary.table())
        written = [str(path) for path in run.outputs.files().values() if _is_new(path, run.begun)]
        if written:
            console.print(f"written: {', '.join(written)}", markup=False)
        for failure in run.session.failures if run.session is not None else ():  # logged when it happened, far above
            console.print(f"{failure.name} has failed: {failure.reason}", markup=False, soft_wrap=True)
        if many:
            console.print()


def _is_new(path: Path, begun: float) -> bool:
    """Whether the file is of this run and not an older one whose successor failed; disks round times."""
    return path.exists() and path.stat().st_mtime >= begun - 2.0
