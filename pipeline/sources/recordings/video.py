"""Video files (and animated GIFs): frames with the time stamps of their container."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import SourceError
from pipeline.sources.capture import Capture, as_bgr, claimed_frame_count, nominal_fps, open_file_capture, pixel_aspect
from pipeline.sources.reader import Shot
from pipeline.sources.recordings.container import is_complete, lacks_index, presented_s
from pipeline.sources.recordings.gif import is_cut_off_gif

_SUFFIXES = (
    "264 265 3g2 3gp 3gpp amv asf av1 avi divx dv f4v flv gif h264 h265 hevc ivf m1v m2t m2ts m2v m4v mjpeg mjpg mk3d "
    "mkv mod mov mp4 mpe mpeg mpg mpv mts mxf nut ogg ogm ogv qt rm rmvb tod ts vob webm wmv wtv xvid y4m"
)
VIDEO_SUFFIXES = frozenset(f".{suffix}" for suffix in _SUFFIXES.split())
"""Endings that count as videos in a folder; a file that is named by itself may have any."""

_HEAD_BYTES = 4096


class VideoReader:
    """A recording, read to its end.

    Rotation metadata of phones is honoured by OpenCV (``CAP_PROP_ORIENTATION_AUTO``), as are the durations in a GIF.

    Args:
        path: the file.
        capture: makes the capture; replaceable for tests.
        fps: frames a second, in place of the container's time stamps.
    """

    live = False

    def __init__(
        self, path: Path, capture: Callable[[str], Capture] = open_file_capture, fps: float | None = None
    ) -> None:
        self.name = path.name
        self.fps: float | None = None
        self._given_fps = fps
        self.frame_count: int | None = None
        self._path = path
        self._make = capture
        self._capture: Capture | None = None
        self._read = 0
        self._last_s = 0.0
        self._cut_off_gif = False
        self._pixel_aspect = 1.0

    def open(self) -> None:
        """Raises SourceError when the file is missing, unreadable, empty or no video."""
        _check_file(self._path)
        self._cut_off_gif = is_cut_off_gif(self._path)
        self._capture = self._make(str(self._path))
        if not self._capture.isOpened():
            raise SourceError(_why_not_a_video(self._path))
        self.fps = self._given_fps or nominal_fps(self._capture)
        self.frame_count = claimed_frame_count(self._capture)
        self._pixel_aspect = pixel_aspect(self._capture)

    def read(self) -> Shot | None:
        """The next frame in display order with its presentation time; None at the end or where the file breaks."""
        assert self._capture is not None
        try:
            ok, image = self._capture.read()
        except cv2.error:
            return None
        if not ok:
            return None
        stamp_s = float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000.0
        if self._given_fps is not None:
            stamp_s = self._read / self._given_fps
        self._read += 1
        if math.isfinite(stamp_s):
            self._last_s = max(self._last_s, stamp_s)
        return Shot(self._square_pixels(as_bgr(image)), stamp_s)

    def _square_pixels(self, image: NDArray[np.uint8] | None) -> NDArray[np.uint8] | None:
        """Widen or narrow a picture of an anamorphic recording as a player does; its height stays."""
        if image is None or self._pixel_aspect == 1.0:
            return image
        height, width = image.shape[:2]
        return cv2.resize(image, (max(1, round(width * self._pixel_aspect)), height)).astype(np.uint8, copy=False)

    def shortfall(self) -> str | None:
        """A sentence when the file ends well before the length that its container claims, or a GIF inside a picture.

        Claims alone prove nothing: a trimmed file still counts what it hides, and sound may outlast the pictures. So a
        container that tells its size has to lack bytes, or its pictures have to break before its packets end.
        """
        if self._cut_off_gif:
            return f"{self.name} is cut off: it breaks after {self._read} frames ({self._last_s:.1f} s)"
        sentence = shortfall(self.name, self._read, self._last_s, self.frame_count, self.fps)
        if sentence is None or not is_complete(self._path):
            return sentence
        shown_s = presented_s(self._path)
        if shown_s is not None and self.fps is not None and self._last_s + 1.5 / self.fps >= shown_s:
            return None
        return sentence if self._packets() > self._read else None

    def _packets(self) -> int:
        """How many encoded pictures the file gives out, counted without decoding them."""
        packets = self._make(str(self._path))
        packets.set(cv2.CAP_PROP_FORMAT, -1)
        count = 0
        while packets.grab():
            count += 1
        packets.release()
        return count

    def close(self) -> None:
        """Closes the file."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None


def shortfall(name: str, read: int, last_s: float, frame_count: int | None, fps: float | None) -> str | None:
    """A sentence when a recording ended early, judged by frames and by time.

    Both must fall short: some containers only estimate their number of frames, and with a variable rate the number
    alone says little.
    """
    if frame_count is None or fps is None or read >= frame_count:
        return None
    length_s = frame_count / fps
    missing_s = length_s - (last_s + 1.0 / fps)
    if missing_s <= max(0.25, 0.02 * length_s):
        return None
    return f"{name} is cut off: it breaks after {read} of about {frame_count} frames ({last_s:.1f} of {length_s:.1f} s)"


def _check_file(path: Path) -> None:
    """Raises SourceError for what can be said without decoding anything."""
    if not os.path.exists(path):  # unlike the path's own method, also for a name too long for the system
        raise SourceError(f"there is no file {path}")
    if not path.is_file():
        raise SourceError(f"{path} is not a regular file")
    if not os.access(path, os.R_OK):
        raise SourceError(f"{path} may not be read by this user")
    if path.stat().st_size == 0:
        raise SourceError(f"{path} is empty (0 bytes)")
    if _is_text(path):  # FFmpeg would draw it as terminal art
        raise SourceError(f"{path} is a text file, not a video")


def _is_text(path: Path) -> bool:
    """Printable from the start; playlists, which are text and do lead to a video, excepted."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if head.lstrip(b"\xef\xbb\xbf").startswith(b"#EXTM3U"):
        return False
    return all(byte >= 32 or byte in b"\t\n\r\f\x1b" for byte in head) and len(set(head)) > 1 and _decodes(head)


def _decodes(head: bytes) -> bool:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start >= len(head) - 3  # the cut went through a character
    return True


def _why_not_a_video(path: Path) -> str:
    """The reason why a file did not open, as far as its first bytes tell."""
    if lacks_index(path):
        return f"{path} is cut off: its index is missing, as after an interrupted recording, so no frame can be read"
    return f"{path} is not a video that can be read"
