"""The annotated video."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from core.errors import SinkError
from core.files import WholeFile
from core.types import Result
from pipeline.sinks.background import BackgroundSink
from pipeline.sinks.base import Sink
from pipeline.sinks.encoders import Encoder, EncoderFactory, Image, open_encoder
from pipeline.sources.capture import unusable_name

logger = logging.getLogger(__name__)

SUFFIXES = (".mp4", ".mov", ".mkv", ".m4v", ".avi")

FALLBACK_FPS = 30.0

LONGEST_HOLD_S = 60.0
"""A picture is repeated for at most this long; a longer gap (a camera unplugged over night) is cut short."""

Draw = Callable[[Result], Image]


class VideoFileSink(Sink):
    """Writes pictures at a constant rate so that each is on screen at its own time stamp.

    Time is cut into slots of 1/fps seconds. A picture goes to the slot nearest to its time stamp; empty slots repeat
    the picture before, and of several pictures for one slot the first stays. So a variable rate or dropped frames never
    shift the video against the event file. Pictures of another size than the first are letterboxed into it.

    Args:
        path: the file; appears at ``close``, whole or not at all.
        draw: gives the picture to write, (height, width, 3) uint8 BGR.
        fps: nominal rate of the source; None or nonsense takes 30.
        encoder: opens the file at the first picture, when the size is known.

    Raises:
        SinkError: at once when the place cannot be written, the ending is no known container, or the name cannot be
            given to an encoder.
    """

    def __init__(
        self, path: str | Path, draw: Draw, fps: float | None = None, encoder: EncoderFactory = open_encoder
    ) -> None:
        self.name = f"video {Path(path).name}"
        if Path(path).suffix.lower() not in SUFFIXES:
            raise SinkError(f"{path} does not end like a video that can be written ({', '.join(SUFFIXES)})")
        if reason := unusable_name(os.path.realpath(path)):
            raise SinkError(reason)
        self._draw = draw
        self._fps = fps if fps is not None and math.isfinite(fps) and 0.1 <= fps <= 240 else FALLBACK_FPS
        self._open = encoder
        self._file = WholeFile(path)
        self._encoder: Encoder | None = None
        self._size = (0, 0)
        self._origin_s = 0.0
        self._slots = 0  # written so far
        self._last: Image | None = None
        self._done = False

    def write(self, result: Result) -> None:
        """Draws and encodes one result; on failure the file is gone."""
        try:
            self._write(result)
        except Exception as error:
            self._abandon()
            raise _explained(self._file.path, error) from error

    def close(self) -> None:
        """Completes the file and moves it to its place; without any picture there is none."""
        if self._done:
            return
        if self._encoder is None:
            self._abandon()
            return
        try:
            self._encoder.finish()
            self._file.commit()
            self._done = True
        except Exception as error:
            self._abandon()
            raise _explained(self._file.path, error) from error

    def _write(self, result: Result) -> None:
        if self._done:
            raise SinkError("it is already closed")
        image = self._draw(result)
        if self._encoder is None:
            height, width = image.shape[:2]
            self._size = (width + width % 2, height + height % 2)  # 4:2:0 needs even sides
            self._encoder = self._open(self._file.temporary, self._size, self._fps)
            self._origin_s = result.frame.time_s
        slot = round((result.frame.time_s - self._origin_s) * self._fps)
        hold = slot - self._slots
        if hold < 0:
            return
        longest = round(LONGEST_HOLD_S * self._fps)
        if hold > longest:
            logger.warning("%s: a gap of %.0f s is cut to %.0f s", self.name, hold / self._fps, LONGEST_HOLD_S)
            self._origin_s += (hold - longest) / self._fps
            hold = longest
        for _ in range(hold):
            assert self._last is not None  # the first picture has slot 0
            self._encoder.write(self._last)
        self._last = letterbox(image, self._size)
        self._encoder.write(self._last)
        self._slots += hold + 1

    def _abandon(self) -> None:
        self._done = True
        if self._encoder is not None:
            try:
                self._encoder.abandon()
            except Exception:
                logger.debug("%s: closing the unfinished file failed too", self.name, exc_info=True)
        self._file.discard()


class VideoSink(BackgroundSink):
    """``VideoFileSink`` in a thread of its own: drawing and encoding do not hold up the pipeline.

    Args:
        path: the file; appears at ``close``, whole or not at all.
        draw: called in that thread with each result; gives the picture to write.
        fps: nominal rate of the source.
        live: a full queue drops and counts; otherwise ``write`` waits.
    """

    def __init__(
        self,
        path: str | Path,
        draw: Draw,
        *,
        fps: float | None = None,
        live: bool = False,
        encoder: EncoderFactory = open_encoder,
    ) -> None:
        super().__init__(VideoFileSink(path, draw, fps, encoder), live=live)


def letterbox(image: Image, size: tuple[int, int]) -> Image:
    """The picture scaled into (width, height) with its proportions kept, black around it.

    A picture that is a pixel short of an even size is only padded, not scaled.
    """
    height, width = image.shape[:2]
    if (width, height) == size:
        return np.ascontiguousarray(image)
    canvas = np.zeros((size[1], size[0], 3), np.uint8)
    if (width + width % 2, height + height % 2) == size:
        canvas[:height, :width] = image
        return canvas
    scale = min(size[0] / width, size[1] / height)
    width, height = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    canvas[top : top + height, left : left + width] = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return canvas


def _explained(path: Path, error: Exception) -> Exception:
    """Failures of the disk, the encoder and OpenCV as one sentence; a bug in ``draw`` stays what it is."""
    if isinstance(error, SinkError):
        return SinkError(f"the video {path} cannot be written: {error}")
    if isinstance(error, (OSError, cv2.error)):
        return SinkError(f"the video {path} cannot be written: {getattr(error, 'strerror', None) or error}")
    return error
