"""Do the recordings of a data set run at the pace of life? How long its people take for a step, and to sit down.

    python -m benchmarks.pace --data ../shared/data [--json OUT] [--markdown OUT]

For each data set of the recipe that has people who walk or sit down: median and quartiles over its clips, and the frame
rate at which its median would be the middle one of the other sets. Times are those of the file's own clock; nothing
here has bounds in seconds, so a clock that runs at twice the speed gives half the times.

A step is the period of the distance between the ankles, which is widest once a step; short recordings, guessed feet and
people who turn often show none. A sitting down is the time in which hips and shoulders sink from nine tenths of their
way to the last tenth: 0.8 of a movement at one speed, 0.59 of one that starts and ends smoothly; at ten frames a second
the mean of three frames makes it up to a tenth longer. In video (2-D) both depend on where the camera stands and
whether it moves. What people were told to do, and how high the chair was, is in these times as much as the clock, so
only a set that is far from all the others says something about its own.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.shared.report import exit_code, outputs
from core.skeleton import ANKLES, HIPS, SHOULDERS
from training.data.clips import Clip
from training.data.datasets import load_dataset
from training.data.vocabulary import ALIASES, LABELS
from training.recipe import MOCAP_FILE, SHIPPED, files_of_recipe, mocap_source, require_merge

PERIODIC = 0.2
"""Least autocorrelation at the period; below it nobody is seen to step."""
TRAVEL = 0.2
"""Least way down of somebody who sits down, in lengths of the trunk."""
FEW = 5
"""Sets with fewer clips that could be measured are listed, but nobody is compared with them."""


@dataclass
class Pace:
    """How long something takes in one data set.

    Attributes:
        data: the data set.
        fps: frames a second by its file's clock.
        dimensions: of its joints, 2 or 3.
        clips: that show it.
        measured: those of them in which its time was found.
        quartiles_s: lower quartile, median, upper quartile in seconds; None without a measured clip.
        fps_as_others: frames a second at which the median would be that of the other sets' medians; None where there
            is nothing to compare.
    """

    data: str
    fps: float
    dimensions: int
    clips: int
    measured: int
    quartiles_s: tuple[float, float, float] | None
    fps_as_others: float | None = None


def step_s(clip: Clip) -> float | None:
    """Seconds of a step of whoever moves furthest; None where no period is seen."""
    keypoints, scores = person(clip, range(clip.keypoints.shape[-1]))
    apart = np.linalg.norm(keypoints[:, ANKLES[0]] - keypoints[:, ANKLES[1]], axis=-1)
    distance, frame_s = evenly(apart, scores[:, ANKLES].min(1) > 0, clip.times_s)
    frames = period(distance)
    return None if frames is None else frames * frame_s


def sitting_s(clip: Clip) -> float | None:
    """Seconds in which hips and shoulders of whoever moves furthest up or down sink from nine tenths of their way to
    one; None where they do not."""
    keypoints, scores = person(clip, [1])
    seen = scores[:, SHOULDERS + HIPS].min(1) > 0
    up = 1 if clip.is_3d else -1  # pixels count downwards
    height, frame_s = evenly(up * keypoints[:, SHOULDERS + HIPS, 1].mean(1), seen, clip.times_s)
    if len(height) < 3:
        return None
    trunk = np.linalg.norm(keypoints[:, SHOULDERS].mean(1) - keypoints[:, HIPS].mean(1), axis=-1)
    height = np.convolve(np.pad(height, 1, "edge"), np.full(3, 1 / 3), "valid")  # joints tremble
    bottom, top = np.percentile(height, (5, 95))
    way = top - bottom
    if way <= TRAVEL * np.median(trunk[seen]):
        return None
    low = np.flatnonzero(height < bottom + 0.1 * way)
    high = np.flatnonzero(height[: low[0]] > top - 0.1 * way)
    if not len(high):
        return None  # who is never seen standing before
    begun = crossing(height, high[-1] + 1, top - 0.1 * way)
    return (crossing(height, low[0], bottom + 0.1 * way) - begun) * frame_s


def person(clip: Clip, axes: Sequence[int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(T, 17, C) keypoints and (T, 17) scores of the person whose hips move furthest along some axes."""

    def way(keypoints: NDArray[np.float32], scores: NDArray[np.float32]) -> float:
        hips = keypoints[scores[:, HIPS].min(1) > 0][:, HIPS].mean(1)
        return float(np.linalg.norm(np.ptp(hips[:, axes], axis=0))) if len(hips) else 0.0

    return max(zip(clip.keypoints, clip.scores, strict=True), key=lambda one: way(*one))


def evenly(
    values: NDArray[np.floating], seen: NDArray[np.bool_], times_s: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """(T,) values at the clip's usual distance in time, what was not seen filled in, and that distance in seconds."""
    frame_s = usual_frame_s(times_s)
    if not seen.any():
        return np.zeros(0), frame_s
    grid = np.arange(times_s[0], times_s[-1] + frame_s / 2, frame_s)
    return np.interp(grid, times_s[seen], values[seen]), frame_s


def usual_frame_s(times_s: NDArray[np.float64]) -> float:
    """Seconds from frame to frame; 1 for a single frame, which has no pace."""
    return float(np.median(np.diff(times_s))) if len(times_s) > 1 else 1.0


def period(values: NDArray[np.float64]) -> float | None:
    """Frames, in parts too, after which (T,) values come again; None where it is not clear that they do.

    Their autocorrelation falls below zero and rises above it again within half of the values; the period is where this
    first hill is highest. A later hill may be higher, but is that of a slower movement: somebody who turns.
    """
    values = values - values.mean() if len(values) else values
    count = len(values)
    if count < 6 or not values.any():
        return None
    overlap = np.arange(count, 0, -1)  # without it hills lean towards small shifts
    alike = np.correlate(values, values, "full")[count - 1 :] / overlap
    alike = alike[: count // 2 + 2] / alike[0]
    turns = np.flatnonzero(np.diff(alike < 0)) + 1  # it falls below zero, rises above it, falls below it, ..
    if len(turns) < 2:
        return None
    end = turns[2] if len(turns) > 2 else len(alike)
    top = turns[1] + int(np.argmax(alike[turns[1] : end]))
    if top == len(alike) - 1 or alike[top] < PERIODIC:
        return None
    before, here, after = alike[top - 1 : top + 2]
    return float(top + (before - after) / (2 * (before - 2 * here + after)))


def crossing(values: NDArray[np.float64], after: int, level: float) -> float:
    """Where, in frames, values that fall pass a level: between ``after`` - 1 and ``after``."""
    above, below = values[after - 1], values[after]
    return float(after - 1 + (above - level) / (above - below))


def clips_that(word: str, folder: Path) -> Iterator[tuple[str, list[Clip]]]:
    """For each data set of the recipe its clips of a class that is this word of the model and no other.

    Clips of which two files hold the skeletons of two detectors are taken from the first.
    """
    wanted = (LABELS.index(word),)
    had: set[str] = set()
    for part in SHIPPED:
        name = ALIASES.get(part.file, part.file)
        if name not in had:
            had.add(name)
            data = load_dataset(folder / f"{part.file}.pkl")
            merge = require_merge(data)
            yield name, [clip for clip in data.clips if merge[clip.label] == wanted]
    source = mocap_source(folder / MOCAP_FILE)
    yield source.name, [clip for clip in source.clips if source.merge[clip.label] == wanted]


def paces(sets: Iterable[tuple[str, list[Clip]]], time_s: Callable[[Clip], float | None]) -> list[Pace]:
    """The pace of each data set that has clips, and how they compare."""
    rows = []
    for name, clips in sets:
        if not clips:
            continue
        times = [time for time in map(time_s, clips) if time is not None]
        fps = 1 / statistics.median(usual_frame_s(clip.times_s) for clip in clips)
        low, middle, high = np.percentile(times, (25, 50, 75)).tolist() if times else (0.0, 0.0, 0.0)
        quartiles = (low, middle, high) if times else None
        rows.append(Pace(name, fps, clips[0].keypoints.shape[-1], len(clips), len(times), quartiles))
    for row in rows:
        others = [o.quartiles_s[1] for o in rows if o is not row and o.quartiles_s and o.measured >= FEW]
        if row.quartiles_s and row.measured >= FEW and others:
            row.fps_as_others = row.fps * row.quartiles_s[1] / statistics.median(others)
    return rows


def markdown(tables: dict[str, list[Pace]], data: Path) -> Iterator[str]:
    """The report, line by line."""
    yield f"`python -m benchmarks.pace --data {data.as_posix()}`: seconds by each file's own clock. *As the others* is"
    yield "the frame rate at which the set's median would be the median of the other sets' medians; sets of which fewer"
    yield f"than {FEW} clips could be measured are left out of that."
    for title, rows in tables.items():
        yield from ("", f"**{title.capitalize()}**", "")
        yield "| data set | joints | clips | lower quartile | median | upper quartile | frames/s | as the others |"
        yield "|---|---|---|---|---|---|---|---|"
        for row in rows:
            times = " | ".join(f"{t:.2f} s" for t in row.quartiles_s) if row.quartiles_s else "- | - | -"
            rate = "-" if row.fps_as_others is None else f"{row.fps_as_others:.1f}"
            clips = f"{row.measured} of {row.clips}"
            yield f"| {row.data} | {row.dimensions}-D | {clips} | {times} | {row.fps:.1f} | {rate} |"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="with the data sets of the recipe")
    parser.add_argument("--json", type=Path, metavar="OUT")
    parser.add_argument("--markdown", type=Path, metavar="OUT")
    args = parser.parse_args(argv)
    return exit_code(lambda: measure(args.data, args.json, args.markdown))


def measure(folder: Path, json_path: Path | None, markdown_path: Path | None) -> None:
    """Print the tables, and write them where ``--markdown`` and ``--json`` ask.

    Raises:
        UserError: a data set or a place for the figures cannot be used.
    """
    out, tables_out = outputs({"--json": json_path, "--markdown": markdown_path}, *files_of_recipe(folder))
    tables = {
        "step": paces(clips_that("walk", folder), step_s),
        "sitting down": paces(clips_that("sit down", folder), sitting_s),
    }
    text = "\n".join(markdown(tables, folder))
    print(text)
    tables_out.write_text(text + "\n")
    out.write_json({title: [asdict(row) for row in rows] for title, rows in tables.items()})


if __name__ == "__main__":
    sys.exit(main())
