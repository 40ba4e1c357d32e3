"""Real video files, written as small as they can be."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

WriteVideo = Callable[..., Path]


def numbered_image(number: int, size: tuple[int, int] = (64, 48)) -> np.ndarray:
    """A picture that tells its number by its brightness, with a white corner at the top left."""
    image = np.full((size[1], size[0], 3), 40 + 4 * (number % 40), np.uint8)
    image[: size[1] // 4, : size[0] // 4] = 255
    return image


@pytest.fixture
def write_video(tmp_path: Path) -> WriteVideo:
    """Writes a constant-rate file with OpenCV: ``write_video(name, frames=10, fps=25, size=(64, 48))``."""

    def write(name: str = "clip.mp4", frames: int = 10, fps: float = 25.0, size: tuple[int, int] = (64, 48)) -> Path:
        path = tmp_path / name
        codec = "MJPG" if path.suffix == ".avi" else "mp4v"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), fps, size)
        assert writer.isOpened()
        for number in range(frames):
            writer.write(numbered_image(number, size))
        writer.release()
        return path

    return write


@pytest.fixture
def write_timed(tmp_path: Path) -> WriteVideo:
    """Writes H.264 with given time stamps through PyAV: ``write_timed(name, times_s, **container_options)``."""
    av = pytest.importorskip("av", reason="PyAV writes the variable-rate files")
    from fractions import Fraction

    def write(name: str, times_s: Sequence[float], noise: bool = False, **options: str) -> Path:
        path = tmp_path / name
        container = av.open(str(path), "w", options=options)
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for number, time_s in enumerate(times_s):
            image = numbered_image(number)
            if noise:
                image = np.random.default_rng(number).integers(0, 255, image.shape, np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts, frame.time_base = round(time_s * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        container.close()
        return path

    return write


@pytest.fixture
def rotate_mp4() -> Callable[[Path], Path]:
    """Marks an MP4 file as filmed upright: a quarter turn in the display matrix of its track header."""

    def rotate(path: Path) -> Path:
        data = path.read_bytes()
        start = data.index(b"tkhd") + 4
        matrix = start + (52 if data[start] else 40)
        turned = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
        out = path.with_name("turned_" + path.name)
        out.write_bytes(data[:matrix] + turned + data[matrix + 36 :])
        return out

    return rotate
