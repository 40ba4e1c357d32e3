"""Jobs on several threads: their order, their errors, and that they really run at the same time."""

from __future__ import annotations

import threading
import time

import pytest

from pipeline.pose.movenet.side_by_side import SideBySide, usual_threads


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_results_come_in_the_order_of_the_jobs(threads: int) -> None:
    together = SideBySide(threads)
    for count in (0, 1, 2, 9):
        jobs = [lambda i=i: (time.sleep(0.001 * (9 - i)), i)[1] for i in range(count)]
        assert together.run(jobs) == list(range(count))
    together.close()


def test_two_jobs_run_at_the_same_time() -> None:
    meeting = threading.Barrier(2, timeout=20)  # broken if one job has to end before the other begins
    together = SideBySide(2)
    assert sorted(together.run([meeting.wait, meeting.wait])) == [0, 1]
    together.close()


def test_the_caller_works_as_well() -> None:
    together = SideBySide(2)
    names = set()
    meeting = threading.Barrier(2, timeout=20)

    def job() -> None:
        meeting.wait()
        names.add(threading.current_thread().name)

    together.run([job, job])
    together.close()
    assert threading.current_thread().name in names
    assert len(names) == 2


@pytest.mark.parametrize("threads", [1, 2])
def test_the_earliest_error_is_raised_and_later_runs_are_not_harmed(threads: int) -> None:
    def fail(word: str) -> None:
        raise KeyError(word)

    together = SideBySide(threads)
    with pytest.raises(KeyError, match="first"):
        together.run([lambda: None, lambda: fail("first"), lambda: fail("second")])
    assert together.run([lambda: 1, lambda: 2]) == [1, 2]
    together.close()


def test_the_helpers_time_is_counted() -> None:
    together = SideBySide(2)
    meeting = threading.Barrier(2, timeout=20)

    def job() -> None:
        meeting.wait()
        end = time.thread_time() + 0.02
        while time.thread_time() < end:
            pass

    assert together.helped_s == 0
    together.run([job, job])
    assert together.helped_s >= 0.02
    together.close()


def test_after_closing_the_caller_does_everything() -> None:
    together = SideBySide(3)
    together.run([lambda: 1, lambda: 2])
    together.close()
    together.close()
    assert together.run([threading.current_thread, threading.current_thread]) == [threading.current_thread()] * 2
    assert not [t for t in threading.enumerate() if t.name.startswith("pose-helper")]


def test_a_machine_has_at_least_one_thread() -> None:
    assert 1 <= usual_threads() <= 4
