"""Two ways to write a video file: H.264 through PyAV where it is installed, MPEG-4 through OpenCV otherwise."""

from __future__ import annotations

import logging
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import SinkError
from pipeline.sources.capture import open_file_capture

logger = logging.getLogger(__name__)

H264_ENCODERS = ("libx264", "libopenh264")

Image = NDArray[np.uint8]


class Encoder(Protocol):
    """Writes pictures of one size at a constant rate."""

    def write(self, image: Image) -> None:
        """The next picture, (height, width, 3) uint8 BGR."""

    def finish(self) -> None:
        """Completes the file; raises when it is not whole."""

    def abandon(self) -> None:
        """Lets go of the file as it is."""


EncoderFactory = Callable[[Path, tuple[int, int], float], Encoder]


class PyAvEncoder:
    """H.264 in 4:2:0, which browsers and phones play.

    Args:
        path: the file; its ending names the container.
        size: (width, height), both even.
        fps: frames a second.
    """

    def __init__(self, path: Path, size: tuple[int, int], fps: float) -> None:
        import av

        codec = next(name for name in H264_ENCODERS if name in av.codecs_available)
        self._frame: Any = av.VideoFrame
        self._path = path
        self._container: Any = av.open(str(path), "w")
        rate = Fraction(fps).limit_denominator(1001)
        # A fast preset: the cores are for the networks. One thread for the same reason.
        options = {"preset": "superfast", "crf": "23"} if codec == "libx264" else {}
        stream: Any = self._container.add_stream(codec, rate=rate, options=options)
        self._stream = stream
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        self._time_base = 1 / rate
        self._written = 0

    def write(self, image: Image) -> None:
        """Encodes one picture."""
        frame = self._frame.from_ndarray(image, format="bgr24")
        frame.pts, frame.time_base = self._written, self._time_base
        self._written += 1
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Writes what the encoder still holds, and the index."""
        self._container.mux(self._stream.encode(None))
        self._container.close()
        _check_complete(self._path, self._written)

    def abandon(self) -> None:
        """Closes the container as it is."""
        self._container.close()


class OpenCvEncoder:
    """MPEG-4 part 2 (``mp4v``); Motion JPEG in ``.avi``. Arguments as for ``PyAvEncoder``."""

    def __init__(self, path: Path, size: tuple[int, int], fps: float) -> None:
        codec = "MJPG" if path.suffix.lower() == ".avi" else "mp4v"
        self._path = path
        # MPEG-4 keeps the rate as a fraction of 16-bit numbers.
        self._writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), round(fps, 3), size)
        if not self._writer.isOpened():
            raise SinkError(f"OpenCV has no encoder for {path.suffix} files ({codec})")
        self._written = 0

    def write(self, image: Image) -> None:
        """Encodes one picture."""
        self._writer.write(image)
        self._written += 1

    def finish(self) -> None:
        """Closes the file."""
        self._writer.release()
        _check_complete(self._path, self._written)

    def abandon(self) -> None:
        """Closes the file as it is."""
        self._writer.release()


def _check_complete(path: Path, written: int) -> None:
    """Raises SinkError when frames are missing from a finished file: OpenCV, for one, is silent about a full disk."""
    capture = open_file_capture(str(path))
    there = max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT))) if capture.isOpened() else 0
    capture.release()
    if there < max(1, written - 1):  # Matroska has no number of frames, only a length, which may round down
        raise SinkError(f"only {there} of {written} frames have arrived in the file; is the disk full?")


def has_h264() -> bool:
    """Whether PyAV is installed and its FFmpeg has an H.264 encoder."""
    try:
        import av
    except ImportError:
        return False
    return any(name in av.codecs_available for name in H264_ENCODERS)


def open_encoder(path: Path, size: tuple[int, int], fps: float) -> Encoder:
    """The best encoder that this machine has."""
    if has_h264():
        return PyAvEncoder(path, size, fps)
    logger.info("PyAV is not installed: the video is written as MPEG-4, which some players and browsers refuse")
    return OpenCvEncoder(path, size, fps)
