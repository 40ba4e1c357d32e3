"""Pictures of videos held for some seconds, as a camera would see somebody who keeps still."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from rich.progress import track

from core.files import refuse_overwriting, require_writable
from pipeline.sources import Policy, open_source

FPS = 30.0
NOISE = 6.0
"""Standard deviation of the sensor's noise in grey levels."""
TREMBLE_PX = 1.5


def pictures(path: Path, count: int) -> Iterator[np.ndarray]:
    """The first frame of a video, and others at equal distances up to the last; fewer where it has fewer.

    Raises:
        SourceError: it is no readable video.
    """
    with open_source(path, policy=Policy.ALL) as source:
        frames = sum(1 for _ in source)
    wanted = set(np.linspace(0, frames - 1, count).round().astype(int))
    with open_source(path, policy=Policy.ALL) as source:
        for index, frame in enumerate(source):
            if index in wanted:
                yield frame.image


def held(picture: np.ndarray, seconds: float, seed: int = 0) -> Iterator[np.ndarray]:
    """The frames of a camera in a trembling hand that looks at a picture (H, W, 3)."""
    rng = np.random.default_rng(seed)
    shift = np.zeros(2)
    for _ in range(round(seconds * FPS)):
        shift = 0.9 * shift + rng.normal(0, 0.4 * TREMBLE_PX, 2)
        move = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
        moved = cv2.warpAffine(picture, move, picture.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
        yield np.clip(moved + rng.normal(0, NOISE, picture.shape), 0, 255).astype(np.uint8)


def write_held(picture: np.ndarray, path: Path, seconds: float, seed: int = 0) -> None:
    """A video of a held picture."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, picture.shape[1::-1])
    for frame in held(picture, seconds, seed):
        writer.write(frame)
    writer.release()


def hold(videos: Sequence[Path], out: Path, count: int, seconds: float) -> int:
    """Write held pictures of every video into a folder.

    Args:
        videos: to take pictures of.
        out: the folder; files are named by the number of the video and of the picture.
        count: pictures of each video.
        seconds: length.

    Returns:
        How many were written.

    Raises:
        UserError: a video cannot be read (``SourceError``), or a file cannot be written or would take a video's place.
    """
    written = 0
    for number, video in enumerate(track(videos, "held", transient=True)):
        for index, picture in enumerate(pictures(video, count)):
            target = out / f"{number:04d}-{index}.avi"
            refuse_overwriting([("--out", target)], videos)
            require_writable(target)
            with TemporaryDirectory(dir=out) as folder:  # an interrupted one is no shorter video among the others
                part = Path(folder) / target.name
                write_held(picture, part, seconds, seed=1000 * number + index)
                part.replace(target)
            written += 1
    return written
