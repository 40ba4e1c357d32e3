"""OpenCV's VideoCapture behind the few calls that this folder needs, quiet and with plain errors."""

from __future__ import annotations

import os
from typing import Any

# OpenCV's copy of FFmpeg writes to the process's stderr, addresses with passwords included. It looks at this variable
# once, when the first capture is made.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import SourceError
from core.redact import redact_url

if "OPENCV_LOG_LEVEL" not in os.environ:
    if hasattr(cv2, "setLogLevel"):  # OpenCV 4
        cv2.setLogLevel(0)
    else:
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


Capture = cv2.VideoCapture
"""What gives pictures; ``read`` may never return when a device hangs. Tests put their own in its place."""


def unusable_name(name: str | os.PathLike[str]) -> str | None:
    """Why OpenCV and FFmpeg cannot be given a path or an address, as a sentence; None where they can.

    A name that is not valid UTF-8, which Python holds in surrogates, ends the whole process inside of OpenCV.
    """
    text = os.fspath(name)
    shown = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return None if shown == text else f"{redact_url(shown)} is no name in UTF-8, which videos need: rename it"


def open_file_capture(path: str) -> Capture:
    """A capture of a local file; ``isOpened`` tells whether it is a video.

    Raises:
        SourceError: the name cannot be given to OpenCV.
    """
    # An absolute path, because FFmpeg takes what stands before a colon for a protocol.
    path = os.path.abspath(path)
    if reason := unusable_name(path):
        raise SourceError(reason)
    return cv2.VideoCapture(path, cv2.CAP_FFMPEG)


def open_url_capture(url: str, open_timeout_s: float, read_timeout_s: float) -> Capture:
    """A capture of a network stream; FFmpeg gives up by itself after the time-outs (RTSP goes over TCP).

    Raises:
        SourceError: the address cannot be given to OpenCV.
    """
    if reason := unusable_name(url):
        raise SourceError(reason)
    limits = [
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, int(open_timeout_s * 1000),
        cv2.CAP_PROP_READ_TIMEOUT_MSEC, int(read_timeout_s * 1000),
    ]  # fmt: skip
    return cv2.VideoCapture(url, cv2.CAP_FFMPEG, limits)


def open_camera_capture(camera: int | str, size: tuple[int, int] | None, fps: float | None) -> Capture:
    """A capture of a camera, asked for a size and a rate where given (the driver picks the nearest it has)."""
    capture = cv2.VideoCapture(camera)
    if capture.isOpened():
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # an old picture in the driver's queue is pure delay
        if size is not None:
            # Raw pictures above VGA do not fit through USB 2 at full rate; most cameras have MJPG for that.
            if size[0] * size[1] > 640 * 480:
                capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
        if fps is not None:
            capture.set(cv2.CAP_PROP_FPS, fps)
    return capture


def as_bgr(image: Any) -> NDArray[np.uint8] | None:
    """The picture as (height, width, 3) uint8 BGR, or None when it is empty or no picture at all."""
    if not isinstance(image, np.ndarray) or image.size == 0 or image.ndim not in (2, 3):
        return None
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    if image.dtype != np.uint8:
        return None
    channels = 1 if image.ndim == 2 else image.shape[2]
    if channels == 1:
        return np.repeat(image.reshape(*image.shape[:2], 1), 3, axis=2)
    if channels not in (3, 4):
        return None
    return np.ascontiguousarray(image[..., :3])


def nominal_fps(capture: Capture) -> float | None:
    """Frames a second as the driver or the container claims, None where that is nothing sensible."""
    fps = float(capture.get(cv2.CAP_PROP_FPS))
    return fps if 0.0 < fps <= 1000.0 else None


def claimed_frame_count(capture: Capture) -> int | None:
    """Number of frames as the container claims; None for streams and where the container does not say."""
    count = float(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    return int(count) if 0.0 < count < 1e9 else None


def pixel_aspect(capture: Capture) -> float:
    """Width of a shown pixel by its height as the container claims; 1 where it says nothing sensible.

    OpenCV turns pictures by their rotation mark without turning the aspect.
    """
    across, down = (float(capture.get(which)) for which in (cv2.CAP_PROP_SAR_NUM, cv2.CAP_PROP_SAR_DEN))
    aspect = across / down if across > 0 and down > 0 else 1.0
    if capture.get(cv2.CAP_PROP_ORIENTATION_AUTO) and round(capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 180 == 90:
        aspect = 1 / aspect
    return aspect if 0.2 <= aspect <= 5.0 else 1.0
