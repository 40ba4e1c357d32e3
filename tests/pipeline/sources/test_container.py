"""A file is called cut off only where bytes are missing: not for what a container claims and a player does not show."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipeline.sources import EventKind, SourceEvent, open_source
from pipeline.sources.recordings.container import is_complete, presented_s

av = pytest.importorskip("av", reason="PyAV writes the files")

FPS = 10


def write(path: Path, frames: int = 30, sound_s: float = 0.0) -> Path:
    """Noise at ten frames a second, with silence as long as asked for."""
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as file:
        video = file.add_stream("mpeg4" if path.suffix in (".mp4", ".avi") else "libvpx", rate=FPS)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        sound = file.add_stream("aac" if path.suffix == ".mp4" else "libopus", rate=48000) if sound_s else None
        for _ in range(frames):
            picture = av.VideoFrame.from_ndarray(rng.integers(0, 255, (48, 64, 3), np.uint8), format="rgb24")
            file.mux(video.encode(picture))
        file.mux(video.encode(None))
        if sound is not None:
            for start in range(0, int(sound_s * 48000), 960):
                silence = av.AudioFrame.from_ndarray(np.zeros((1, 960), np.float32), format="fltp", layout="mono")
                silence.sample_rate, silence.pts, silence.time_base = 48000, start, Fraction(1, 48000)
                file.mux(sound.encode(silence))
            file.mux(sound.encode(None))
    return path


def trim(path: Path, seconds: float) -> None:
    """Shorten an MP4's first edit and its track's shown duration, as a phone's editor does; movie timescale 1000."""
    data = bytearray(path.read_bytes())
    length = round(seconds * 1000).to_bytes(4, "big")
    edits, track = data.index(b"elst"), data.index(b"tkhd")
    data[edits + 12 : edits + 16] = length
    data[track + 24 : track + 28] = length
    path.write_bytes(bytes(data))


def read(path: Path) -> tuple[int, list[SourceEvent]]:
    events: list[SourceEvent] = []
    with open_source(path, on_event=events.append) as source:
        return len(list(source)), events


def test_a_trimmed_mp4_is_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4")
    assert presented_s(path) == pytest.approx(3.0, abs=0.01)
    trim(path, 1.0)
    frames, events = read(path)
    assert 10 <= frames <= 11
    assert not events


@pytest.mark.parametrize("name", ["a.webm", "a.mkv", "a.mp4"])
def test_sound_that_outlasts_the_pictures_is_no_fault(tmp_path: Path, name: str) -> None:
    frames, events = read(write(tmp_path / name, sound_s=8.0))
    assert frames == 30
    assert not events


@pytest.mark.parametrize("name", ["a.webm", "a.mkv", "a.avi"])
@pytest.mark.parametrize("fraction", [0.4, 0.8])
def test_a_file_that_lacks_bytes_is_incomplete(tmp_path: Path, name: str, fraction: float) -> None:
    path = write(tmp_path / name)
    assert is_complete(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * fraction)])
    assert is_complete(path) is False
    frames, events = read(path)
    assert frames < 30
    assert [event.kind for event in events] == [EventKind.TRUNCATED]


@pytest.mark.parametrize("content", [b"", b"\x00" * 40, b"\x1a\x45\xdf\xa3", b"\x00\x00\x00\x01ftyp" + b"\xff" * 20])
def test_a_stump_says_nothing_and_breaks_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "stump"
    path.write_bytes(content)
    assert is_complete(path) in (None, False)
    assert presented_s(path) is None


@pytest.mark.parametrize(("aspect", "width"), [("16/15", 68), ("1/2", 32), ("2/1", 128), ("1/1", 64), ("99/1", 64)])
def test_anamorphic_pixels_become_square(tmp_path: Path, aspect: str, width: int) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as file:
        video = file.add_stream("mpeg4", rate=FPS)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.codec_context.sample_aspect_ratio = Fraction(aspect)
        for _ in range(5):
            file.mux(video.encode(av.VideoFrame.from_ndarray(np.full((48, 64, 3), 128, np.uint8), format="rgb24")))
        file.mux(video.encode(None))
    with open_source(path) as source:
        assert {frame.image.shape for frame in source} == {(48, width, 3)}


def test_a_stream_without_time_stamps_says_what_rate_is_assumed(tmp_path: Path) -> None:
    path = tmp_path / "a.h264"
    with av.open(str(path), "w", format="h264") as file:
        video = file.add_stream("libx264", rate=FPS)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        for _ in range(12):
            file.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")))
        file.mux(video.encode(None))
    frames, events = read(path)
    assert frames == 12
    assert [event.kind for event in events] == [EventKind.RATE_ASSUMED]
    assert "frames a second are assumed (--fps says otherwise)" in events[0].message


def test_a_given_rate_takes_the_place_of_time_stamps(tmp_path: Path) -> None:
    with open_source(write(tmp_path / "a.mp4", frames=5), video_fps=4) as source:
        assert [frame.time_s for frame in source] == pytest.approx([0, 0.25, 0.5, 0.75, 1.0])
        assert source.fps == 4
