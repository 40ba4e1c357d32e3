"""The one class that cameras, streams, files and pictures are read through."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterator
from types import TracebackType

from core.types import Frame
from pipeline.sources.base import FrameSource
from pipeline.sources.events import SourceStats
from pipeline.sources.feed import Feed
from pipeline.sources.journal import EventCallback, Journal
from pipeline.sources.options import LiveOptions
from pipeline.sources.policy import Policy
from pipeline.sources.reader import Reader


class Source(FrameSource, Iterator[Frame]):
    """Frames of a camera, stream, video file or list of pictures; a context manager and an iterator.

    Reading runs in a thread of its own. ``close`` may be called from any thread and ends a waiting iteration at once.

    Args:
        name: for people, logs and window titles; without credentials.
        make_reader: gives an unopened reader; called again for every new connection.
        policy: None takes ``ALL`` for recordings and ``NEWEST`` for live sources. A recording has no newest frame but
            by the clock, so ``NEWEST`` means ``PACED`` there; a live source is paced already, so ``PACED`` means
            ``NEWEST``.
        options: time-outs and retries.
        clock: monotonic seconds; stamps live frames.
        on_event: called with a ``SourceEvent`` whenever something happens, from any thread.

    Raises:
        SourceError: when it does not open or gives no picture.
    """

    ordered = True

    def __init__(
        self,
        name: str,
        make_reader: Callable[[], Reader],
        *,
        policy: Policy | None = None,
        options: LiveOptions | None = None,
        clock: Callable[[], float] = time.perf_counter,
        on_event: EventCallback | None = None,
    ) -> None:
        self.name = name
        self._journal = Journal(on_event)

        def choose(reader: Reader) -> Policy:
            if reader.live:
                return Policy.ALL if policy is Policy.ALL else Policy.NEWEST
            return Policy.ALL if policy in (None, Policy.ALL) else Policy.PACED

        self._feed = Feed(name, make_reader, choose, options or LiveOptions(), clock, self._journal)
        self._feed.start()
        assert self._feed.reader is not None
        self.live, self.policy = self._feed.reader.live, self._feed.policy
        self.fps, self.frame_count = self._feed.reader.fps, self._feed.reader.frame_count
        # A source that is forgotten without close() must not keep its thread waiting for ever.
        self._finalizer = weakref.finalize(self, self._feed.close)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the newest picture; a stream may change it."""
        return self._feed.size()

    @property
    def origin_s(self) -> float | None:
        """As for every source; None before the first frame is asked for, too."""
        return self._feed.origin_s

    @property
    def stats(self) -> SourceStats:
        """Counts so far."""
        return self._journal.stats

    def close(self) -> None:
        """Ends the iteration at once and lets the device go."""
        self._finalizer.detach()
        self._feed.close()

    def __iter__(self) -> Source:
        return self

    def __next__(self) -> Frame:
        frame = self._feed.get()
        if frame is None:
            raise StopIteration
        return frame

    def __enter__(self) -> Source:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Source({self.name!r}, policy={self.policy.value}, live={self.live})"
