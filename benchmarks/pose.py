"""Followed poses against a full multipose pass in every frame: speed and quality on the same clips, in one run.

    python -m benchmarks.pose [CLIP ...] [--judge movenet-thunder.onnx] [--json OUT] [--markdown OUT]
    python -m benchmarks.pose VIDEOS --data FILE.pkl

Quality is agreement with a stronger reference: multipose at several scales and in overlapping parts of the frame, and,
with ``--judge``, the keypoints of a larger one-person network (``models/convert`` makes it) on each person found so.
Object keypoint similarity of the best match is averaged over all reference people; somebody missed counts as 0. Tremble
is the median second difference of the keypoints, in thousandths of the body's extent, over joints that the reference is
sure of. Time is what the thread spent on the processor, so that other work on the machine counts little; the
contestants take turns frame by frame.

With ``--data`` it is shown instead how far what ``training extract`` finds in labelled videos, one folder a class, is
from a data set's keypoints of the same clips: the first person of each, over the joints that both are sure of.
"""

from __future__ import annotations

import argparse
import itertools
import json
import platform
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.shared.report import exit_code, outputs, positive
from core.errors import UserError
from core.similarity import AREA_OF_BOX, COCO_SIGMAS, match_poses, suppress_duplicates
from core.types import Frame, Pose
from pipeline import open_source
from pipeline.pose import PoseEstimator, create_pose
from pipeline.pose.movenet.multipose import MoveNetMultipose
from pipeline.pose.movenet.network import PoseNetwork
from pipeline.pose.movenet.search import views_for
from pipeline.pose.movenet.square import box_around, cut, inner_box, square_around
from pipeline.pose.picture import whole
from training.data.clips import Clip
from training.data.datasets import load_dataset
from training.data.extract import extract_video, find_videos

ROOT = Path(__file__).resolve().parent.parent
SURE = 0.3
"""Reference keypoints below this score are not compared."""
LEAST_JOINTS = 4

CONTESTANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "movenet": ("movenet", {}),
    "movenet, a look in every frame": ("movenet", {"rest_hz": None}),
    "movenet, not smoothed": ("movenet", {"smooth": False}),
    "multipose 256": ("movenet-multipose", {"long_side": 256}),
    "multipose 320": ("movenet-multipose", {"long_side": 320}),
    "multipose 384": ("movenet-multipose", {"long_side": 384}),
}


class Reference:
    """Everybody in a frame, found at whatever cost."""

    SCALES = (192, 256, 320, 384, 512)
    JUDGE_SIZE = 256

    def __init__(self, judge: Path | None) -> None:
        self._multipose = MoveNetMultipose(person_score=0.25)
        self._judge = PoseNetwork(judge) if judge else None

    def __call__(self, image: NDArray[np.uint8]) -> list[Pose]:
        size = (image.shape[1], image.shape[0])
        parts = {view for view in views_for([1.0], [], size) if view.width < size[0]}
        views = [whole(image, scale) for scale in self.SCALES] + sorted(parts, key=lambda view: (view.left, view.top))
        found = suppress_duplicates([pose for view in views for pose in self._multipose.detect(image, view)], 0.4)
        if self._judge is not None:
            found = [self._judged(image, pose, size) for pose in found]
        return suppress_duplicates([pose for pose in found if pose.scores.mean() >= 0.25], 0.5)

    def _judged(self, image: NDArray[np.uint8], pose: Pose, size: tuple[int, int]) -> Pose:
        """The larger network's opinion: two looks, the second in a square from the first."""
        assert self._judge is not None
        looks = []
        for _ in range(2):
            square = square_around(inner_box(pose.box), size)
            table = self._judge(cut(image, square, self.JUDGE_SIZE))[0, 0]
            keypoints = (table[:, 1::-1] * square.side + np.array([square.left, square.top])).astype(np.float32)
            pose = Pose(keypoints, table[:, 2], box_around(keypoints, table[:, 2]), float(table[:, 2].mean()))
            looks.append(pose)
        return max(looks, key=lambda look: look.score)


@dataclass
class Tally:
    """What one estimator did on one clip."""

    similarity: list[float] = field(default_factory=list)
    people: list[int] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    matched: list[dict[int, NDArray[np.float32]]] = field(default_factory=list)

    def row(self, tracks: list[list[int]], reference: list[list[Pose]]) -> dict[str, float]:
        """The figures of a table's row."""
        return {
            "oks": round(float(np.mean(self.similarity)), 4) if self.similarity else float("nan"),
            "people": round(float(np.mean(self.people)), 3),
            "tremble": round(tremble(self.matched, tracks, reference), 2),
            "cpu_ms": round(float(np.mean(self.cpu_ms)), 2),
            "cpu_p95_ms": round(float(np.percentile(self.cpu_ms, 95)), 2),
        }


def similarity(reference: Pose, pose: Pose) -> float:
    """Object keypoint similarity over the joints that the reference is sure of."""
    sure = reference.scores >= SURE
    x1, y1, x2, y2 = inner_box(reference.box).tolist()
    area = AREA_OF_BOX * max(x2 - x1, (y2 - y1) / 3, 1.0) * max(y2 - y1, (x2 - x1) / 3, 1.0)
    squared = ((reference.keypoints - pose.keypoints) ** 2).sum(axis=1)[sure]
    return float(np.exp(-squared / (2 * area * (2 * COCO_SIGMAS[sure]) ** 2)).mean())


def link(reference: list[list[Pose]]) -> list[list[int]]:
    """For each frame and reference person the index of the same person in the frame before, or -1."""
    links = [[-1] * len(reference[0])]
    for before, now in itertools.pairwise(reference):
        pairs = match_poses(now, before, 0.3)
        links.append([pairs.get(i, -1) for i in range(len(now))])
    return links


def tremble(
    matched: list[dict[int, NDArray[np.float32]]], links: list[list[int]], reference: list[list[Pose]]
) -> float:
    """Median length of the second difference of keypoints over time, in thousandths of the body's extent."""
    lengths = []
    for t in range(2, len(matched)):
        for person, now in matched[t].items():
            before = links[t][person]
            first = links[t - 1][before] if before >= 0 else -1
            if first < 0 or before not in matched[t - 1] or first not in matched[t - 2]:
                continue
            body = reference[t][person]
            bend = np.linalg.norm(now - 2 * matched[t - 1][before] + matched[t - 2][first], axis=1)
            x1, y1, x2, y2 = inner_box(body.box).tolist()
            lengths += (1000 * bend[body.scores >= SURE] / max(x2 - x1, y2 - y1, 1.0)).tolist()
    return float(np.median(lengths)) if lengths else float("nan")


def measure(clip: Path, reference: Reference, most: int) -> dict[str, Any]:
    """All contestants on the first ``most`` frames of a clip."""
    with open_source(clip) as source:
        frames = [frame for frame, _ in zip(source, range(most), strict=False)]
    truth = [reference(frame.image) for frame in frames]
    links = link(truth)
    estimators = {name: create_pose(spec, **options) for name, (spec, options) in CONTESTANTS.items()}
    tallies = {name: Tally() for name in CONTESTANTS}
    for frame, people in zip(frames, truth, strict=True):
        for name, estimator in estimators.items():
            see(estimator, frame, people, tallies[name])
    for estimator in estimators.values():
        estimator.close()
    return {
        "clip": clip.name,
        "frames": len(frames),
        "people": round(float(np.mean([len(people) for people in truth])), 3),
        "rows": {name: tally.row(links, truth) for name, tally in tallies.items()},
    }


def see(estimator: PoseEstimator, frame: Frame, people: list[Pose], tally: Tally) -> None:
    """One frame for one estimator."""
    started = time.thread_time()
    poses = estimator.estimate(frame)
    tally.cpu_ms.append((time.thread_time() - started) * 1000)
    tally.people.append(len(poses))
    matched = {}
    for i, person in enumerate(people):
        if not (person.scores >= SURE).any():
            continue
        similarities = [similarity(person, pose) for pose in poses]
        tally.similarity.append(max(similarities, default=0.0))
        if similarities and max(similarities) >= 0.3:
            matched[i] = poses[int(np.argmax(similarities))].keypoints
    tally.matched.append(matched)


def overall(tables: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Mean of each figure over the clips, clips without reference people left out."""
    keys = ("oks", "people", "tremble", "cpu_ms", "cpu_p95_ms")
    return {
        name: {key: round(float(np.nanmean([table["rows"][name][key] for table in tables])), 4) for key in keys}
        for name in CONTESTANTS
    }


def markdown(tables: list[dict[str, Any]], total: dict[str, dict[str, float]], judge: str | None) -> Iterable[str]:
    """The report, line by line."""
    yield f"Reference: multipose at several scales{f', keypoints by {judge}' if judge else ''}. Machine: {machine()}."
    shown = list(tables)
    if len(tables) > 1:
        shown.append({"clip": "mean of clips", "frames": "", "people": "", "rows": total})
    for table in shown:
        details = f" ({table['frames']} frames, {table['people']} people a frame)" if table["frames"] else ""
        yield ""
        yield f"**{table['clip']}**{details}"
        yield ""
        yield "| estimator | OKS | people a frame | tremble | ms a frame | p95 ms |"
        yield "|---|---|---|---|---|---|"
        for name, row in table["rows"].items():
            times = f"{row['cpu_ms']:.1f} | {row['cpu_p95_ms']:.1f}"
            yield f"| {name} | {row['oks']:.3f} | {row['people']:.2f} | {row['tremble']:.1f} | {times} |"


def differences(ours: Clip, theirs: Clip) -> NDArray[np.floating]:
    """Median distance of the first person's joints in each frame, as a fraction of the body's extent in the data set.

    Frames in which fewer than ``LEAST_JOINTS`` joints are sure in both are left out.
    """
    found = []
    for a, b, s, t in zip(ours.keypoints[0], theirs.keypoints[0], ours.scores[0], theirs.scores[0], strict=True):
        sure = np.minimum(s, t) >= SURE
        if sure.sum() >= LEAST_JOINTS:
            extent = np.ptp(b[t >= SURE], axis=0).max()
            found.append(np.median(np.linalg.norm(a - b, axis=1)[sure]) / max(extent, 1.0))
    return np.array(found)


def against(folder: Path, data: Path) -> dict[str, Any]:
    """How far the keypoints that ``extract`` makes of labelled videos are from a data set's.

    Raises:
        UserError: there are no videos, or none of which the data set has a clip of the same name and length.
    """
    clips = {clip.name: clip for clip in load_dataset(data).clips}
    pairs = []
    for video in find_videos(folder):
        if video.name in clips:
            found, theirs = extract_video(video.path), clips[video.name]
            if found.scores.shape[1] == theirs.scores.shape[1]:
                pairs.append((replace(theirs, keypoints=found.keypoints, scores=found.scores), theirs))
    if not pairs:
        raise UserError(f"{data} has no clip of the same name and length as a video of {folder}")
    far = np.concatenate([differences(*pair) for pair in pairs])
    seen = [np.concatenate([clip.scores[0].any(-1) for clip in side]) for side in zip(*pairs, strict=True)]
    return {
        "clips": len(pairs),
        "frames": len(seen[0]),
        "seen": round(float(seen[0].mean()), 4),
        "seen_in_data": round(float(seen[1].mean()), 4),
        "compared": len(far),
        "median": round(float(np.median(far)), 4) if len(far) else None,
        "above_a_quarter": round(float(np.mean(far > 0.25)), 4) if len(far) else None,
    }


def machine() -> str:
    """What ran the benchmark, in a few words."""
    return f"{platform.machine()}, Python {platform.python_version()}"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pose", description=__doc__)
    parser.add_argument("clips", type=Path, nargs="*", metavar="CLIP", help="default: the bundled clip")
    parser.add_argument("--data", type=Path, metavar="FILE.pkl", help="compare `extract` with a data set's keypoints")
    parser.add_argument("--judge", type=Path, metavar="FILE", help="a larger one-person MoveNet as the reference")
    parser.add_argument("--frames", type=positive, default=300, help="most frames of a clip (default %(default)s)")
    parser.add_argument("--json", type=Path, metavar="OUT")
    parser.add_argument("--markdown", type=Path, metavar="OUT")
    args = parser.parse_args(argv)
    return exit_code(lambda: compare(args))


def compare(args: argparse.Namespace) -> None:
    """Print the tables, and write them where ``--markdown`` and ``--json`` ask.

    Raises:
        UserError, EngineError: a clip, a model or a file for the figures cannot be used.
    """
    if args.data:
        if not args.clips:
            raise UserError("--data compares labelled videos, so it takes a folder of them")
        out, tables_out = outputs({"--json": args.json, "--markdown": args.markdown}, args.data)
        found = [against(folder, args.data) for folder in args.clips]
        text = "\n".join(json.dumps(one) for one in found)
        print(text)
        tables_out.write_text(text + "\n")
        out.write_json(found)
        return
    clips = args.clips or [ROOT / "assets" / "demo.mp4"]
    out, tables_out = outputs({"--json": args.json, "--markdown": args.markdown}, args.judge, *clips)
    reference = Reference(args.judge)
    tables = [measure(clip, reference, args.frames) for clip in clips]
    total = overall(tables)
    text = "\n".join(markdown(tables, total, args.judge.name if args.judge else None))
    print(text)
    tables_out.write_text(text + "\n")
    out.write_json({"clips": tables, "mean": total})


if __name__ == "__main__":
    sys.exit(main())
