"""From what a user writes to a source."""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np

from core.errors import SourceError
from core.redact import redact_url
from pipeline.sources.capture import Capture, open_camera_capture, open_file_capture, open_url_capture
from pipeline.sources.journal import EventCallback
from pipeline.sources.live import LiveReader, explain_camera, explain_url
from pipeline.sources.options import LiveOptions
from pipeline.sources.policy import Policy
from pipeline.sources.reader import Reader
from pipeline.sources.recordings.animation import AnimationReader, pictures_within
from pipeline.sources.recordings.pictures import PICTURE_SUFFIXES, Picture, PictureReader, pictures_in
from pipeline.sources.recordings.video import VideoReader
from pipeline.sources.source import Source

URL_SCHEMES = ("rtsp", "rtsps", "http", "https", "rtmp", "rtp", "udp", "srt", "tcp")

PICTURE_FPS = 25.0

LAST_CAMERA = 2**31 - 1
"""OpenCV takes no greater number; no system has so many by far."""

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]+)://")


def open_source(
    spec: str | int | Path | Sequence[Any],
    *,
    policy: Policy | None = None,
    fps: float = PICTURE_FPS,
    video_fps: float | None = None,
    camera_size: tuple[int, int] | None = None,
    camera_fps: float | None = None,
    options: LiveOptions | None = None,
    clock: Callable[[], float] = time.perf_counter,
    on_event: EventCallback | None = None,
    capture: Callable[[int | str], Capture] | None = None,
) -> Source:
    """Opens a camera, stream, video file, folder of pictures or list of pictures.

    Args:
        spec: a number (also as text) or ``/dev/video*`` is a camera; text with ``://`` a stream; a folder its pictures
            in natural order; a picture or a list of pictures (paths or images) a very short video; any other path a
            video file (``.gif`` included).
        policy: see ``Policy``; None chooses by the kind of source.
        fps: pictures a second for folders and lists of pictures.
        video_fps: frames a second of a video file, in place of its own time stamps.
        camera_size: (width, height) to ask a camera for.
        camera_fps: rate to ask a camera for.
        options: time-outs and retries of live sources.
        clock: monotonic seconds.
        on_event: called with each ``SourceEvent``.
        capture: opens files, cameras and streams instead of OpenCV.

    Raises:
        SourceError: one sentence that says why there is nothing to read.
    """
    for rate in (fps, video_fps):
        if rate is not None and not (math.isfinite(rate) and rate > 0):
            raise SourceError(f"pictures cannot be played at {rate:g} frames a second")
    options = options or LiveOptions()
    name, make = _reader(spec, fps, video_fps, camera_size, camera_fps, options, capture)
    return Source(name, make, policy=policy, options=options, clock=clock, on_event=on_event)


def opens_at_once(spec: str | int | Path | Sequence[Any]) -> bool:
    """Whether ``open_source`` takes milliseconds for this: a recording, not a camera or an address.

    Raises:
        SourceError: it is no source at all.
    """
    _, make = _reader(spec, PICTURE_FPS, None, None, None, LiveOptions(), None)
    return not make().live


def _reader(
    spec: str | int | Path | Sequence[Any],
    fps: float,
    video_fps: float | None,
    camera_size: tuple[int, int] | None,
    camera_fps: float | None,
    options: LiveOptions,
    capture: Callable[[int | str], Capture] | None,
) -> tuple[str, Callable[[], Reader]]:
    """The source's name and what makes its readers."""
    if isinstance(spec, (int, np.integer)) and not isinstance(spec, bool):
        return _camera(int(spec), camera_size, camera_fps, capture)
    if isinstance(spec, str):
        text = spec.strip()
        if text.isascii() and text.isdigit():
            return _camera(int(text), camera_size, camera_fps, capture)
        if re.fullmatch(r"/dev/video\w+", text):
            return _camera(text, camera_size, camera_fps, capture)
        if scheme := _URL.match(text):
            if scheme.group(1).lower() != "file":
                return _url(text, scheme.group(1).lower(), options, capture)
            spec = unquote(urlsplit(text).path)
        if not text:
            raise SourceError("the name of the source is empty")
        spec = Path(spec)
    if isinstance(spec, Path):
        return _path(
            Path(os.path.expanduser(spec)), fps, video_fps, capture
        )  # nobody's ~ stays what it is: no such file
    if isinstance(spec, Sequence):
        return _list(spec, fps)
    given = type(spec).__name__
    raise SourceError(f"a source is a camera number, an address, a path or a list of pictures, not {given}")


def _camera(
    camera: int | str,
    size: tuple[int, int] | None,
    fps: float | None,
    capture: Callable[[int | str], Capture] | None,
) -> tuple[str, Callable[[], Reader]]:
    if isinstance(camera, int) and not 0 <= camera <= LAST_CAMERA:
        raise SourceError(f"there is no camera {camera}: they are numbered from 0")
    name = f"camera {camera}"

    def make() -> Capture:
        return capture(camera) if capture is not None else open_camera_capture(camera, size, fps)

    return name, lambda: LiveReader(name, make, lambda: explain_camera(camera))


def _url(
    url: str, scheme: str, options: LiveOptions, capture: Callable[[int | str], Capture] | None
) -> tuple[str, Callable[[], Reader]]:
    name = redact_url(url)
    if scheme not in URL_SCHEMES:
        raise SourceError(f"{name} is no stream that can be read (known are {', '.join(URL_SCHEMES)})")

    def make() -> Capture:
        if capture is not None:
            return capture(url)
        # FFmpeg's own limit is the longer one: it only cleans up after a read that has been left behind.
        return open_url_capture(url, options.open_timeout_s, 2 * options.stall_timeout_s)

    return name, lambda: LiveReader(name, make, lambda: explain_url(url))


def _path(
    path: Path, fps: float, video_fps: float | None, capture: Callable[[int | str], Capture] | None
) -> tuple[str, Callable[[], Reader]]:
    if os.path.isdir(path):
        pictures = pictures_in(path)
        name = path.resolve().name or str(path)
        return name, lambda: PictureReader(pictures, name, fps)
    if path.suffix.lower() in PICTURE_SUFFIXES:
        if pictures_within(path) > 1:
            return path.name, lambda: AnimationReader(path, fps)
        return path.name, lambda: PictureReader([path], path.name, fps)
    return path.name, lambda: VideoReader(path, capture or open_file_capture, video_fps)


def _list(pictures: Sequence[Any], fps: float) -> tuple[str, Callable[[], Reader]]:
    if not len(pictures):
        raise SourceError("the list of pictures is empty")
    items: list[Picture] = [Path(p) if isinstance(p, (str, Path)) else np.asarray(p) for p in pictures]
    return "pictures", lambda: PictureReader(items, "pictures", fps)
