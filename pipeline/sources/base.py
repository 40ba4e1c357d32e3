"""What a pipeline needs of a source of frames."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from core.types import Frame
from pipeline.sources.events import SourceStats
from pipeline.sources.policy import Policy


class FrameSource(ABC):
    """Gives frames. A source of one's own inherits from it; what it does not say is as for a recording.

    Attributes:
        name: for people; without credentials.
        live: whether pictures that are not fetched in time are lost (cameras and streams).
        policy: what happens to frames while the consumer is busy.
        fps: nominal frames a second; the frames' own time stamps count.
        frame_count: how many frames a recording claims to have; None when unknown or live.
        ordered: whether time stamps only go forwards; a pipeline mends them otherwise.
    """

    name: str = "source"
    live: bool = False
    policy: Policy = Policy.ALL
    fps: float | None = None
    frame_count: int | None = None
    ordered: bool = False

    @abstractmethod
    def __iter__(self) -> Iterator[Frame]:
        """The frames in order."""

    @abstractmethod
    def close(self) -> None:
        """End a waiting iteration, from any thread."""

    @property
    def size(self) -> tuple[int, int] | None:
        """(width, height) of the newest picture; None where unknown."""
        return None

    @property
    def origin_s(self) -> float | None:
        """The clock's reading at time stamp 0, so that ``clock() - (origin_s + frame.time_s)`` is a frame's age.

        None where frames have no age, as in a recording that is not paced.
        """
        return None

    @property
    def stats(self) -> SourceStats:
        """Counts so far."""
        return SourceStats()

    @property
    def dropped(self) -> int:
        """Frames replaced by newer ones so far."""
        return self.stats.dropped


@runtime_checkable
class Frames(Protocol):
    """The least that can be read from: frames that end when closed, a generator for one."""

    def __iter__(self) -> Iterator[Frame]: ...

    def close(self) -> None: ...


class PlainSource(FrameSource):
    """Somebody's frames, about which nothing else is known; read like a recording."""

    def __init__(self, frames: Frames) -> None:
        self._frames = frames

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._frames)

    def close(self) -> None:
        """Close the frames."""
        self._frames.close()
