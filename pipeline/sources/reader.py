"""What every kind of source looks like to the thread that reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Shot:
    """One attempt to get a picture.

    Attributes:
        image: (height, width, 3) uint8 BGR; None when the picture was corrupt.
        stamp_s: the container's own time stamp; None where only the clock knows.
    """

    image: NDArray[np.uint8] | None
    stamp_s: float | None = None


class Reader(Protocol):
    """Pictures one after the other, all calls from one thread.

    Attributes:
        name: for people; no credentials.
        live: pictures that are not fetched in time are lost; an end is a fault.
        fps: nominal frames a second, None where unknown. Valid after ``open``, as is ``frame_count``.
        frame_count: how many frames there should be, None where unknown.
    """

    name: str
    live: bool
    fps: float | None
    frame_count: int | None

    def open(self) -> None:
        """Raises SourceError with the reason when there is nothing to read."""

    def read(self) -> Shot | None:
        """The next picture; None when there is none: the end of a recording, a failed read of a live source."""

    def shortfall(self) -> str | None:
        """After the end: a sentence when pictures are missing that should have come, else None."""

    def close(self) -> None:
        """Let go of the device or file. Safe to call twice and without ``open``."""
