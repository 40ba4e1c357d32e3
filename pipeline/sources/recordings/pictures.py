"""A folder or list of pictures, played as a video at a given rate."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import SourceError
from pipeline.sources.capture import as_bgr
from pipeline.sources.reader import Shot

PICTURE_SUFFIXES = frozenset(
    {".bmp", ".jpeg", ".jpg", ".jp2", ".png", ".webp", ".tif", ".tiff", ".pgm", ".ppm", ".pbm", ".avif"}
)
"""Endings that count as pictures. ``.gif`` is a video."""

SAME_ASPECT = 0.02
"""Pictures whose width to height differs by less than this fraction have the same proportions."""

Picture = Path | NDArray[np.uint8]


class PictureReader:
    """Pictures in order, one every 1/fps seconds. EXIF rotation is honoured.

    Sizes may differ. Pictures of the first one's proportions are brought to its size, since they show one scene at
    several scales; others stay as they are.

    Args:
        pictures: files, or images already in memory ((H, W, 3) uint8 BGR, or gray).
        name: for people.
        fps: pictures a second.
    """

    live = False

    def __init__(self, pictures: Sequence[Picture], name: str, fps: float) -> None:
        self.name = name
        self.fps: float | None = fps
        self.frame_count: int | None = len(pictures)
        self._pictures = tuple(pictures)
        self._interval_s = 1.0 / fps
        self._next = 0
        self._bad: list[str] = []
        self._size: tuple[int, int] | None = None  # (width, height) of the first picture

    def open(self) -> None:
        """Raises SourceError when a listed file is missing."""
        for picture in self._pictures:
            if isinstance(picture, Path) and not os.path.isfile(picture):
                raise SourceError(f"there is no picture {picture}")

    def read(self) -> Shot | None:
        """The next picture; its image is None when it cannot be decoded."""
        if self._next == len(self._pictures):
            return None
        picture = self._pictures[self._next]
        stamp_s = self._next * self._interval_s
        self._next += 1
        image = as_bgr(_decode(picture) if isinstance(picture, Path) else picture)
        if image is None:
            self._bad.append(picture.name if isinstance(picture, Path) else f"number {self._next}")
        return Shot(None if image is None else self._at_one_scale(image), stamp_s)

    def _at_one_scale(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        height, width = image.shape[:2]
        if self._size is None:
            self._size = width, height
        if (width, height) == self._size or abs(width * self._size[1] / (height * self._size[0]) - 1) > SAME_ASPECT:
            return image
        return cv2.resize(image, self._size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)

    def shortfall(self) -> str | None:
        """A sentence when pictures could not be read."""
        if not self._bad:
            return None
        bad = f"{len(self._bad)} of {self.frame_count}"
        return f"{self.name}: {bad} pictures cannot be read, the first is {self._bad[0]}"

    def close(self) -> None:
        """Nothing is held open."""


def pictures_in(folder: Path) -> list[Path]:
    """The pictures of a folder in natural order (2 before 10), hidden files left out.

    Raises:
        SourceError: when there is none.
    """
    try:
        found = [p for p in folder.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES and not p.name.startswith(".")]
    except OSError as error:
        raise SourceError(f"the folder {folder} cannot be read: {error.strerror}") from error
    if not found:
        endings = ", ".join(sorted(PICTURE_SUFFIXES))
        raise SourceError(f"there are no pictures in the folder {folder} (looked for {endings})")
    return sorted(found, key=lambda path: natural_key(path.name))


def natural_key(name: str) -> tuple[tuple[tuple[int, int | str], ...], str]:
    """Sorting key that takes runs of digits as numbers and leaves case out of it."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts if part), name


def _decode(path: Path) -> NDArray[np.uint8] | None:
    """Read through Python, because OpenCV's own file access fails on non-ASCII names on Windows."""
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
        return as_bgr(cv2.imdecode(data, cv2.IMREAD_COLOR)) if data.size else None
    except (OSError, cv2.error):
        return None
