"""Where the time goes: measured always, cheaply, in memory that does not grow."""

from __future__ import annotations

import sys
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

KEPT = 8192
"""Figures kept of each stage; quantiles are over the newest of them (four minutes at 30 frames a second)."""

STAGES = ("wait", "lag", "pose", "track", "queue", "recognise", "output")
"""In the order in which a frame passes them:

``wait``: the pose thread had nothing to do until the source gave a frame; ``lag``: the frame waited for the pose thread
(live and paced sources only); ``pose``: finding people; ``track``: telling who is who; ``queue``: waiting for the
recognition thread; ``recognise``: windows, networks, decisions; ``output``: waiting for whoever reads the results.
"""


class _Newest:
    """The newest ``KEPT`` numbers, in memory taken at once."""

    def __init__(self) -> None:
        self._values = np.zeros(KEPT)
        self._count = 0

    def append(self, value: float) -> None:
        self._values[self._count % KEPT] = value
        self._count += 1

    def array(self) -> NDArray[np.float64]:
        return self._values[: self._count].copy()


class PipelineStats:
    """Fed by the stages from their threads, read by anybody.

    Args:
        started: the clock's reading when the pipeline began to open.
    """

    def __init__(self, started: float) -> None:
        self._started = started
        self._lock = threading.Lock()
        self._stages = {name: _Newest() for name in STAGES}
        self._cpu_s: dict[str, float] = {}
        self._ages = _Newest()
        self._first_frame: float | None = None
        self._first_result: float | None = None
        self._first_person: float | None = None
        self._last_result: float | None = None
        self.frames = 0
        self.dropped = 0

    def frame(self, now: float) -> None:
        """A frame has reached the pose stage."""
        if self._first_frame is None:
            self._first_frame = now

    def cpu(self, stage: str, seconds: float) -> None:
        """A thread has computed for some time (not counting waits)."""
        self._cpu_s[stage] = self._cpu_s.get(stage, 0.0) + seconds

    def result(self, now: float, stage_ms: dict[str, float], age_ms: float, dropped: int, people: bool) -> None:
        """A result has left the pipeline."""
        with self._lock:
            for name, value in stage_ms.items():
                self._stages[name].append(value)
            self._ages.append(age_ms)
            self.frames += 1
            self.dropped = dropped
            self._last_result = now
            if self._first_result is None:
                self._first_result = now
            if people and self._first_person is None:
                self._first_person = now

    @property
    def fps(self) -> float:
        """Results a second, from the moment the first frame was taken up to the newest result."""
        if self._first_frame is None or self._last_result is None or self._last_result <= self._first_frame:
            return 0.0
        return self.frames / (self._last_result - self._first_frame)

    @property
    def start_s(self) -> float | None:
        """Seconds from opening to the first result with a person in it, or without one where nobody came."""
        first = self._first_person if self._first_person is not None else self._first_result
        return None if first is None else first - self._started

    @property
    def cpu_s(self) -> dict[str, float]:
        """Seconds of CPU time that ``pose`` (with tracking) and ``recognise`` have used in their threads."""
        return dict(self._cpu_s)

    def summary(self) -> dict[str, Any]:
        """All figures as plain numbers, ready for JSON: milliseconds, seconds, megabytes; None where there is none."""
        with self._lock:
            stages = {name: newest.array() for name, newest in self._stages.items()}
            ages = self._ages.array()
        return {
            "frames": self.frames,
            "fps": round(self.fps, 2),
            "dropped": self.dropped,
            "start_s": None if self.start_s is None else round(self.start_s, 3),
            "peak_rss_mb": peak_rss_mb(),
            "age_ms": _quantiles(ages),
            "stages": {name: _quantiles(values, "_ms") for name, values in stages.items() if len(values)},
        }


def _quantiles(values: NDArray[np.float64], unit: str = "") -> dict[str, float | None]:
    names = (f"p50{unit}", f"p95{unit}")
    if not len(values):
        return dict.fromkeys(names)
    return {name: round(float(value), 3) for name, value in zip(names, np.percentile(values, (50, 95)), strict=True)}


def peak_rss_mb() -> float | None:
    """Largest memory that this process has had, in megabytes (10^6 bytes); None where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6, 1)
