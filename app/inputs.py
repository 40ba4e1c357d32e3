"""The files that a command reads, so that none of its outputs takes their place."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from app.options import RunOptions, SourceSpec
from core.errors import UserError
from models import model_path


def files_read(options: RunOptions) -> Iterator[tuple[str, Path]]:
    """What each file is, for a message, and its path; some may not exist, which is for whoever opens them to say."""
    for spec in options.sources:
        yield from _of_source(spec)
    for path in model_path("").iterdir():
        yield "a model that belongs to this program", path
    if options.model is not None:
        from pipeline.recognition.model import model_files  # brings the engines; only who names a model waits for them

        for path in model_files(options.model):
            yield "the action model", path
    detector = options.pose_detector or ""
    for name in (options.pose.partition(":")[2], detector, detector.partition(":")[2]):
        if name:
            yield "the pose model", Path(os.path.expanduser(name))
    if options.pose_weights is not None:
        yield "the pose model", Path(os.path.expanduser(options.pose_weights))


def _of_source(spec: SourceSpec) -> Iterator[tuple[str, Path]]:
    if isinstance(spec, int):
        return
    path = Path(os.path.expanduser(spec))
    yield "the video that is read", path
    if os.path.isdir(path):
        from pipeline.sources.recordings.pictures import pictures_in  # brings OpenCV

        with contextlib.suppress(UserError):  # a folder without any: its source says so
            for picture in pictures_in(path):
                yield "a picture that is read", picture
