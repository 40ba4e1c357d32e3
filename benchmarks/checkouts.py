"""Do two checkouts give the same labels, and is one of them slower?

    python -m benchmarks.checkouts OTHER [--videos PATH...] [--rounds N] [--json OUT]

Run ``python -m app --video X --headless --events`` in this checkout and in another one, on the shipped clip and on
further videos, and compare what they write decision by decision. Both run with this Python, each in its own folder.

Decisions of one frame are paired by their boxes, best overlap first, so that a changed track id is counted as a changed
id and not as a person lost and another one found. *Same lines* are equal in every field, box and time included.
Probabilities are compared over the classes that both list, at the four decimals of the events.

Speed is that of ``python -m app bench`` on the shipped clip. The checkouts take turns, so that what else the machine
does falls on both alike; each ratio is this checkout's time to the other's, the median over the rounds. Wall time is
that of the whole process, ``cpu`` rows are processor time.

Exit code 0 when all decisions agree, 1 when some differ.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.shared.report import Output, exit_code
from core.command_line import whole
from core.errors import UserError
from core.similarity import iou
from pipeline.sources.recordings.video import VIDEO_SUFFIXES

HERE = Path(__file__).resolve().parent.parent
CLIP = HERE / "assets" / "demo.mp4"

SAME_PERSON = 0.5
"""Least overlap of the boxes of one person in both checkouts."""

Decision = dict[str, Any]
"""A line of the events."""


@dataclass(frozen=True)
class Comparison:
    """How the decisions of two checkouts on one video compare.

    Attributes:
        video: its name.
        here, there: decisions of this checkout and of the other one.
        pairs: decisions that both made about one person in one frame.
        same_label, same_id, same_line: pairs that agree.
        probability: largest difference of a class's probability within a pair.
        same_exit: both runs ended with the same exit code.
    """

    video: str
    here: int
    there: int
    pairs: int
    same_label: int
    same_id: int
    same_line: int
    probability: float
    same_exit: bool = True

    @property
    def equal(self) -> bool:
        """Whether nothing differs at all."""
        return self.same_exit and self.here == self.there == self.same_line


def compare(video: str, here: Sequence[Decision], there: Sequence[Decision], same_exit: bool = True) -> Comparison:
    """Compare the decisions of two checkouts on one video."""
    pairs = list(paired(here, there))
    return Comparison(
        video,
        len(here),
        len(there),
        len(pairs),
        sum(a["label"] == b["label"] for a, b in pairs),
        sum(a["track"] == b["track"] for a, b in pairs),
        sum(a == b for a, b in pairs),
        max((apart(dict(a["top"]), dict(b["top"])) for a, b in pairs), default=0.0),
        same_exit,
    )


def paired(here: Sequence[Decision], there: Sequence[Decision]) -> Iterator[tuple[Decision, Decision]]:
    """Pair the decisions of each frame by the overlap of their boxes; of equal overlaps, those of one id come first."""
    frames: dict[int, list[Decision]] = defaultdict(list)
    for decision in there:
        frames[decision["frame"]].append(decision)
    by_frame: dict[int, list[Decision]] = defaultdict(list)
    for decision in here:
        by_frame[decision["frame"]].append(decision)
    for frame, ours in by_frame.items():
        theirs = frames[frame]
        overlap = iou(np.array([a["box"] for a in ours]), np.array([b["box"] for b in theirs]))
        order = sorted(
            ((overlap[i, j], a["track"] == b["track"], i, j) for i, a in enumerate(ours) for j, b in enumerate(theirs)),
            reverse=True,
        )
        left_i, left_j = set(range(len(ours))), set(range(len(theirs)))
        for share, _, i, j in order:
            if share >= SAME_PERSON and i in left_i and j in left_j:
                left_i.remove(i)
                left_j.remove(j)
                yield ours[i], theirs[j]


def apart(a: dict[str, float], b: dict[str, float]) -> float:
    """Largest difference of the probability of a class that both list; 1 if there is none."""
    return max((abs(a[label] - b[label]) for label in a.keys() & b.keys()), default=1.0)


def decisions(checkout: Path, video: Path) -> tuple[list[Decision], int]:
    """What a checkout writes about a video, and the exit code of its run.

    Raises:
        UserError: the run ended with an error before any decision, or its lines are not the events of today.
    """
    with TemporaryDirectory() as folder:
        events = Path(folder) / "events.jsonl"
        code, said = app(checkout, "--video", str(video), "--headless", "--events", str(events))
        lines = events.read_text(encoding="utf-8").splitlines() if events.is_file() else []
    if code and not lines:
        raise UserError(f"python -m app in {checkout} ended with code {code} on {video}: {said}")
    try:
        rows = [json.loads(line) for line in lines]
        for row in rows:
            row["frame"], row["track"], row["label"], row["box"], row["top"]
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{checkout} writes other events than this checkout, which cannot be compared") from None
    return rows, code


def times(checkout: Path, video: Path) -> dict[str, float]:
    """Wall time of one bench run in seconds, the median time of each stage in milliseconds, processor time in seconds.

    Raises:
        UserError: the run ended with an error.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "bench.json"
        begun = time.perf_counter()
        code, said = app(checkout, "bench", "--video", str(video), "--json", str(path))
        wall_s = time.perf_counter() - begun
        if code:
            raise UserError(f"python -m app bench in {checkout} ended with code {code} on {video}: {said}")
        measured = json.loads(path.read_text(encoding="utf-8"))
    stages = {name: stage["p50_ms"] for name, stage in measured["stages"].items()}
    return {"wall": wall_s, **stages, **{f"cpu {name}": seconds for name, seconds in measured["cpu_s"].items()}}


def ratios(rounds: Sequence[tuple[dict[str, float], dict[str, float]]]) -> dict[str, float]:
    """Median over the rounds of this checkout's time to the other's, for all that both measured each time."""
    common = [name for name in rounds[0][0] if all(here.get(name) and there.get(name) for here, there in rounds)]
    return {name: statistics.median(here[name] / there[name] for here, there in rounds) for name in common}


def app(checkout: Path, *arguments: str) -> tuple[int, str]:
    """Run ``python -m app`` in a checkout; return its exit code and the last line of what it says about errors."""
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    environment.pop("PYTHONSAFEPATH", None)  # it would keep the checkout off the path
    done = subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=checkout,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
    )
    return done.returncode, (done.stderr.strip().splitlines() or ["it says nothing"])[-1]


def videos_in(paths: Sequence[Path]) -> list[Path]:
    """Videos named, and those of folders and their sub-folders, each once and by its absolute path.

    Raises:
        UserError: a path is not there, or a folder holds no video.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if not path.exists():
            raise UserError(f"there is no video or folder {path}")
        inside = [path]
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in VIDEO_SUFFIXES and p.is_file())
        if not inside:
            raise UserError(f"there is no video in {path}")
        found |= {video.resolve(): None for video in inside}
    return list(found)


def table(rows: Sequence[Comparison]) -> Iterator[str]:
    """The comparison of labels as Markdown, line by line, with a last row for all videos."""
    total = Comparison(
        f"all {len(rows)}",
        sum(row.here for row in rows),
        sum(row.there for row in rows),
        sum(row.pairs for row in rows),
        sum(row.same_label for row in rows),
        sum(row.same_id for row in rows),
        sum(row.same_line for row in rows),
        max(row.probability for row in rows),
        all(row.same_exit for row in rows),
    )
    yield "| video | decisions here | there | paired | same label | same id | same line | probability | exit code |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for row in (*rows, total):
        counts = f"{row.here} | {row.there} | {row.pairs} | {row.same_label} | {row.same_id} | {row.same_line}"
        yield f"| {row.video} | {counts} | {row.probability:.4f} | {'same' if row.same_exit else 'differs'} |"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, metavar="OTHER", help="top folder of another checkout")
    parser.add_argument("--videos", type=Path, nargs="+", default=[], metavar="PATH", help="videos or folders of them")
    parser.add_argument("--rounds", type=whole(0), default=5, help="of the bench; 0 for none (default %(default)s)")
    parser.add_argument("--json", type=Path, metavar="OUT")
    args = parser.parse_args(argv)
    rows: list[Comparison] = []
    code = exit_code(lambda: rows.extend(measure(args.other, args.videos, args.rounds, args.json)))
    return code or int(not all(row.equal for row in rows))


def measure(other: Path, videos: Sequence[Path], rounds: int, json_path: Path | None) -> list[Comparison]:
    """Print both tables, and write them where ``--json`` asks.

    Raises:
        UserError: a checkout, a video or the place for the results cannot be used.
    """
    if not (other / "app" / "__main__.py").is_file():
        raise UserError(f"{other} is no checkout, it has no app/__main__.py")
    other = other.resolve()
    wanted = videos_in([CLIP, *videos])
    out = Output(json_path, *wanted)
    rows = []
    for video in wanted:
        (here, here_code), (there, there_code) = decisions(HERE, video), decisions(other, video)
        rows.append(compare(video.name, here, there, here_code == there_code))
    print("\n".join(table(rows)), flush=True)
    paired_times = [(times(HERE, CLIP), times(other, CLIP)) for _ in range(rounds)]
    speed = ratios(paired_times) if rounds else {}
    if speed:
        print(f"\n| {CLIP.name}, median of {rounds} rounds | here / there |\n|---|---|")
        print("\n".join(f"| {name} | {ratio:.3f} |" for name, ratio in speed.items()))
    out.write_json({"videos": [asdict(row) for row in rows], "ratios": speed, "rounds": paired_times})
    return rows


if __name__ == "__main__":
    sys.exit(main())
