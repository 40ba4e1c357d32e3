"""The annotated video: right pictures at the right times, whole or not at all."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from sink_fakes import PATIENCE_S, MemorySink, result, wait_for

from core.types import Frame, Result
from pipeline.sinks import BackgroundSink, SinkError, VideoSink
from pipeline.sinks.encoders import OpenCvEncoder, PyAvEncoder, has_h264
from pipeline.sinks.video import letterbox
from pipeline.sources import open_source

ENCODERS = [
    pytest.param(PyAvEncoder, id="h264", marks=pytest.mark.skipif(not has_h264(), reason="PyAV is not installed")),
    pytest.param(OpenCvEncoder, id="mp4v"),
]


def frame_image(item: Result) -> np.ndarray:
    return item.frame.image


def levels(path: Path) -> list[tuple[float, float]]:
    """(time, brightness) of every frame of a video."""
    with open_source(path) as source:
        return [(frame.time_s, float(np.median(frame.image))) for frame in source]


def everything_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_constant_rate_comes_back_frame_by_frame(tmp_path: Path, encoder) -> None:
    path = tmp_path / "out.mp4"
    with VideoSink(path, frame_image, fps=10, encoder=encoder) as sink:
        for index in range(40):
            sink.write(result(index, index / 10))
        assert not path.exists()
    assert everything_in(tmp_path) == {"out.mp4"}
    got = levels(path)
    assert [time_s for time_s, _ in got] == pytest.approx([i / 10 for i in range(40)], abs=1e-3)
    assert [level for _, level in got] == pytest.approx([20 + 10 * (i % 20) for i in range(40)], abs=4)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_time_stamps_are_respected(tmp_path: Path, encoder) -> None:
    """Frames 0, 1, (two dropped), 4, a crowd of three within one slot, and 6; the start is later than 0."""
    times_s = [5.0, 5.1, 5.4, 5.5, 5.51, 5.52, 5.6]
    path = tmp_path / "out.mp4"
    with VideoSink(path, frame_image, fps=10, encoder=encoder) as sink:
        for index, time_s in enumerate(times_s):
            sink.write(result(index, time_s))
    got = levels(path)
    assert [time_s for time_s, _ in got] == pytest.approx([i / 10 for i in range(7)], abs=1e-3)
    shown = [round((level - 18) / 10) for _, level in got]
    assert shown == [0, 1, 1, 1, 2, 3, 6]


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("suffix", [".mkv", ".avi", ".mov"])
def test_other_containers(tmp_path: Path, encoder, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    with VideoSink(path, frame_image, fps=25, encoder=encoder) as sink:
        for index in range(10):
            sink.write(result(index, index / 25))
    assert len(levels(path)) == 10


@pytest.mark.skipif(not has_h264(), reason="PyAV is not installed")
def test_h264_is_what_players_expect(tmp_path: Path) -> None:
    import av

    path = tmp_path / "out.mp4"
    with VideoSink(path, frame_image, fps=29.97) as sink:
        for index in range(10):
            sink.write(result(index, index / 29.97))
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert float(stream.average_rate) == pytest.approx(29.97, abs=0.01)


def test_without_pyav_the_video_is_mpeg4(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    path = tmp_path / "out.mp4"
    with VideoSink(path, frame_image, fps=25) as sink:
        sink.write(result(0))
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    assert int(capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little") in (b"FMP4", b"mp4v")


def test_the_drawing_is_what_is_written(tmp_path: Path) -> None:
    def draw(item: Result) -> np.ndarray:
        return np.full((30, 40, 3), 200, np.uint8)

    with VideoSink(tmp_path / "out.mp4", draw, fps=25) as sink:
        sink.write(result(0))
    ((_, level),) = levels(tmp_path / "out.mp4")
    assert level == pytest.approx(200, abs=4)


def test_a_change_of_size_is_letterboxed_and_odd_sides_are_padded(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    sizes = [(65, 47), (32, 48), (300, 20), (65, 47)]
    with VideoSink(path, frame_image, fps=25) as sink:
        for index, (width, height) in enumerate(sizes):
            sink.write(result(index, index / 25, image=np.full((height, width, 3), 180, np.uint8)))
    with open_source(path) as source:
        frames = [frame.image for frame in source]
    assert {frame.shape for frame in frames} == {(48, 66, 3)}
    assert frames[0][:44, :62].min() > 150
    assert frames[1][:, 20:46].min() > 120
    assert frames[1][:, :10].max() < 60
    assert frames[1][:, -10:].max() < 60
    assert frames[2][23:25].min() > 120
    assert frames[2][:16].max() < 60


def test_letterbox_keeps_proportions() -> None:
    image = np.full((100, 50, 3), 255, np.uint8)
    boxed = letterbox(image, (200, 100))
    assert boxed.shape == (100, 200, 3)
    assert np.flatnonzero(boxed[50, :, 0]).tolist() == list(range(75, 125))
    assert letterbox(image, (50, 100)) is image


def test_a_night_without_camera_is_cut_short(tmp_path: Path, caplog) -> None:
    path = tmp_path / "out.mp4"
    with VideoSink(path, frame_image, fps=2) as sink:
        for index, time_s in enumerate([0.0, 0.5, 9000.0, 9000.5]):
            sink.write(result(index, time_s))
    got = levels(path)
    assert len(got) == 2 + 120 + 2
    assert round((got[-1][1] - 18) / 10) == 3
    assert "is cut to 60 s" in caplog.text


def test_a_run_without_a_frame_leaves_no_file(tmp_path: Path) -> None:
    VideoSink(tmp_path / "out.mp4", frame_image).close()
    assert everything_in(tmp_path) == set()


def test_an_error_of_the_run_still_completes_the_file(tmp_path: Path) -> None:
    def run() -> None:
        with VideoSink(tmp_path / "out.mp4", frame_image, fps=25) as sink:
            for index in range(10):
                sink.write(result(index, index / 25))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    assert len(levels(tmp_path / "out.mp4")) == 10


def test_a_failure_removes_the_file_and_keeps_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "out.mp4"
    path.write_bytes(b"the video of yesterday")

    def draw(item: Result) -> np.ndarray:
        if item.frame.index == 5:
            raise ZeroDivisionError("in the drawing")
        return item.frame.image

    sink = VideoSink(path, draw, fps=25)

    def run() -> None:
        for index in range(1000):
            sink.write(result(index, index / 25))

    with pytest.raises(ZeroDivisionError, match="in the drawing"):
        run()
    sink.close()
    assert everything_in(tmp_path) == {"out.mp4"}
    assert path.read_bytes() == b"the video of yesterday"


@pytest.mark.parametrize("encoder", ["PyAvEncoder", "OpenCvEncoder"])
def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, encoder: str) -> None:
    """A limit on the size of files stands in for the full disk."""
    if encoder == "PyAvEncoder" and not has_h264():
        pytest.skip("PyAV is not installed")
    program = """
import resource, sys
sys.path[:0] = sys.argv[3:]
import numpy as np
from sink_fakes import result
from pipeline.sinks import SinkError, VideoSink, encoders
resource.setrlimit(resource.RLIMIT_FSIZE, (60000, 60000))
rng = np.random.default_rng(0)
try:
    with VideoSink(sys.argv[1], lambda r: r.frame.image, fps=25, encoder=getattr(encoders, sys.argv[2])) as sink:
        for index in range(60):
            sink.write(result(index, index / 25, image=rng.integers(0, 255, (120, 160, 3), np.uint8)))
except SinkError as error:
    sys.stdout.write(str(error))
"""
    folders = [str(Path(__file__).parent), str(Path(__file__).parents[3])]
    command = [sys.executable, "-c", program, str(tmp_path / "out.mp4"), encoder, *folders]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    assert "out.mp4 cannot be written" in done.stdout
    assert everything_in(tmp_path) == set()


def test_a_bad_place_or_ending_is_told_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    bad = {
        tmp_path / "absent" / "out.mp4": "there is no folder",
        tmp_path / "file" / "out.mp4": "there is no folder",
        tmp_path / "out.txt": "does not end like a video",
        tmp_path: "does not end like a video",
        Path("/dev/null.mp4/x.mp4"): "there is no folder",
    }
    (tmp_path / "folder.mp4").mkdir()
    bad[tmp_path / "folder.mp4"] = "is a folder"
    bad[tmp_path / "caf\udce9.mp4"] = "is no name in UTF-8"  # bytes that are not UTF-8, as Python holds them
    for path, words in bad.items():
        with pytest.raises(SinkError, match=words):
            VideoSink(path, frame_image)
    assert everything_in(tmp_path) == {"file", "folder.mp4"}


def test_a_link_is_followed_and_stays(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "out.mp4"
    link.symlink_to(tmp_path / "there" / "real.mp4")
    with VideoSink(link, frame_image, fps=25) as sink:
        sink.write(result(0))
    assert link.is_symlink()
    assert everything_in(tmp_path / "there") == {"real.mp4"}


def test_a_slow_disk_makes_a_live_run_drop_and_count(caplog) -> None:
    slow = MemorySink()
    slow.gate.clear()
    sink = BackgroundSink(slow, live=True, capacity=4)
    sink.write(result(0))
    assert slow.entered.wait(PATIENCE_S)
    for index in range(1, 11):
        sink.write(result(index))  # returns although the disk does not
    assert sink.dropped == 6
    slow.gate.set()
    sink.close()
    sink.close()
    assert slow.indices == [0, 1, 2, 3, 4]
    assert slow.closed == 1
    assert caplog.text.count("has not taken 6 frames") == 1


def test_a_slow_disk_makes_a_file_wait_and_loses_nothing() -> None:
    slow = MemorySink()
    slow.gate.clear()
    sink = BackgroundSink(slow, live=False, capacity=4)
    producer = threading.Thread(target=lambda: [sink.write(result(index)) for index in range(20)])
    producer.start()
    assert slow.entered.wait(PATIENCE_S)
    wait_for(lambda: len(sink._queue) == 4)
    assert producer.is_alive()
    slow.gate.set()
    producer.join(PATIENCE_S)
    sink.close()
    assert slow.indices == list(range(20))
    assert sink.dropped == 0


def test_a_failure_behind_the_queue_ends_a_waiting_write() -> None:
    failing = MemorySink(fail_at=0)
    failing.gate.clear()
    sink = BackgroundSink(failing, live=False, capacity=1)
    caught: list[BaseException] = []

    def produce() -> None:
        try:
            for index in range(5):
                sink.write(result(index))
        except OSError as error:
            caught.append(error)

    producer = threading.Thread(target=produce)
    producer.start()
    assert failing.entered.wait(PATIENCE_S)
    failing.gate.set()
    producer.join(PATIENCE_S)
    assert [error.strerror for error in caught] == ["No space left on device"]
    sink.close()  # told once
    with pytest.raises(SinkError, match="already closed"):
        sink.write(result(9))


def test_a_failure_after_the_last_write_is_told_by_close() -> None:
    sink = BackgroundSink(MemorySink(fail_at_close=True), live=False)
    sink.write(result(0))
    with pytest.raises(OSError, match="Input/output error"):
        sink.close()


def test_a_disk_that_never_answers_does_not_hold_the_end() -> None:
    dead = MemorySink()
    dead.gate.clear()
    sink = BackgroundSink(dead, live=True, close_limit_s=0.05)
    sink.write(result(0))
    with pytest.raises(SinkError, match="does not finish"):
        sink.close()
    dead.gate.set()


def test_the_frame_of_a_result_is_not_changed(tmp_path: Path) -> None:
    image = np.full((47, 65, 3), 77, np.uint8)
    item = Result(Frame(0, 0.0, image), ())
    with VideoSink(tmp_path / "out.mp4", frame_image, fps=25) as sink:
        sink.write(item)
    assert (image == 77).all()
