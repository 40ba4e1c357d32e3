"""Video files, GIFs and pictures: every frame, with the time stamps of the container."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.errors import UserError
from pipeline.sources import EventKind, Policy, SourceError, SourceEvent, open_source


def brightness(image: np.ndarray) -> float:
    return float(np.median(image))


def test_a_file_is_read_whole_and_in_order(write_video) -> None:
    path = write_video(frames=30, fps=10)
    with open_source(path) as source:
        assert (source.name, source.live, source.policy) == ("clip.mp4", False, Policy.ALL)
        assert source.size == (64, 48)
        assert source.fps == pytest.approx(10)
        assert source.frame_count == 30
        frames = list(source)
    assert [frame.index for frame in frames] == list(range(30))
    assert [frame.time_s for frame in frames] == pytest.approx([i / 10 for i in range(30)])
    levels = [brightness(frame.image) for frame in frames]
    assert levels == sorted(levels)
    assert levels[-1] > levels[0] + 80
    assert all(frame.image.dtype == np.uint8 and frame.image.shape == (48, 64, 3) for frame in frames)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_variable_rate_is_told_by_the_time_stamps(write_timed, suffix: str) -> None:
    times_s = [0, 0.04, 0.08, 0.2, 0.3, 0.31, 0.32, 0.9, 1.0, 1.5]
    with open_source(write_timed("vfr" + suffix, times_s)) as source:
        assert [frame.time_s for frame in source] == pytest.approx(times_s, abs=2e-3)


def test_time_starts_at_zero_where_the_container_starts_later(write_timed) -> None:
    with open_source(write_timed("late.mp4", [7.0, 7.1, 7.3])) as source:
        assert [frame.time_s for frame in source] == pytest.approx([0, 0.1, 0.3], abs=2e-3)


def test_a_bare_stream_without_time_stamps_gets_its_nominal_rate(write_timed, tmp_path: Path) -> None:
    with open_source(write_timed("bare.h264", [i / 25 for i in range(12)])) as source:
        assert [frame.time_s for frame in source] == pytest.approx([i / 25 for i in range(12)], abs=1e-6)


def test_the_rotation_of_a_phone_is_honoured(write_video, rotate_mp4) -> None:
    with open_source(rotate_mp4(write_video(size=(64, 48)))) as source:
        assert source.size == (48, 64)
        frame = next(source)
    assert frame.image.shape == (64, 48, 3)
    # The white corner of the stored picture's top left is at the top right once the picture stands upright.
    assert frame.image[:10, -8:].mean() > 200
    assert frame.image[:10, :8].mean() < 100


def write_gif(path: Path, durations_ms: list[int]) -> Path:
    """Noise, a picture for each duration."""
    animation = cv2.Animation()
    rng = np.random.default_rng(0)
    animation.frames = [rng.integers(0, 255, (48, 64, 3), np.uint8) for _ in durations_ms]
    animation.durations = np.array(durations_ms)
    assert cv2.imwriteanimation(str(path), animation)
    return path


def test_a_gif_is_a_video_with_its_own_durations(tmp_path: Path) -> None:
    with open_source(str(write_gif(tmp_path / "wave.gif", [100, 200, 50, 400, 100]))) as source:
        assert source.policy is Policy.ALL
        assert [frame.time_s for frame in source] == pytest.approx([0, 0.1, 0.3, 0.35, 0.75], abs=1e-3)


@pytest.mark.parametrize("part", [0.3, 0.5, 0.9, 0.999])
def test_a_truncated_gif_gives_a_warning(tmp_path: Path, part: float) -> None:
    path = write_gif(tmp_path / "wave.gif", [80] * 20)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    events: list[SourceEvent] = []
    with open_source(path, on_event=events.append) as source:
        frames = list(source)
    assert 20 * part - 3 <= len(frames) <= 20
    assert [event.kind for event in events] == [EventKind.TRUNCATED]
    assert events[0].message.startswith(f"wave.gif is cut off: it breaks after {len(frames)} frames")


@pytest.mark.parametrize("colours", [2, 64, 256])
def test_a_whole_gif_gives_no_warning_even_without_its_trailer(tmp_path: Path, colours: int) -> None:
    pillow = pytest.importorskip("PIL.Image", reason="Pillow writes GIFs with comments and tables of their own")
    noise = np.random.default_rng(0).integers(0, 255, (6, 48, 64, 3), np.uint8)
    images = [pillow.fromarray(one).quantize(colours) for one in noise]
    path = tmp_path / "wave.gif"
    images[0].save(path, save_all=True, append_images=images[1:], duration=100, loop=0, comment=b"x" * 300)
    events: list[SourceEvent] = []
    for end in (b"\x3b", b"", b"\x00\x00"):
        path.write_bytes(path.read_bytes().rstrip(b"\x3b") + end)
        with open_source(path, on_event=events.append) as source:
            assert len(list(source)) == 6
    assert not events


def test_a_name_with_a_colon_and_other_letters_is_a_file(write_video) -> None:
    with open_source(write_video("rtsp:schöner clip%03d.mp4", frames=3)) as source:
        assert len(list(source)) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_is_not_utf8_is_refused(write_video) -> None:
    video = write_video()
    odd = video.rename(video.with_name(os.fsdecode(b"caf\xe9.mp4")))
    with pytest.raises(SourceError, match=r"caf\\udce9\.mp4 is no name in UTF-8"):
        open_source(odd)
    with pytest.raises(SourceError, match=r"cam\\udce9/live is no name in UTF-8"):
        open_source(os.fsdecode(b"rtsp://admin:secret@cam\xe9/live"))
    odd.rename(video)
    with open_source(video) as source:
        assert len(list(source)) == 10


@pytest.mark.parametrize("name", ["x" * 300 + ".mp4", "x" * 300 + ".png", "x" * 300, "~nobody-of-this-name/x.mp4"])
def test_a_name_that_the_system_cannot_have_is_a_missing_file(name: str) -> None:
    with pytest.raises(SourceError, match=r"there is no (file|picture)"):
        open_source(name)
    with pytest.raises(SourceError, match="there is no picture"):
        open_source([name])


def test_a_truncated_video_gives_all_frames_before_the_break_then_a_warning(write_timed, caplog) -> None:
    whole = write_timed("whole.mp4", [i / 25 for i in range(50)], noise=True, movflags="faststart")
    cut = whole.with_name("cut.mp4")
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    events: list[SourceEvent] = []
    with caplog.at_level(logging.WARNING), open_source(cut, on_event=events.append) as source:
        frames = list(source)
    with open_source(whole) as source:
        reference = list(source)
    assert 20 <= len(frames) < 45
    for got, wanted in zip(frames[:-1], reference, strict=False):
        assert np.array_equal(got.image, wanted.image)
    assert [event.kind for event in events] == [EventKind.TRUNCATED]
    assert f"breaks after {len(frames)} of about 50 frames" in events[0].message
    assert events[0].message in caplog.text


def test_a_whole_video_gives_no_warning(write_timed) -> None:
    events: list[SourceEvent] = []
    for name in ("even.mp4", "even.mkv"):
        with open_source(write_timed(name, [0, 0.1, 0.9, 1.0, 2.5]), on_event=events.append) as source:
            assert len(list(source)) == 5
    assert not events


def test_bad_files_are_refused_in_one_sentence(write_video, tmp_path: Path) -> None:
    empty = tmp_path / "empty.mp4"
    empty.touch()
    text = tmp_path / "text.mp4"
    text.write_text("these are words\n" * 100, encoding="utf-8")
    noise = tmp_path / "noise.mp4"
    noise.write_bytes(np.random.default_rng(0).bytes(50_000))
    whole = write_video(frames=40)
    headless = tmp_path / "headless.mp4"
    headless.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    no_frames = write_video("no_frames.mp4", frames=0)
    expected = {
        tmp_path / "absent.mp4": "there is no file",
        empty: "is empty",
        text: "is a text file",
        noise: "is not a video",
        headless: "its index is missing",
        no_frames: "is not a video|contains no picture",
    }
    for path, words in expected.items():
        with pytest.raises(SourceError, match=words) as caught:
            open_source(path)
        assert "\n" not in str(caught.value)
        assert path.name in str(caught.value)
    assert issubclass(SourceError, UserError)


def test_decoder_noise_stays_off_the_terminal(tmp_path: Path, capfd) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + bytes(1000))
    with pytest.raises(SourceError):
        open_source(broken)
    assert capfd.readouterr().err == ""


def test_a_folder_of_pictures_plays_in_natural_order(tmp_path: Path) -> None:
    for number in (10, 2, 1, 11):
        cv2.imwrite(str(tmp_path / f"frame{number}.png"), np.full((20, 30, 3), number, np.uint8))
    cv2.imwrite(str(tmp_path / ".hidden.png"), np.full((20, 30, 3), 99, np.uint8))
    (tmp_path / "notes.txt").write_text("not a picture", encoding="utf-8")
    with open_source(tmp_path) as source:
        assert (source.name, source.fps, source.frame_count) == (tmp_path.name, 25.0, 4)
        frames = list(source)
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [1, 2, 10, 11]
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.04, 0.08, 0.12])
    with open_source(tmp_path, fps=10) as source:
        assert [frame.time_s for frame in source] == pytest.approx([0, 0.1, 0.2, 0.3])


def test_pictures_of_any_depth_and_size_come_as_bgr(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.full((20, 30), 50, np.uint8))
    cv2.imwrite(str(tmp_path / "b.png"), np.full((40, 30, 4), 60, np.uint8))
    cv2.imwrite(str(tmp_path / "c.png"), np.full((20, 50, 3), 70 * 257, np.uint16))
    with open_source(tmp_path) as source:
        frames = list(source)
    assert [frame.image.shape for frame in frames] == [(20, 30, 3), (40, 30, 3), (20, 50, 3)]
    assert [int(frame.image[0, 0, 2]) for frame in frames] == [50, 60, 70]


def test_an_unreadable_picture_is_skipped_and_keeps_its_place(tmp_path: Path) -> None:
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((20, 30, 3), number, np.uint8))
    (tmp_path / "1.png").write_bytes(b"no picture")
    events: list[SourceEvent] = []
    with open_source(tmp_path, on_event=events.append) as source:
        frames = list(source)
        assert source.stats.corrupt == 1
    assert [(frame.index, frame.time_s) for frame in frames] == [(0, 0.0), (2, pytest.approx(0.08))]
    assert [event.kind for event in events] == [EventKind.CORRUPT, EventKind.TRUNCATED]
    assert "1 of 3 pictures" in events[1].message


def test_lists_of_paths_and_of_images(tmp_path: Path) -> None:
    path = tmp_path / "one.png"
    cv2.imwrite(str(path), np.full((20, 30, 3), 9, np.uint8))
    with open_source([path, str(path)]) as source:
        assert [int(frame.image[0, 0, 0]) for frame in source] == [9, 9]
    with open_source([np.full((20, 30, 3), i, np.uint8) for i in range(3)]) as source:
        assert [int(frame.image[0, 0, 0]) for frame in source] == [0, 1, 2]
    with open_source(path) as source:
        assert len(list(source)) == 1


def test_bad_pictures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no pictures in the folder"):
        open_source(tmp_path)
    (tmp_path / "a.jpg").write_bytes(b"x")
    with pytest.raises(SourceError, match="1 of 1 pictures cannot be read"):
        open_source(tmp_path)
    with pytest.raises(SourceError, match="there is no picture"):
        open_source([tmp_path / "missing.png"])
    with pytest.raises(SourceError, match="list of pictures is empty"):
        open_source([])
    with pytest.raises(SourceError, match="0 frames a second"):
        open_source(tmp_path, fps=0)


def test_a_forgotten_source_lets_its_thread_go(write_video) -> None:
    import gc
    import threading

    source = open_source(write_video(frames=60))
    next(source)
    thread = next(t for t in threading.enumerate() if t.name == "source:clip.mp4")
    del source
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()
