"""Does the pipeline's memory stay flat? A camera that never ends, people who come, stay and go.

    python -m benchmarks.memory [--frames 20000] [--video CLIP] [--json OUT]

The frames of a clip are shown over and over, with time going on, through real poses and the real model. Resident memory
is read every 100 frames; growth is the median of the last tenth over that of the tenth that follows the first tenth (in
which the networks take their working memory); with fewer than three readings there is no telling. Ctrl-C ends the
run early and reports the frames until then.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

if not __package__:  # as a file its own folder comes first, where a module passes for the package pipeline
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from benchmarks.shared.report import Output, exit_code, positive
from pipeline import Frame, Pipeline, open_source
from pipeline.sources import FrameSource

ROOT = Path(__file__).resolve().parent.parent
EVERY = 100


class Endless(FrameSource):
    """A source that repeats a clip.

    Args:
        video: the clip.
        frames: how many frames to give.
        fps: of the time stamps.
    """

    def __init__(self, video: Path, frames: int, fps: float = 30.0) -> None:
        self.name, self.fps, self.frame_count = f"{video.name}, repeated", fps, frames
        self._times_s = [index / fps for index in range(frames)]
        self._closed = False
        with open_source(video) as source:
            self._images = [frame.image for frame in source]

    def __iter__(self) -> Iterator[Frame]:
        for index, time_s in enumerate(self._times_s):
            if self._closed:
                return
            yield Frame(index, time_s, self._images[index % len(self._images)].copy())

    def close(self) -> None:
        self._closed = True


def resident_mb() -> float:
    """This process's resident memory in 10^6 bytes (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def growth(readings: list[float]) -> dict[str, Any]:
    """Where memory came from and went to, and by how much; None where there are too few readings to tell."""
    if len(readings) < 3:
        return {"resident_mb": None, "growth": None}
    tenth = max(1, len(readings) // 10)
    first, last = statistics.median(readings[tenth : 2 * tenth]), statistics.median(readings[-tenth:])
    return {"resident_mb": [round(first, 1), round(last, 1)], "growth": round(last / first - 1, 4)}


def verdict(figures: dict[str, Any], readings: int) -> str:
    """The growth in words."""
    if figures["growth"] is None:
        return f"too few frames to tell whether memory grows, {2 * EVERY + 1} are needed"
    first, last = figures["resident_mb"]
    after = max(1, readings // 10) * EVERY
    return f"{first:.1f} MB after {after} frames, {last:.1f} MB at the end, growth {figures['growth']:+.2%}"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--frames", type=positive, default=20_000)
    parser.add_argument("--video", type=Path, default=ROOT / "assets" / "demo.mp4")
    parser.add_argument("--pose", default="movenet")
    parser.add_argument("--json", type=Path, metavar="OUT")
    args = parser.parse_args(argv)
    return exit_code(lambda: measure(args.video, args.frames, args.pose, Output(args.json, args.video)))


def measure(video: Path, most: int, pose: str, out: Output) -> None:
    """Print the figures of a run of at most so many frames, and write them.

    Raises:
        UserError, EngineError, CalibrationError: the clip or a model cannot be used.
    """
    readings: list[float] = []
    tracks: set[int] = set()
    decisions = frames = seen = 0
    started = time.perf_counter()
    try:
        with Pipeline(Endless(video, most), pose=pose) as results:
            for result in results:
                frames += 1
                tracks.update(person.track for person in result.people)
                seen += len(result.people)
                decisions += len(result.decided)
                if result.frame.index % EVERY == 0:
                    readings.append(resident_mb())
    except KeyboardInterrupt:
        pass
    figures = {
        "frames": frames,
        "people": round(seen / max(frames, 1), 2),
        "seconds": round(time.perf_counter() - started, 1),
        "tracks": len(tracks),
        "decisions": decisions,
        **growth(readings),
    }
    print(
        f"{frames} frames, {len(tracks)} tracks, {decisions} decisions in {figures['seconds']} s: "
        f"{verdict(figures, len(readings))}"
    )
    out.write_json({**figures, "readings_mb": readings})


if __name__ == "__main__":
    sys.exit(main())
