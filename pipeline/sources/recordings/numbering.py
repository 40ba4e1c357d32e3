"""From bare pictures to frames with a number, a time stamp and a remembered size."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from core.types import Frame
from pipeline.sources.events import EventKind, Severity
from pipeline.sources.journal import Journal
from pipeline.sources.timeline import Timeline

_FALLBACK_FPS = 25.0
_UNSTAMPED = 5  # pictures without a stamp of their own that are no accident


class FrameNumbering:
    """Numbers and stamps the pictures of one source over all its connections.

    Args:
        name: of the source.
        clock: stamps pictures without a time stamp of their own.
        journal: told of time stamps that jump and pictures that change size.

    Attributes:
        size: (width, height) of the newest picture, None before the first.
        origin_s: the clock's reading at time stamp 0, None where the pictures bring their own stamps.
    """

    def __init__(self, name: str, clock: Callable[[], float], journal: Journal) -> None:
        self._name = name
        self._clock = clock
        self._journal = journal
        self._next_index = 0
        self._timeline = Timeline(1.0 / _FALLBACK_FPS)
        self.size: tuple[int, int] | None = None
        self.origin_s: float | None = None

    @property
    def last_s(self) -> float:
        """The newest time stamp given out."""
        return self._timeline.last_s

    def set_rate(self, fps: float | None) -> None:
        """The nominal rate, for where the stamps say nothing."""
        self._timeline.interval_s = 1.0 / (fps or _FALLBACK_FPS)

    def skip(self, number: int) -> None:
        """Leaves out the numbers of pictures that were lost."""
        self._next_index += number

    def frame(self, image: NDArray[np.uint8], stamp_s: float | None) -> Frame:
        """The picture as the next frame; ``stamp_s`` None takes the clock."""
        now_s = self._clock()
        jumps, assumed = self._timeline.jumps, self._timeline.assumed
        if stamp_s is None:
            # The machine's own clock is right about an outage, however long.
            time_s = self._timeline.stamp(now_s, longest_gap_s=math.inf)
            self.origin_s = now_s - time_s
        else:
            time_s = self._timeline.stamp(stamp_s)
        if self._timeline.jumps > jumps:
            sentence = f"the time stamps of {self._name} jump; they are continued"
            self._journal.note(EventKind.CLOCK_JUMP, Severity.WARNING, sentence, time_s)
        if assumed + 1 == self._timeline.assumed == _UNSTAMPED:
            rate = 1 / self._timeline.interval_s
            sentence = f"{self._name} has no time stamps; {rate:g} frames a second are assumed (--fps says otherwise)"
            self._journal.note(EventKind.RATE_ASSUMED, Severity.WARNING, sentence, time_s)
        size = (image.shape[1], image.shape[0])
        if self.size is not None and size != self.size:
            old = f"{self.size[0]}x{self.size[1]}"
            sentence = f"the pictures of {self._name} are now {size[0]}x{size[1]}, they were {old}"
            self._journal.note(EventKind.SIZE_CHANGED, Severity.INFO, sentence, time_s)
        self.size = size
        index = self._next_index
        self._next_index += 1
        return Frame(index, time_s, image)
