"""The pipeline against the loop that one would write first, on the same video, with the same models, in one run.

    python -m benchmarks.pipeline [--video CLIP ...] [--rounds N] [--json OUT]

The obvious loop: one thread; a full pose pass over every frame; then, for everybody in it, the whole network (spatial
and temporal half) over the whole window. The pipeline is measured twice: with the same full pose pass, which shows that
its labels are the same, and as it is shipped. Rounds alternate between the contestants, so that whatever else the
machine does hits all of them.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

if not __package__:  # as a file its own folder comes first, where this module would pass for the package
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import numpy as np
from numpy.typing import NDArray

from benchmarks.shared.report import Output, exit_code, positive
from core.preprocess import window_features
from core.similarity import iou
from pipeline import ActionModel, Person, Pipeline, Tracker, open_source
from pipeline.pose import create_pose
from pipeline.recognition.grid import Windows
from pipeline.recognition.recogniser import TOP, RecogniserConfig

ROOT = Path(__file__).resolve().parent.parent
SAME_PERSON_IOU = 0.5


@dataclass
class Run:
    """What one pass over a video gave.

    Attributes:
        frames: frames processed.
        seconds: for all of them, models loaded before.
        cpu_s: CPU time of the whole process meanwhile, all threads; hardly disturbed by what else the machine does.
        boxes: frame -> track -> (4,) box.
        labels: frame -> track -> label, wherever there was a decision.
        top: frame -> track -> the best words with their probabilities, likewise.
    """

    frames: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0
    boxes: dict[int, dict[int, NDArray[np.float32]]] = field(default_factory=dict)
    labels: dict[int, dict[int, str | None]] = field(default_factory=dict)
    top: dict[int, dict[int, tuple[tuple[str, float], ...]]] = field(default_factory=dict)

    @property
    def fps(self) -> float:
        return self.frames / self.seconds

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds a frame."""
        return 1e3 * self.cpu_s / self.frames

    @contextmanager
    def timed(self) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.seconds, self.cpu_s = time.perf_counter() - wall, time.process_time() - cpu

    def see(self, frame: int, people: tuple[Person, ...]) -> None:
        self.frames += 1
        self.boxes[frame] = {p.track: p.pose.box for p in people}


class NewestFrames:
    """The newest frames of everybody at the model's rate, for whoever runs the whole network on whole windows.

    Args:
        frames: how many; rows of zeros stand before the first one of a short history.
    """

    def __init__(self, frames: int) -> None:
        self.windows = Windows(frames)
        self._kept: dict[int, tuple[NDArray[np.float32], NDArray[np.float32]]] = {}

    def update(self, people: tuple[Person, ...], time_s: float) -> None:
        frames = self.windows.frames
        for track, new in self.windows.update(people, time_s).items():
            xy, s = self._kept.get(track, (np.zeros((frames, 17, 2), np.float32), np.zeros((frames, 17), np.float32)))
            xy, s = np.concatenate([xy, new.keypoints]), np.concatenate([s, new.scores])
            self._kept[track] = xy[-frames:], s[-frames:]

    def features(self, track: int) -> NDArray[np.float32]:
        """(T, 17, 5) of one person."""
        return window_features(*self._kept[track])


def obvious_loop(video: Path, model: ActionModel, long_side: int) -> Run:
    """One thread, no state but the skeletons."""
    run, pose, tracker = Run(), create_pose("movenet-multipose", long_side=long_side), Tracker()
    newest = NewestFrames(model.frames + 1)  # one more for the first velocity
    first_s = RecogniserConfig().first_s
    with open_source(video) as source:
        frames = list(source)  # decoding costs the loop nothing
    with run.timed():
        for frame in frames:
            people = tracker.update(pose.estimate(frame), frame.time_s)
            newest.update(people, frame.time_s)
            windows = newest.windows
            run.see(frame.index, people)
            said = {
                person.track: whole_network(model, newest.features(person.track)[1:])
                for person in people
                if windows[person.track].newest is not None and windows[person.track].seen_s >= first_s - 1e-3
            }
            run.labels[frame.index] = {track: label for track, (label, _) in said.items()}
            run.top[frame.index] = {track: top for track, (_, top) in said.items()}
    pose.close()
    return run


def whole_network(
    model: ActionModel, features: NDArray[np.float32]
) -> tuple[str | None, tuple[tuple[str, float], ...]]:
    """What a window (T, 17, 5) shows, None where the model does not know, and the best words."""
    mask = np.any(features[..., -1] > 0, axis=1)
    if not mask.any():
        return None, ()
    tokens = model.tokens(features)
    probabilities, known = model.calibration.decide(*model.logits(tokens[None], mask[None]))
    best = np.argsort(-probabilities[0], kind="stable")[:TOP]
    top = tuple((model.labels[i], float(probabilities[0][i])) for i in best)
    return top[0][0] if known[0] else None, top


def pipeline(
    video: Path, model: ActionModel, pose: str, options: dict[str, Any], threshold: float | None = None
) -> Run:
    """The pipeline, decoding included; labels at least as probable as ``threshold``, or as the calibration asks."""
    run = Run()
    with Pipeline(video, model=model, pose=pose, pose_options=options, threshold=threshold) as results, run.timed():
        for result in results:
            index = result.frame.index
            run.see(index, result.people)
            run.labels[index] = {track: result.actions[track].label for track in result.decided}
            run.top[index] = {track: result.actions[track].top for track in result.decided}
    return run


def agreement(run: Run, reference: Run) -> tuple[int, float | None]:
    """How many of a run's decisions have a counterpart (same person, same frame), and the share of equal ones."""
    same = compared = 0
    for frame, labels in run.labels.items():
        others = {t: b for t, b in reference.boxes.get(frame, {}).items() if t in reference.labels[frame]}
        for track, label in labels.items():
            if track not in run.boxes[frame] or not others:
                continue
            overlap = iou(run.boxes[frame][track][None], np.stack(list(others.values())))[0]
            if overlap.max() < SAME_PERSON_IOU:
                continue
            compared += 1
            same += label == reference.labels[frame][list(others)[int(overlap.argmax())]]
    return compared, round(same / compared, 4) if compared else None


def measure(video: Path, model: ActionModel, long_side: int, rounds: int) -> dict[str, Any]:
    """All contestants on one video."""
    contestants: dict[str, Callable[[], Run]] = {
        "obvious loop": lambda: obvious_loop(video, model, long_side),
        "pipeline, same poses": lambda: pipeline(video, model, "movenet-multipose", {"long_side": long_side}),
        "pipeline": lambda: pipeline(video, model, "movenet", {}),
    }
    runs: dict[str, list[Run]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, go in contestants.items():
            runs[name].append(go())
    reference = runs["obvious loop"][0]
    loop_fps = statistics.median(run.fps for run in runs["obvious loop"])
    loop_cpu = statistics.median(run.cpu_ms for run in runs["obvious loop"])
    rows = {}
    for name, several in runs.items():
        fps = statistics.median(run.fps for run in several)
        cpu_ms = statistics.median(run.cpu_ms for run in several)
        compared, share = agreement(several[0], reference)
        rows[name] = {
            "fps": round(fps, 2),
            "times_faster": round(fps / loop_fps, 2),
            "cpu_ms": round(cpu_ms, 2),
            "times_less_cpu": round(loop_cpu / cpu_ms, 2),
            "decisions": sum(len(labels) for labels in several[0].labels.values()),
            "compared": compared,
            "equal_labels": share,
        }
    people = [len(boxes) for boxes in reference.boxes.values()]
    return {"video": video.name, "frames": reference.frames, "people": round(float(np.mean(people)), 2), "rows": rows}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipeline", description=__doc__)
    parser.add_argument("--video", type=Path, action="append", help="may be repeated (default: the bundled clip)")
    parser.add_argument("--long-side", type=int, default=384, help="input of the full pose pass (default %(default)s)")
    parser.add_argument("--rounds", type=positive, default=3, help="passes over each video (default %(default)s)")
    parser.add_argument("--model", help="action model (default: the shipped one)")
    parser.add_argument("--json", type=Path, metavar="OUT")
    args = parser.parse_args(argv)
    return exit_code(lambda: compare(args))


def compare(args: argparse.Namespace) -> None:
    """Print a table for each video, and write them where ``--json`` asks.

    Raises:
        UserError, EngineError, CalibrationError: a video, a model or the file for the figures cannot be used.
    """
    videos = args.video or [ROOT / "assets" / "demo.mp4"]
    out = Output(args.json, *videos)
    model = ActionModel.load(args.model, "onnx-cpu")
    tables = [measure(video, model, args.long_side, args.rounds) for video in videos]
    for table in tables:
        print(f"\n{table['video']}: {table['frames']} frames, {table['people']} people on average")
        print(f"{'':22}{'frames/s':>10}{'faster':>9}{'CPU ms':>9}{'less':>8}{'decisions':>11}{'equal labels':>16}")
        for name, row in table["rows"].items():
            equal = "-" if row["equal_labels"] is None else f"{row['equal_labels']:.1%} of {row['compared']}"
            times = f"{row['fps']:10.1f}{row['times_faster']:8.2f}x{row['cpu_ms']:9.1f}{row['times_less_cpu']:7.2f}x"
            print(f"{name:22}{times}{row['decisions']:11}{equal:>16}")
    out.write_json(tables)


if __name__ == "__main__":
    sys.exit(main())
