"""The thread that reads a source, and the hand-over of its frames to the consumer."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from core.errors import SourceError
from core.types import Frame
from pipeline.sources.events import EventKind, Severity
from pipeline.sources.journal import Journal
from pipeline.sources.options import LiveOptions
from pipeline.sources.pacing import Deadline, Pacer
from pipeline.sources.policy import Policy
from pipeline.sources.reader import Reader
from pipeline.sources.recordings.numbering import FrameNumbering

_POLL_S = 0.05  # how often an injected clock is looked at while waiting
_QUEUE_ALL = 4  # frames read ahead of a consumer that wants them all
_FAILED_READS = 3  # in a row, before a live source counts as lost
_CORRUPT_READS = 60  # in a row, before a live source counts as lost
_JOIN_S = 0.5
_MOST_HUNG = 3  # threads left behind in a driver; it would keep the next one as well


class _Lost(Exception):
    """The connection to a live source is gone."""


class Feed:
    """Reads in a thread of its own, so that a read that never returns can be noticed and left behind.

    A connection is one *generation*. When a read hangs, the generation number moves on and a new thread connects anew;
    the hung thread finds itself outdated if it ever comes back, releases its device and ends. While a few of them hang,
    retries fail without a new connection.

    Args:
        name: of the source, without credentials.
        make_reader: gives a fresh, unopened reader for each connection.
        policy: chooses by what the opened reader turned out to be.
        options: time-outs and retries.
        clock: monotonic seconds.
        journal: takes counts and events.
    """

    def __init__(
        self,
        name: str,
        make_reader: Callable[[], Reader],
        policy: Callable[[Reader], Policy],
        options: LiveOptions,
        clock: Callable[[], float],
        journal: Journal,
    ) -> None:
        self._name = name
        self._make_reader = make_reader
        self._choose_policy = policy
        self._options = options
        self._clock = clock
        self._journal = journal

        self._changed = threading.Condition()
        self._queue: deque[Frame] = deque()
        self._error: BaseException | None = None
        self._ended = False
        self._closed = False
        self._consuming = False
        self._generation = 0
        self._busy: Deadline | None = None  # of the call in progress, after which it counts as hung
        self._retries = 0
        self._handed_over = False
        self._numbering = FrameNumbering(name, clock, journal)
        self._pacer = Pacer(clock)
        self._thread: threading.Thread | None = None
        self._hung: list[threading.Thread] = []

        self.reader: Reader | None = None  # of the first connection; describes the source
        self.policy = Policy.ALL

    # consumer's side

    def start(self) -> None:
        """Connects and waits for the first frame.

        Raises:
            SourceError: when the source does not open or gives no picture.
        """
        self._spawn(retry=False)
        while True:
            with self._changed:
                if self._queue:
                    return
                if self._error is not None:
                    error = self._error
                    break
                self._wait_or_stall()
            self._journal.publish()
        self.close()
        raise error

    def get(self) -> Frame | None:
        """The next frame by the policy; None at the end and after ``close``. Raises what ended the reading thread."""
        with self._changed:
            if not self._consuming:
                self._consuming = True
                self._pacer.start()
                self._changed.notify_all()
        while True:
            with self._changed:
                if self._closed:
                    return None
                if self._queue:
                    frame = self._queue.popleft()
                    self._journal.count(delivered=1)
                    self._changed.notify_all()
                    return frame
                if self._error is not None:
                    error, self._error, self._ended = self._error, None, True
                    raise error
                if self._ended:
                    return None
                self._wait_or_stall()
            self._journal.publish()

    def size(self) -> tuple[int, int]:
        """(width, height) of the newest picture read."""
        assert self._numbering.size is not None
        return self._numbering.size

    @property
    def origin_s(self) -> float | None:
        """The clock's reading at time stamp 0, where frames have an age."""
        return self._pacer.origin_s if self.policy is Policy.PACED else self._numbering.origin_s

    def close(self) -> None:
        """Ends a waiting ``get`` at once and, as far as it responds, the reading thread. From any thread."""
        with self._changed:
            self._closed = True
            self._generation += 1
            self._queue.clear()
            self._changed.notify_all()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(_JOIN_S)  # a hung thread stays behind; it is a daemon

    def _wait_or_stall(self) -> None:
        """Waits for a change; leaves a hung read behind. The lock is held."""
        self._changed.wait(_POLL_S)
        if self._busy is None or self._closed or self._busy.left_s() > 0:
            return
        self._busy = None
        self._generation += 1
        self._journal.count(stalls=1)
        if self.reader is None or not self.reader.live or self._numbering.size is None:
            self._error = SourceError(f"{self._name} does not answer: it gave no picture in time")
            return
        self._tell(EventKind.STALLED, Severity.WARNING, f"{self._name} stalls: it gave no picture in time")
        assert self._thread is not None
        self._hung.append(self._thread)
        self._spawn(retry=True)

    def _spawn(self, retry: bool) -> None:
        generation = self._generation
        self._thread = threading.Thread(
            target=self._run, args=(generation, retry), name=f"source:{self._name}", daemon=True
        )
        self._thread.start()

    # reading thread's side

    def _run(self, generation: int, retry: bool) -> None:
        """Connects, reads, and connects again for as long as that makes sense."""
        try:
            reason = ""
            while self._is_current(generation):
                if retry and not self._wait_for_retry(generation, reason):
                    return
                try:
                    self._connection(generation, retry)
                    return
                except _Lost as lost:
                    reason = str(lost)
                    self._tell_if_current(generation, EventKind.LOST, f"{self._name} is lost: {reason}")
                except SourceError as error:
                    if not retry:
                        raise
                    reason = str(error)
                    self._tell_if_current(generation, EventKind.RETRY_FAILED, reason)
                retry = True
        except BaseException as error:  # handed to the consumer, who raises it
            with self._changed:
                if generation == self._generation:
                    self._error = error
                    self._changed.notify_all()
        finally:
            self._journal.publish()

    def _connection(self, generation: int, again: bool) -> None:
        """One connection from opening to its end. Returns at the end of a recording or when outdated."""
        reader = self._make_reader()
        try:
            with self._watched(generation, self._options.open_timeout_s):
                reader.open()
                if self.reader is not None:
                    reader.live = self.reader.live  # what it was at first, it stays
                shot = reader.read()
                if shot is None and reader.live:
                    raise SourceError(
                        f"{reader.name} opens but gives no picture: it is in use by another program or has no signal"
                    )
            if not self._is_current(generation):
                return
            if not again:
                self._describe(reader)
            failed = corrupt = 0
            announced = not again
            while self._is_current(generation):
                if shot is None:
                    if not reader.live:
                        self._finish(reader, generation)
                        return
                    failed += 1
                    if failed >= _FAILED_READS:
                        raise _Lost("no picture comes any more")
                elif shot.image is None:
                    corrupt += 1
                    self._skip_corrupt(reader, first=corrupt == 1, generation=generation)
                    if reader.live and corrupt >= _CORRUPT_READS:
                        raise _Lost("it gives nothing but corrupt pictures")
                else:
                    if failed:
                        self._skip_corrupt(reader, first=corrupt == 0, generation=generation, number=failed)
                    failed = corrupt = 0
                    if not announced:
                        announced = True
                        self._reconnected(generation)
                    if not self._put(shot.image, shot.stamp_s, generation):
                        return
                with self._watched(generation, self._options.stall_timeout_s):
                    shot = reader.read()
        finally:
            reader.close()

    def _describe(self, reader: Reader) -> None:
        with self._changed:
            self.reader = reader
            self.policy = self._choose_policy(reader)
            self._numbering.set_rate(reader.fps)

    def _put(self, image: NDArray[np.uint8], stamp_s: float | None, generation: int) -> bool:
        """Hands one picture over by the policy; False when this generation has ended meanwhile."""
        with self._changed:
            if generation != self._generation:
                return False
            frame = self._numbering.frame(image, stamp_s)
        self._journal.publish()
        with self._changed:
            if self.policy is Policy.ALL:
                while len(self._queue) >= _QUEUE_ALL and generation == self._generation:
                    self._changed.wait()
            elif self.policy is Policy.PACED and self._handed_over:  # the first tells what the source is like
                self._wait_until_due(frame.time_s, generation)
            if generation != self._generation:
                return False
            if self.policy is not Policy.ALL and self._queue:
                self._queue.clear()
                if self._consuming:  # before the first get nobody has missed anything
                    self._journal.count(dropped=1)
            self._queue.append(frame)
            self._handed_over = True
            self._pacer.given(frame.time_s)
            self._changed.notify_all()
            return True

    def _wait_until_due(self, time_s: float, generation: int) -> None:
        """Until the moment at which a camera would have given this frame. The lock is held."""
        while generation == self._generation:
            left_s = self._pacer.left_s(time_s)
            if left_s is not None and left_s <= 0:
                return
            self._changed.wait(_POLL_S if left_s is None else min(left_s, _POLL_S))

    def _wait_for_retry(self, generation: int, reason: str) -> bool:
        """Backs off before the next connection; False when outdated. Raises SourceError when retries are used up."""
        with self._changed:
            while generation == self._generation:
                self._retries += 1
                limit = self._options.max_retries
                if limit is not None and self._retries > limit:
                    reason = f" ({reason})" if reason else ""
                    sentence = f"{self._name} is lost for good after {limit} retries{reason}"
                    self._tell(EventKind.GAVE_UP, Severity.ERROR, sentence)
                    raise SourceError(sentence)
                self._pause(generation, self._options.backoff_s(self._retries))
                self._hung = [thread for thread in self._hung if thread.is_alive()]
                if len(self._hung) < _MOST_HUNG:
                    break
                self._changed.wait(_POLL_S)  # lets the lock go, also where there is no backing off
            return generation == self._generation

    def _pause(self, generation: int, span_s: float) -> None:
        """Waits, but not beyond the end of this generation. The lock is held."""
        wait = Deadline(self._clock, span_s)
        while generation == self._generation and (left_s := wait.left_s()) > 0:
            self._changed.wait(min(left_s, _POLL_S))

    def _reconnected(self, generation: int) -> None:
        with self._changed:
            if generation != self._generation:
                return
            retries, self._retries = self._retries, 0
            self._journal.count(reconnects=1)
            number = "first retry" if retries == 1 else f"retry {retries}"
            self._tell(EventKind.RECONNECTED, Severity.INFO, f"{self._name} is back at the {number}")
        self._journal.publish()

    def _skip_corrupt(self, reader: Reader, first: bool, generation: int, number: int = 1) -> None:
        with self._changed:
            if generation != self._generation:
                return
            self._journal.count(corrupt=number)
            self._numbering.skip(number)
            if first:
                self._tell(EventKind.CORRUPT, Severity.WARNING, f"{reader.name} gives a corrupt picture; it is skipped")
        self._journal.publish()

    def _finish(self, reader: Reader, generation: int) -> None:
        sentence = reader.shortfall()
        with self._changed:
            if generation != self._generation:
                return
            if self._numbering.size is None:
                self._error = SourceError(sentence or f"{reader.name} contains no picture that can be read")
            elif sentence:
                self._tell(EventKind.TRUNCATED, Severity.WARNING, sentence)
            self._ended = True
            self._changed.notify_all()

    # both sides

    @contextmanager
    def _watched(self, generation: int, limit_s: float) -> Iterator[None]:
        """Marks a call that may hang, for the consumer to see."""
        with self._changed:
            if generation == self._generation:
                self._busy = Deadline(self._clock, limit_s)
        try:
            yield
        finally:
            with self._changed:
                if generation == self._generation:
                    self._busy = None

    def _is_current(self, generation: int) -> bool:
        with self._changed:
            return generation == self._generation

    def _tell(self, kind: EventKind, severity: Severity, message: str) -> None:
        self._journal.note(kind, severity, message, self._numbering.last_s)

    def _tell_if_current(self, generation: int, kind: EventKind, message: str) -> None:
        if self._is_current(generation):
            self._tell(kind, Severity.WARNING, message)
            self._journal.publish()
