"""Longer scenes out of short clips, for measuring: one clip to the full picture, or up to four side by side.

    python -m benchmarks.scenes OUT.mp4 CLIP [CLIP ...] [--seconds 20] [--fps 30] [--size 640x480]

Each clip is played forth and back over and over, so that nobody jumps, and fills the picture or its quarter, keeping
its shape. One clip with one person gives a scene of one person, three such clips one of three people.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

if not __package__:  # as a file its own folder comes first, where a module passes for the package pipeline
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.shared.report import Output, exit_code
from pipeline import UserError, open_source


def forth_and_back(clip: Path) -> Iterator[NDArray[np.uint8]]:
    """The pictures of a clip, without end; those at the turning points come once."""
    with open_source(clip) as source:
        pictures = [frame.image for frame in source]
    return itertools.cycle(pictures + pictures[-2:0:-1])


def place(picture: NDArray[np.uint8], canvas: NDArray[np.uint8]) -> None:
    """Fit a picture into the middle of a canvas, keeping its shape."""
    height, width = canvas.shape[:2]
    scale = min(width / picture.shape[1], height / picture.shape[0])
    w, h = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    left, top = (width - w) // 2, (height - h) // 2
    canvas[top : top + h, left : left + w] = cv2.resize(picture, (w, h), interpolation=cv2.INTER_LINEAR)


def scene(clips: list[Path], frames: int, size: tuple[int, int]) -> Iterator[NDArray[np.uint8]]:
    """Pictures (H, W, 3) uint8 BGR of ``size`` (width, height): one clip, or two to four in quarters."""
    width, height = size
    if len(clips) == 1:
        parts = [(slice(0, height), slice(0, width))]
    else:
        rows = (slice(0, height // 2), slice(height // 2, height))
        columns = (slice(0, width // 2), slice(width // 2, width))
        parts = [(row, column) for row in rows for column in columns]
    films = [forth_and_back(clip) for clip in clips]
    for _ in range(frames):
        canvas = np.zeros((height, width, 3), np.uint8)
        for film, part in zip(films, parts, strict=False):
            place(next(film), canvas[part])
        yield canvas


def write_scene(out: Path, clips: list[Path], seconds: float, fps: float, size: tuple[int, int]) -> None:
    """Write a scene as a video, whole or not at all.

    Raises:
        UserError: a clip cannot be read, there are more than four, or the video cannot be written.
    """
    if not 1 <= len(clips) <= 4:
        raise UserError(f"A scene is made of one to four clips, not of {len(clips)}.")
    Output(out, *clips).fill(lambda file: _film(file, scene(clips, round(seconds * fps), size), fps, size))


def _film(file: Path, pictures: Iterator[NDArray[np.uint8]], fps: float, size: tuple[int, int]) -> None:
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"mp4v"), fps, size)
    try:
        if not writer.isOpened():
            raise UserError(f"A video of {size[0]}x{size[1]} cannot be written with the ending {file.suffix!r}.")
        for picture in pictures:
            writer.write(picture)
    finally:
        writer.release()


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scenes", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("clips", type=Path, nargs="+", metavar="CLIP")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--fps", type=float, default=30.0)
    parser.add_argument("--size", default="640x480", help="WIDTHxHEIGHT (default %(default)s)")
    args = parser.parse_args(argv)
    try:
        width, height = (int(side) for side in args.size.split("x"))
    except ValueError:
        parser.error(f"{args.size} is no size such as 640x480")
    return exit_code(lambda: write_scene(args.out, args.clips, args.seconds, args.fps, (width, height)))


if __name__ == "__main__":
    sys.exit(main())
