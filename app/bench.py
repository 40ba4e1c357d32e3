"""``python -m app bench``: the pipeline's stage times on a video, on the terminal and as JSON."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from app.figures import write_figures
from app.options import Outputs, RunOptions
from app.session import open_session
from app.terminal import plain_console
from core.errors import UserError
from core.files import WholeFile
from pipeline.sources import EventKind, Severity, SourceEvent

STAGE_WORDS = {
    "wait": "waiting for a frame",
    "lag": "frame waiting for poses",
    "pose": "poses",
    "track": "tracking",
    "queue": "waiting for recognition",
    "recognise": "recognition",
    "output": "waiting for the reader",
}


def run_bench(options: RunOptions, json_path: Path | None, frames: int | None, console: Console | None = None) -> int:
    """Label a source without any output and report how long everything took.

    A file is labelled whole and as fast as it goes; with ``--policy paced`` it is played by its own time stamps, as a
    camera would deliver it, and then ages and drops are those of a live run.

    Args:
        options: one source.
        json_path: where the metrics go as well.
        frames: stop after so many; None for the whole source.

    Returns:
        0.

    Raises:
        UserError: the source or a model cannot be opened, or the metrics cannot be written; or the video is cut off,
            and the metrics of what comes before are printed and written.
    """
    console = console or plain_console()
    file = None if json_path is None else WholeFile(json_path)
    cut_off = missing = ""

    def tell(event: SourceEvent) -> None:
        nonlocal cut_off
        if event.kind is EventKind.TRUNCATED:
            cut_off = event.message
        elif event.severity is not Severity.INFO:
            print(event.message, file=sys.stderr)

    with open_session(options.sources[0], options, Outputs(), on_event=tell) as session:
        loaded_s = time.process_time()
        for count, _ in enumerate(session, start=1):
            if count == frames:
                break
        else:  # whoever asked for the first frames misses nothing
            missing = cut_off
        figures = session.figures()
        all_s = time.process_time() - loaded_s
    figures["cpu_s"]["reading and the rest"] = max(all_s - sum(figures["cpu_s"].values()), 0.0)
    _print(console, figures)
    if file is not None:
        write_figures(file, figures)
        console.print(f"written: {json_path}", markup=False)
    if missing:
        raise UserError(missing)
    return 0


def _print(console: Console, figures: dict[str, Any]) -> None:
    start = "-" if figures["start_s"] is None else f"{figures['start_s']:.2f} s"
    memory = "" if figures["peak_rss_mb"] is None else f", {figures['peak_rss_mb']:.0f} MB at most"
    console.print(
        f"{figures['source']}: {figures['frames']} frames, {figures['fps']:.1f} frames a second, "
        f"{figures['dropped']} dropped, first skeleton after {start}{memory}",
        markup=False,
    )
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
    table.add_column("milliseconds a frame")
    table.add_column("p50", justify="right")
    table.add_column("p95", justify="right")
    rows = [
        (STAGE_WORDS.get(name, name), times["p50_ms"], times["p95_ms"]) for name, times in figures["stages"].items()
    ]
    rows.append(("capture to label", figures["age_ms"]["p50"], figures["age_ms"]["p95"]))
    for name, p50, p95 in rows:
        if p50 is not None:
            table.add_row(name, f"{p50:.2f}", f"{p95:.2f}")
    console.print(table)
    cpu = figures["cpu_s"]
    if sum(cpu.values()) > 0:
        shares = ", ".join(f"{name} {seconds / sum(cpu.values()):.0%}" for name, seconds in cpu.items())
        console.print(f"computing: {shares} of {sum(cpu.values()):.1f} s", markup=False)
