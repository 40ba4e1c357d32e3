"""The headless run, as a user starts it: a process on a real clip."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

CUT_S = 72 / 7  # the bundled clip: pedestrians before, a boxer after


def command(*words: str | Path) -> list[str]:
    """The words of ``python -m app --headless``."""
    return [sys.executable, "-m", "app", "--headless", *map(str, words)]


def run(root: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run(command(*words), capture_output=True, text=True, cwd=root, stdin=subprocess.DEVNULL)


def read_events(path: Path) -> list[dict[str, Any]]:
    """Every line, each of which has to be whole."""
    text = path.read_text()
    assert text == "" or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def read_video(path: Path) -> tuple[list[float], list[np.ndarray]]:
    """Time stamps in seconds and pictures."""
    capture, times, pictures = cv2.VideoCapture(str(path)), [], []
    while True:
        ok, picture = capture.read()
        if not ok:
            return times, pictures
        times.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
        pictures.append(picture)


@pytest.fixture(scope="module")
def labelled(
    root: Path, demo_clip: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The bundled clip, labelled with every output."""
    out = tmp_path_factory.mktemp("labelled")
    files = ("--events", out / "out.jsonl", "--save", out / "out.mp4", "--segments", out / "out.csv")
    return out, run(root, "--video", demo_clip, *files, "--stats", out / "out.json")


def test_it_ends_well_and_says_what_it_saw_and_wrote(labelled: tuple[Path, Any]) -> None:
    out, child = labelled
    assert child.returncode == 0, child.stderr
    assert "Traceback" not in child.stderr
    first = child.stdout.splitlines()[0]
    assert first.startswith("demo.mp4: 117 frames (13.2 s)")
    assert "walk" in child.stdout
    assert sorted(path.name for path in out.iterdir()) == ["out.csv", "out.json", "out.jsonl", "out.mp4"]
    for name in ("out.csv", "out.json", "out.jsonl", "out.mp4"):
        assert str(out / name) in child.stdout.replace("\n", "")


def test_events_are_the_promised_objects(labelled: tuple[Path, Any]) -> None:
    events = read_events(labelled[0] / "out.jsonl")
    assert len(events) > 30
    for event in events:
        assert list(event) == ["time_s", "frame", "track", "box", "label", "probability", "top"]
        x1, y1, x2, y2 = event["box"]
        assert x1 < x2
        assert y1 < y2
        assert event["label"] in (None, event["top"][0][0])
        probabilities = [probability for _, probability in event["top"]]
        assert probabilities == sorted(probabilities, reverse=True)
        assert event["probability"] == probabilities[0] <= 1
    times = [event["time_s"] for event in events]
    assert times == sorted(times)


def test_the_pedestrians_mostly_walk(labelled: tuple[Path, Any]) -> None:
    labels = Counter(
        event["label"] for event in read_events(labelled[0] / "out.jsonl") if event["label"] and event["time_s"] < CUT_S
    )
    assert labels["walk"] > 0.5 * labels.total() > 5, labels


def test_nobody_crosses_the_cut_and_the_boxer_is_one_person(labelled: tuple[Path, Any]) -> None:
    events = read_events(labelled[0] / "out.jsonl")
    before = {event["track"] for event in events if event["time_s"] < CUT_S}
    after = {event["track"] for event in events if event["time_s"] > CUT_S + 0.5}
    assert len(after) == 1
    assert not before & after
    assert 3 <= len(before) <= 12


def test_the_video_shows_each_frame_at_its_time_with_people_drawn(labelled: tuple[Path, Any], demo_clip: Path) -> None:
    times, pictures = read_video(labelled[0] / "out.mp4")
    source_times, source = read_video(demo_clip)
    assert pictures[0].shape == source[0].shape == (480, 640, 3)
    assert abs(times[-1] - source_times[-1]) < 0.05
    drawn = []
    for time_s in (2.0, 5.0, 11.5, 13.0):
        picture = pictures[int(np.argmin(np.abs(np.array(times) - time_s)))].astype(int)
        original = source[int(np.argmin(np.abs(np.array(source_times) - time_s)))].astype(int)
        difference = np.abs(picture - original).max(axis=2)
        assert np.median(difference) < 12, "most of the picture is the source's at that time"
        drawn.append((difference > 80).mean())
    assert min(drawn) > 0.002, "skeletons and tags"


def test_segments_and_stats_agree_with_the_events(labelled: tuple[Path, Any]) -> None:
    out, _ = labelled
    events = read_events(out / "out.jsonl")
    with (out / "out.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows
    known = {(event["track"], event["label"]) for event in events if event["label"]}
    assert {(int(row["track"]), row["label"]) for row in rows} == known
    assert all(0 <= float(row["start_s"]) <= float(row["end_s"]) <= 13.3 for row in rows)
    stats = json.loads((out / "out.json").read_text())
    assert stats["frames"] == 117
    assert stats["dropped"] == 0
    assert stats["stages"]["pose"]["p50_ms"] > 0
    assert stats["age_ms"]["p95"] >= stats["age_ms"]["p50"] > 0
    assert stats["output_drops"] == {"video out.mp4": 0}


def started(root: Path, events: Path, *words: str | Path, stdout: int = subprocess.PIPE) -> subprocess.Popen[str]:
    """A run that has written its first event and has most of its clip before it."""
    child = subprocess.Popen(
        command("--policy", "paced", "--events", events, *words),
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        cwd=root,
    )
    deadline = time.monotonic() + 120
    while not (events.exists() and events.stat().st_size) and time.monotonic() < deadline and child.poll() is None:
        time.sleep(0.02)
    return child


def test_ctrl_c_leaves_whole_files_and_says_so(root: Path, demo_clip: Path, tmp_path: Path) -> None:
    events, video = tmp_path / "out.jsonl", tmp_path / "out.mp4"
    child = started(root, events, "--video", demo_clip, "--save", video)
    child.send_signal(signal.SIGINT)
    said, errors = child.communicate(timeout=60)
    assert child.returncode == 130, errors
    assert "Traceback" not in errors
    assert "written" in said
    assert read_events(events)
    times, _ = read_video(video)
    assert 0 < times[-1] < 13.2, "a whole file of the part that was seen"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.jsonl", "out.mp4"]


def test_ctrl_c_while_libraries_load_ends_without_a_word(root: Path, demo_clip: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-v", *command("--video", demo_clip)[1:]],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=root,
    )
    assert child.stderr is not None
    next(line for line in child.stderr if line.startswith("import 'argparse'"))
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "Traceback" not in errors


def test_sigterm_closes_the_files_too(root: Path, demo_clip: Path, tmp_path: Path) -> None:
    segments = tmp_path / "out.csv"
    child = started(root, tmp_path / "out.jsonl", "--video", demo_clip, "--segments", segments)
    child.terminate()
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 143, errors
    assert segments.read_text().startswith("start_s,end_s,track,label,mean_probability\n")


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no terminals that are closed")
def test_a_terminal_that_is_closed_leaves_whole_files(root: Path, demo_clip: Path, tmp_path: Path) -> None:
    segments, video, stats = tmp_path / "out.csv", tmp_path / "out.mp4", tmp_path / "out.json"
    files = ("--segments", segments, "--save", video, "--stats", stats)
    terminal, inside = os.openpty()
    child = started(root, tmp_path / "out.jsonl", "--video", demo_clip, *files, stdout=inside)
    os.close(inside)
    os.close(terminal)
    for _ in range(2):  # once from the system, once from the shell
        child.send_signal(signal.SIGHUP)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 129, errors
    assert "Traceback" not in errors
    assert segments.read_text().startswith("start_s,end_s,track,label,mean_probability\n")
    assert len(read_video(video)[0]) > 1
    assert json.loads(stats.read_text())["frames"] > 0


def test_a_video_that_breaks_off_keeps_what_was_labelled(root: Path, demo_clip: Path, tmp_path: Path) -> None:
    broken, events, video = tmp_path / "broken.mp4", tmp_path / "out.jsonl", tmp_path / "out.mp4"
    broken.write_bytes(demo_clip.read_bytes()[:200_000])
    child = run(root, "--video", broken, "--events", events, "--save", video)
    assert child.returncode == 2
    assert child.stderr.strip().splitlines()[-1].startswith("broken.mp4 is cut off")
    assert child.stderr.count("cut off") == 1
    assert len({event["track"] for event in read_events(events)}) >= 2
    assert len(read_video(video)[0]) > 10


@pytest.mark.parametrize("content", [b"", b"this is no video\n" * 50, os.urandom(5000)])
def test_files_that_are_no_videos_are_refused(root: Path, tmp_path: Path, content: bytes) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(content)
    child = run(root, "--video", bad, "--save", tmp_path / "out.mp4")
    assert child.returncode == 2
    assert len(child.stderr.strip().splitlines()) == 1, child.stderr
    assert "bad.mp4" in child.stderr
    assert not (tmp_path / "out.mp4").exists()


def test_several_sources_run_side_by_side_and_one_may_fail(root: Path, pictures: Path, tmp_path: Path) -> None:
    sources = ("--images", pictures, "--video", tmp_path / "absent.mp4", "--images", pictures)
    child = run(root, *sources, "--events", tmp_path / "out.jsonl")
    assert child.returncode == 2
    assert child.stderr.strip().splitlines()[-1] == f"there is no file {tmp_path / 'absent.mp4'}"
    first, third = read_events(tmp_path / "out-1.jsonl"), read_events(tmp_path / "out-3.jsonl")
    assert first == third
    assert not (tmp_path / "out-2.jsonl").exists()
    assert child.stdout.count("pictures: 12 frames") == 2


def test_pictures_are_played_at_the_rate_that_is_named(root: Path, pictures: Path, tmp_path: Path) -> None:
    for rate, seconds in (((), "0.4 s"), (("--images-fps", "5"), "2.2 s")):
        child = run(root, "--images", pictures, *rate, "--events", tmp_path / "out.jsonl")
        assert child.stdout.startswith(f"pictures: 12 frames ({seconds})"), child.stderr
    last = read_events(tmp_path / "out.jsonl")[-1]
    assert (last["time_s"], last["frame"]) == (2.2, 11)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_an_output_that_fails_does_not_stop_the_others(root: Path, demo_clip: Path, tmp_path: Path) -> None:
    segments = tmp_path / "out.csv"
    child = run(root, "--video", demo_clip, "--events", "/dev/full", "--segments", segments)
    assert child.returncode == 1
    assert "/dev/full cannot be written any more" in child.stderr
    assert "Traceback" not in child.stderr
    summary = child.stdout.splitlines()
    assert "117 frames" in summary[0]
    assert "events full has failed: /dev/full cannot be written any more" in summary[-1], "said again at the end"
    assert len(segments.read_text().splitlines()) > 3


def test_older_files_beside_outputs_that_fail_are_not_called_written(
    root: Path, pictures: Path, tmp_path: Path, full_disk: tuple[str, ...]
) -> None:
    video, stats = tmp_path / "out.mp4", tmp_path / "out.json"
    for old in (video, stats):
        old.write_text("of an earlier run")
        os.utime(old, (0, time.time() - 60))
    words = (*full_disk, *command("--images", pictures, "--save", video, "--stats", stats))
    child = subprocess.run(words, capture_output=True, text=True, cwd=root)
    assert child.returncode == 1
    assert "Traceback" not in child.stderr
    for path in (video, stats):
        assert f"{path} cannot be written" in child.stderr
        assert path.read_text() == "of an earlier run"
    assert "pictures: 12 frames" in child.stdout
    assert not any(line.startswith("written") for line in child.stdout.splitlines())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.json", "out.mp4"]


def test_names_outside_the_code_page_of_the_console_are_shown_with_escapes(
    root: Path, pictures: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "видео [1]"
    folder.symlink_to(pictures)
    child = subprocess.run(
        command("--images", folder, "--events", tmp_path / "я.jsonl"), capture_output=True, cwd=root,
        env={**os.environ, "PYTHONIOENCODING": "cp1252:strict"},
    )  # fmt: skip
    assert child.returncode == 0, child.stderr
    assert rb"\u044f.jsonl" in child.stdout
    assert read_events(tmp_path / "я.jsonl")
