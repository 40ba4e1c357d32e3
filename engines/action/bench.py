"""Times of an action model on one backend: one decision, batches, and streaming against recomputing."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import BackendUnavailable
from engines.action.decision import ActionModel
from engines.action.window_set import WindowSet
from engines.nvidia.cuda import find_gpu
from engines.nvidia.roofline import Peak, peak_of, work_of

BATCHES = (1, 2, 4, 8, 16)
STRIDE_FRAMES = 5
"""New frames between two decisions about a person, as in the live pipeline (a third of a second at 15 Hz)."""

PAPER_FPS = {"without prompts": 31, "with prompts": 27}
"""Windows a second that the paper reports for its network (section 4.10)."""


@dataclass(frozen=True)
class Timing:
    """Times of one thing.

    Attributes:
        backend, precision: what ran.
        what: ``temporal`` (one decision from kept tokens), ``spatial`` (one new frame), ``streaming``
            (``STRIDE_FRAMES`` new frames, then a decision) or ``whole`` (all frames of the window again, then a
            decision).
        batch: people.
        p50_ms, p95_ms: of a run with the whole batch.
        cpu_ms: median processor time of a run, of all threads; on a CPU that others use too, this is the time that the
            run would take alone.
        per_s: people a second at the median.
        bound_ms: least that the device's arithmetic and memory allow, where they are known.
    """

    backend: str
    precision: str
    what: str
    batch: int
    p50_ms: float
    p95_ms: float
    cpu_ms: float
    per_s: float
    bound_ms: float | None = None

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def measure(run: Callable[[], object], seconds: float, least_runs: int = 10) -> list[tuple[float, float]]:
    """Milliseconds by the clock and of processor time of each of many runs, after one that is not counted."""
    run()
    times: list[tuple[float, float]] = []
    end = time.perf_counter() + seconds
    while len(times) < least_runs or time.perf_counter() < end:
        started, worked = time.perf_counter(), time.process_time()
        run()
        times.append((1e3 * (time.perf_counter() - started), 1e3 * (time.process_time() - worked)))
    return times


def bench_action_model(
    spatial: Path,
    temporal: Path,
    windows: WindowSet,
    backend: str,
    precision: str | None,
    *,
    batches: Sequence[int] = BATCHES,
    seconds: float = 1.0,
    threads: int = 1,
) -> list[Timing]:
    """Time an action model on real windows.

    Args:
        spatial, temporal: the shipped graphs.
        windows: to run on.
        backend, precision, threads: as for ``engines.load``.
        batches: numbers of people.
        seconds: spent on each measurement.

    Raises:
        EngineError: the backend does not work here.
    """
    rows = []
    with ActionModel(spatial, temporal, backend, precision, threads) as model:
        peak = None
        if model.temporal.backend != "onnx-cpu":
            try:
                peak = peak_of(find_gpu().name)
            except BackendUnavailable:
                peak = None
        for batch in batches:
            features = np.resize(windows.features, (batch, *windows.features.shape[1:]))
            frames = features.shape[1]
            for what, times in _in_turns(_things(model, features), seconds).items():
                bound = None
                if peak is not None and what in ("temporal", "spatial"):
                    path = temporal if what == "temporal" else spatial
                    bound = _bound_ms(path, peak, model.temporal.precision, N=batch, T=frames)
                p50, p95 = np.percentile([wall for wall, _ in times], [50, 95])
                rows.append(
                    Timing(
                        backend=model.temporal.backend,
                        precision=model.temporal.precision,
                        what=what,
                        batch=batch,
                        p50_ms=float(p50),
                        p95_ms=float(p95),
                        cpu_ms=float(np.median([cpu for _, cpu in times])),
                        per_s=1e3 * batch / float(p50),
                        bound_ms=bound,
                    )
                )
    return rows


def _bound_ms(path: Path, peak: Peak, precision: str, **sizes: int) -> float | None:
    """Least milliseconds of a run on a device, None where the graph's work cannot be counted for want of onnx."""
    try:
        return work_of(path, **sizes).bound_ms(peak, 4 if precision == "fp32" else 2)
    except BackendUnavailable:
        return None


def _things(model: ActionModel, features: NDArray[np.float32]) -> dict[str, Callable[[], object]]:
    """What is timed, by name."""
    inputs = {"tokens": model.tokens(features), "mask": (features[..., 4] > 0).any(-1)}

    def stream() -> None:
        for frame in range(-STRIDE_FRAMES, 0):
            model.spatial.run({"features": features[:, frame]})
        model.temporal.run(inputs)

    return {
        "temporal": lambda: model.temporal.run(inputs),
        "spatial": lambda: model.spatial.run({"features": features[:, -1]}),
        "streaming": stream,
        "whole": lambda: model.logits(features),
    }


def _in_turns(
    things: dict[str, Callable[[], object]], seconds: float, rounds: int = 8
) -> dict[str, list[tuple[float, float]]]:
    """Times of several things, measured in short turns so that what disturbs the machine disturbs all alike."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in things}
    for _ in range(rounds):
        for name, run in things.items():
            times[name] += measure(run, seconds / rounds, least_runs=3)
    return times


def ratio(rows: Sequence[Timing], slow: str, fast: str, batch: int = 1) -> float:
    """How many times faster ``fast`` is than ``slow``; the rows are those of one backend.

    On a CPU by processor time, which others who use the machine do not disturb; elsewhere by the clock.
    """
    found = {row.what: row.cpu_ms if row.backend == "onnx-cpu" else row.p50_ms for row in rows if row.batch == batch}
    return found[slow] / found[fast]


def table(rows: Sequence[Timing]) -> str:
    """The rows as Markdown."""
    lines = [
        "| backend | precision | what | people | p50 ms | p95 ms | CPU ms | people/s | of the device's bound |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        bound = "-" if row.bound_ms is None else f"{row.bound_ms / row.p50_ms:.0%}"
        lines.append(
            f"| {row.backend} | {row.precision} | {row.what} | {row.batch} | {row.p50_ms:.2f} | {row.p95_ms:.2f} "
            f"| {row.cpu_ms:.2f} | {row.per_s:.0f} | {bound} |"
        )
    return "\n".join(lines)
