"""Several looks at one frame at the same time, on as many cores."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import TypeVar

T = TypeVar("T")

MOST_THREADS = 4
"""A frame rarely has more to look at, and the other stages want their cores as well."""


def usual_threads() -> int:
    """How many threads suit this machine: one for each core that this process may use, four at most."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, MOST_THREADS))


class SideBySide:
    """Does independent jobs in the calling thread and some helpers; results come in the order of the jobs.

    One network run on two threads gains little, since its layers are small; two runs side by side take hardly longer
    than one. What a job gives does not depend on who does it, so neither do the results.

    Args:
        threads: including the calling one; 1 for no helpers.
    """

    def __init__(self, threads: int) -> None:
        self.threads = max(1, threads)
        self._helpers = ThreadPoolExecutor(self.threads - 1, "pose-helper") if self.threads > 1 else None
        self._lock = Lock()
        self._helped_s = 0.0

    @property
    def helped_s(self) -> float:
        """Seconds of CPU time that the helpers have used so far."""
        return self._helped_s

    def run(self, jobs: Sequence[Callable[[], T]]) -> list[T]:
        """Do every job and give what each returned; the error of the earliest failed one is raised."""
        if self._helpers is None or len(jobs) < 2:
            return [job() for job in jobs]
        results: list[Future[T]] = [Future() for _ in jobs]
        left = iter(range(len(jobs)))

        def work() -> None:
            while True:
                with self._lock:
                    number = next(left, None)
                if number is None:
                    return
                try:
                    results[number].set_result(jobs[number]())
                except BaseException as error:  # raised again in the calling thread
                    results[number].set_exception(error)

        def help_out() -> None:
            started = time.thread_time()
            work()
            with self._lock:
                self._helped_s += time.thread_time() - started

        helping = [self._helpers.submit(help_out) for _ in range(min(self.threads, len(jobs)) - 1)]
        work()
        for helper in helping:
            helper.result()
        return [result.result() for result in results]

    def close(self) -> None:
        """End the helpers; calling it twice does no harm. Jobs are done by the calling thread from then on."""
        helpers, self._helpers = self._helpers, None
        if helpers is not None:
            helpers.shutdown()
