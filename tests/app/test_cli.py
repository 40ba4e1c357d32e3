"""What the command line refuses, and how: one sentence, exit code 2, nothing written."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.__main__ import main
from app.cli import parse_bench, parse_run
from app.options import numbered_address
from app.outputs import check_outputs
from core.command_line import ending_signals
from core.errors import UserError
from models import model_path
from pipeline.sinks.mqtt import DEFAULT_TOPIC


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The sentence with which a command is refused."""
    assert main(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1, said.err
    assert "Traceback" not in said.err
    return said.err


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ((), "--video FILE"),
        (("--headless",), "--video FILE"),
        (("--vidio", "x.mp4"), "--vidio"),
        (("--video",), "--video"),
        (("--camera", "front"), "front"),
        (("--url", "host/path"), "rtsp://"),
        (("--images", "no such folder"), "no such folder"),
        *((("--images", ".", "--images-fps", rate), "a second") for rate in ("0", "-1", "nan", "inf", "fast")),
        (("--video", "x.mp4", "--images-fps", "10"), "--images DIR"),
        (("--camera", "0", "--images-fps", "10"), "--images DIR"),
        (("bench", "--video", "x.mp4", "--images-fps", "10"), "--images DIR"),
        (("--video", "x.mp4", "--threshold", "1.5"), "between 0 and 1"),
        (("--video", "x.mp4", "--threshold", "nan"), "between 0 and 1"),
        (("--video", "x.mp4", "--stride", "0"), "seconds"),
        (("--video", "x.mp4", "--backend", "abacus"), "abacus"),
        (("--video", "x.mp4", "--policy", "oldest"), "oldest"),
        (("bench",), "--video FILE"),
        (("bench", "--video", "a.mp4", "--video", "b.mp4"), "one source"),
        (("bench", "--video", "a.mp4", "--frames", "-1"), "-1"),
        (("bench", "--video", "a.mp4", "--json", "no such folder/x.json"), "no such folder"),
        (("doctor", "--fast"), "--fast"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], hint: str
) -> None:
    assert hint in refused(capsys, *words)


def test_outputs_are_checked_before_anything_is_opened(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    video = tmp_path / "clip.mp4"
    video.write_bytes(b"not looked at")
    (tmp_path / "folder").mkdir()
    run = ("--headless", "--video", str(video))
    assert "no folder" in refused(capsys, *run, "--events", str(tmp_path / "absent" / "out.jsonl"))
    assert "is a folder" in refused(capsys, *run, "--save", str(tmp_path / "folder"))
    assert "not a folder" in refused(capsys, *run, "--stats", str(video / "out.json"))
    assert "overwrite" in refused(capsys, *run, "--save", str(tmp_path / "folder" / ".." / "clip.mp4"))
    same = str(tmp_path / "out.x")
    assert "of its own" in refused(capsys, *run, "--events", same, "--segments", same)
    assert video.read_bytes() == b"not looked at"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "folder"]


@pytest.mark.parametrize("source", [("--video", "{}"), ("--url", "file://{}")])
@pytest.mark.parametrize("number", [1, 2])
def test_a_numbered_output_never_names_a_video_that_is_read(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, source: tuple[str, str], number: int
) -> None:
    video = tmp_path / f"out-{number}.mp4"
    video.write_bytes(b"not looked at")
    words = ("--headless", source[0], source[1].format(video), "--camera", "0", "--save", str(tmp_path / "out.mp4"))
    assert f"out-{number}.mp4 would overwrite" in refused(capsys, *words)


def test_numbered_outputs_of_one_file_are_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "a-2.csv").symlink_to(tmp_path / "b-1.json")
    words = ("--headless", "--camera", "0", "--camera", "1", "--stats", str(tmp_path / "b.json"))
    assert "of its own" in refused(capsys, *words, "--segments", str(tmp_path / "a.csv"))


@pytest.mark.parametrize("option", ["--events", "--save", "--segments", "--stats"])
def test_a_name_that_no_disk_takes_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, option: str) -> None:
    assert "too long" in refused(capsys, "--headless", "--camera", "0", option, str(tmp_path / ("x" * 300)))
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "symbolic links" in refused(capsys, "--headless", "--camera", "0", option, str(tmp_path / "loop" / "x"))


@pytest.mark.parametrize("option", ["--model", "--pose", "--video"])
def test_a_home_that_does_not_exist_is_only_a_name(tmp_path: Path, option: str) -> None:
    words = ["--camera", "0", "--events", str(tmp_path / "out.jsonl"), option, "~nobody-of-that-name/x"]
    check_outputs(parse_run(words))


def test_a_bench_does_not_write_its_figures_over_the_video(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    video = tmp_path / "clip.mp4"
    video.write_bytes(b"not looked at")
    words = ("bench", "--video", str(video), "--json", str(video))
    assert "would overwrite the video" in refused(capsys, *words)
    assert video.read_bytes() == b"not looked at"


def test_a_picture_that_is_read_is_not_written_over_but_others_share_its_folder(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name in ("f7.jpg", "notes.txt"):
        (tmp_path / name).write_bytes(b"not looked at")
    words = ("--headless", "--images", str(tmp_path), "--events")
    assert "would overwrite a picture" in refused(capsys, *words, str(tmp_path / "f7.jpg"))
    check_outputs(parse_run([*words, str(tmp_path / "notes.txt")]))


def test_another_name_of_a_file_that_is_read_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    video = tmp_path / "clip.mp4"
    video.write_bytes(b"not looked at")
    (tmp_path / "out.jsonl").hardlink_to(video)
    words = ("--headless", "--video", str(video), "--events", str(tmp_path / "out.jsonl"))
    assert "would overwrite the video" in refused(capsys, *words)


@pytest.mark.parametrize(
    ("words", "output"),
    [
        (("--model", "m/walk"), "m/walk-temporal.onnx"),
        (("--model", "m/walk-temporal.onnx"), "m/walk.calibration.json"),
        (("--model", "m"), "m/skeleformer-spatial.onnx"),
        (("--pose", "rtmpose:m/pose.onnx"), "m/pose.onnx"),
        (("--pose", "rtmpose:x.onnx", "--pose-detector", "m/found.onnx"), "m/found.onnx"),
        (("--pose", "rtmpose:x.onnx", "--pose-detector", "yolox:m/found.onnx"), "m/found.onnx"),
        (("--pose", "mmpose:m/config.py", "--pose-weights", "m/w.pth"), "m/config.py"),
        (("--pose", "mmpose:m/config.py", "--pose-weights", "m/w.pth"), "m/w.pth"),
        ((), str(model_path("movenet-lightning.onnx"))),
        ((), str(model_path("skeleformer.calibration.json"))),
    ],
)
@pytest.mark.parametrize("command", [("--headless", "--stats"), ("bench", "--json")])
def test_a_model_in_use_is_not_written_over(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, str],
    words: tuple[str, ...],
    output: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m").mkdir()
    assert "would overwrite" in refused(capsys, command[0], "--camera", "0", *words, command[1], output)


def test_a_password_is_not_repeated_in_a_refusal(capsys: pytest.CaptureFixture[str]) -> None:
    assert "secret" not in refused(capsys, "--url", "admin:secret@10.0.0.1/live")


def test_sources_keep_their_order_and_outputs_are_numbered() -> None:
    options = parse_run(
        ["--video", "a.mp4", "--camera", "1", "--url", "rtsp://h/p", "--video", "b.mp4", "--save", "d/out.mp4",
         "--events", "out.jsonl", "--publish", "mqtt://h/topic"]
    )  # fmt: skip
    assert options.sources == (Path("a.mp4"), 1, "rtsp://h/p", Path("b.mp4"))
    second = options.outputs.for_sources(4)[1]
    assert second.save == Path("d/out-2.mp4")
    assert second.events == Path("out-2.jsonl")
    assert second.publish == ("mqtt://h/topic/2",)
    assert second.segments is None
    assert options.outputs.for_sources(1) == (options.outputs,)


@pytest.mark.parametrize(("address", "second"), [
    ("ws://0.0.0.0:9000", "ws://0.0.0.0:9001"), ("ws://localhost", "ws://localhost:8766"),
    ("ws://[::1]:9000", "ws://[::1]:9001"), ("ws://localhost:0", "ws://localhost:0"),
    ("mqtt://u:p@broker:1884/home/cam", "mqtt://u:p@broker:1884/home/cam/2"),
    ("mqtt://broker", f"mqtt://broker/{DEFAULT_TOPIC}/2"), ("ws://h:port", "ws://h:port"),
])  # fmt: skip
def test_each_of_several_sources_publishes_at_an_address_of_its_own(address: str, second: str) -> None:
    assert numbered_address(address, 2) == second


def test_a_bench_takes_one_source() -> None:
    options, json_path, frames = parse_bench(["--video", "a.mp4", "--json", "out.json", "--frames", "30"])
    assert (options.sources, json_path, frames) == ((Path("a.mp4"),), Path("out.json"), 30)
    with pytest.raises(UserError):
        parse_bench([])


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leave:
        main(["--help"])
    assert leave.value.code == 0
    text = capsys.readouterr().out
    for word in ("bench", "doctor", "--video", "--camera", "--url", "--images", "--events", "--save"):
        assert word in text


def test_a_process_refuses_without_a_traceback(tmp_path: Path, root: Path) -> None:
    words = ["--video", str(tmp_path / "missing.mp4"), "--headless", "--events", str(tmp_path / "out.jsonl")]
    child = subprocess.run(
        [sys.executable, "-m", "app", *words], capture_output=True, text=True, cwd=root, stdin=subprocess.DEVNULL
    )
    assert child.returncode == 2
    assert child.stdout == ""
    assert "missing.mp4" in child.stderr
    assert len(child.stderr.strip().splitlines()) == 1


def test_whoever_calls_it_has_the_signals_back(capsys: pytest.CaptureFixture[str]) -> None:
    before = [signal.getsignal(number) for number in ending_signals()]
    assert main(["--video", "absent.mp4", "--headless"]) == 2
    assert [signal.getsignal(number) for number in ending_signals()] == before
