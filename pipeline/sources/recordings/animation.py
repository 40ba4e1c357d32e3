"""Files of several pictures that are no videos: animated WebP, PNG and AVIF, and TIFF stacks."""

from __future__ import annotations

from collections import deque
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import SourceError
from pipeline.sources.capture import as_bgr
from pipeline.sources.reader import Shot

_STACKS = (".tif", ".tiff")
_AT_ONCE = 32  # decoded pictures that are held in memory
_SHORTEST_MS, _USUAL_MS = 10, 100  # browsers show a picture of no or hardly any duration for a tenth of a second


def pictures_within(path: Path) -> int:
    """How many pictures a file holds; 0 where it is none that can be read."""
    try:
        return int(cv2.imcount(str(path)))
    except cv2.error:
        return 0


class AnimationReader:
    """The pictures of one file in order, by their own durations; a stack, which has none, by a given rate.

    Args:
        path: the file.
        fps: pictures a second of a TIFF stack.
    """

    live = False

    def __init__(self, path: Path, fps: float) -> None:
        self.name = path.name
        self.fps: float | None = fps if path.suffix.lower() in _STACKS else None
        self.frame_count: int | None = None
        self._path = path
        self._ready: deque[tuple[NDArray[np.uint8], float]] = deque()  # picture and seconds it is shown
        self._read = 0
        self._time_s = 0.0

    def open(self) -> None:
        """Raises SourceError when nothing can be read, or not by this version of OpenCV."""
        self.frame_count = pictures_within(self._path)
        if self.fps is None and not hasattr(cv2, "imreadanimation"):
            raise SourceError(
                f"{self.name} is an animation, which OpenCV before 4.11 cannot read: update opencv-python-headless, or "
                "make a video of it"
            )
        self._fill()
        if not self._ready:
            raise SourceError(f"{self.name} contains no picture that can be read")
        if self.fps is None:
            self.fps = 1 / self._ready[0][1]

    def read(self) -> Shot | None:
        """The next picture with the moment at which it is shown; None at the end."""
        if not self._ready:
            self._fill()
        if not self._ready:
            return None
        image, shown_s = self._ready.popleft()
        self._read += 1
        shot = Shot(as_bgr(image), self._time_s)
        self._time_s += shown_s
        return shot

    def shortfall(self) -> str | None:
        """A sentence when pictures could not be read."""
        if self.frame_count is None or self._read >= self.frame_count:
            return None
        return f"{self.name} is cut off: it breaks after {self._read} of {self.frame_count} pictures"

    def close(self) -> None:
        """Forgets the pictures."""
        self._ready.clear()

    def _fill(self) -> None:
        try:
            if self._path.suffix.lower() in _STACKS:
                _, images = cv2.imreadmulti(str(self._path), self._read, _AT_ONCE, flags=cv2.IMREAD_COLOR)
                shown_s = [1 / (self.fps or 1)] * len(images)
            else:
                _, animation = cv2.imreadanimation(str(self._path), self._read, _AT_ONCE)
                images = animation.frames
                durations = [float(ms) for ms in np.ravel(animation.durations)]
                shown_s = [(ms if ms > _SHORTEST_MS else _USUAL_MS) / 1000 for ms in durations]
        except cv2.error:
            return
        self._ready.extend((np.asarray(image), s) for image, s in zip(images, shown_s, strict=False))
