"""Cameras and network streams: pictures without time stamps of their own, which the clock gives them."""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import cv2

from core.errors import SourceError
from core.redact import redact_text, redact_url
from pipeline.sources.capture import Capture, as_bgr, claimed_frame_count, nominal_fps
from pipeline.sources.reader import Shot
from pipeline.sources.recordings.video import shortfall

_DIAGNOSIS_S = 2.0


class LiveReader:
    """A camera or a stream. A URL that turns out to be a recording (it has a length) is read like a file.

    Args:
        name: for people; credentials already redacted.
        capture: opens the device.
        explain: called when it did not open; gives the sentence for the user.
    """

    def __init__(self, name: str, capture: Callable[[], Capture], explain: Callable[[], str]) -> None:
        self.name = name
        self.live = True
        self.fps: float | None = None
        self.frame_count: int | None = None
        self._make = capture
        self._explain = explain
        self._capture: Capture | None = None
        self._read = 0
        self._last_s = 0.0

    def open(self) -> None:
        """Raises SourceError with what keeps the device from opening."""
        try:
            self._capture = self._make()
        except cv2.error as error:
            raise SourceError(f"{self.name} cannot be opened: {redact_text(error.err or 'OpenCV failed')}") from None
        if not self._capture.isOpened():
            raise SourceError(self._explain())
        self.fps = nominal_fps(self._capture)
        self.frame_count = claimed_frame_count(self._capture)
        self.live = self.frame_count is None

    def read(self) -> Shot | None:
        """The newest picture; None when the read failed."""
        assert self._capture is not None
        try:
            ok, image = self._capture.read()
        except cv2.error:
            return None
        if not ok:
            return None
        self._read += 1
        if self.live:
            return Shot(as_bgr(image))
        self._last_s = float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) / 1000.0
        return Shot(as_bgr(image), self._last_s)

    def shortfall(self) -> str | None:
        """As for a file, when the URL is a recording."""
        return shortfall(self.name, self._read, self._last_s, self.frame_count, self.fps)

    def close(self) -> None:
        """Releases the device."""
        if self._capture is not None:
            self._capture.release()
            self._capture = None


def explain_camera(camera: int | str, devices: Path = Path("/dev")) -> str:
    """Why a camera did not open: absent, forbidden or in use."""
    if not sys.platform.startswith("linux"):
        return f"camera {camera} cannot be opened: it is absent, in use by another program, or access is not allowed"
    device = devices / f"video{camera}" if isinstance(camera, int) else Path(camera)
    if not device.exists():
        numbers = sorted(int(m.group(1)) for p in devices.glob("video*") if (m := re.fullmatch(r"video(\d+)", p.name)))
        there = f"cameras here: {', '.join(map(str, numbers))}" if numbers else "no camera is connected"
        return f"there is no camera {camera} ({there})"
    if not os.access(device, os.R_OK | os.W_OK):
        return f"camera {camera} may not be used by this user (on most systems: join the group 'video')"
    return f"camera {camera} is there but cannot be opened: another program is using it, or it is not a camera"


def explain_url(url: str) -> str:
    """Why a stream did not open, found by trying to reach its host."""
    shown = redact_url(url)
    scheme, _, rest = url.partition("://")
    try:
        parts = urlsplit(f"{scheme}://{rest.rpartition('@')[2]}")  # never a part of a password as the host
        host, port = parts.hostname, parts.port
    except ValueError:
        return f"{shown} is not a valid address"
    if not host:
        return f"{shown} names no host"
    if parts.scheme in ("udp", "rtp", "srt"):
        return f"{shown} gives no video"
    port = port or {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443, "rtmp": 1935}.get(parts.scheme, 80)
    try:
        socket.create_connection((host, port), timeout=_DIAGNOSIS_S).close()
    except socket.gaierror:
        return f"{shown} cannot be reached: the host {host} is not known"
    except ConnectionRefusedError:
        return f"{shown} cannot be reached: {host} refuses connections on port {port}"
    except OSError:
        return f"{shown} cannot be reached: no answer from {host} on port {port}"
    return f"{shown} can be reached but gives no video (check the path, the user and the password)"
