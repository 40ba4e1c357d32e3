"""``python -m training extract``: labelled videos to an annotation file, with the poses that the live pipeline would
see."""

from __future__ import annotations

import hashlib
import logging
import os
import pickle
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from pipeline.errors import UserError
from pipeline.pose.base import PoseEstimator
from pipeline.pose.create import create_pose
from pipeline.sources import Policy, open_source
from pipeline.tracking import Tracker

log = logging.getLogger(__name__)

VIDEO_SUFFIXES = {".mp4", ".avi", ".mov", ".mkv", ".webm", ".gif", ".m4v", ".mpg", ".mpeg"}
PEOPLE = 2
"""Tracks kept of a video: those with the largest sum of scores."""


@dataclass(frozen=True)
class LabelledVideo:
    """A video and the class that its folder names."""

    path: Path
    label: str

    @property
    def name(self) -> str:
        return f"{self.label}/{self.path.stem}"


@dataclass(frozen=True)
class Skeletons:
    """Tracked people of one video: (M, T, 17, 2) pixels, (M, T, 17) scores, (T,) seconds, (height, width)."""

    keypoints: NDArray[np.float32]
    scores: NDArray[np.float32]
    times_s: NDArray[np.float64]
    shape: tuple[int, int]


def find_videos(folder: Path) -> list[LabelledVideo]:
    """Videos in one folder a class.

    Raises:
        UserError: the folder is missing or holds no class folder with a video.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder; give one with a sub-folder of videos for each class")
    found = [
        LabelledVideo(path, sub.name)
        for sub in sorted(p for p in folder.iterdir() if p.is_dir())
        for path in sorted(sub.iterdir())
        if path.suffix.lower() in VIDEO_SUFFIXES
    ]
    if not found:
        raise UserError(f"no sub-folder of {folder} holds a video; one sub-folder a class is expected")
    return found


def patient_estimator(pose: str) -> PoseEstimator:
    """The pose model that looks at everybody in every frame: what it foretells live is no observation to learn from."""
    return create_pose(pose, **({"rest_hz": None} if pose == "movenet" else {}))


def extract_video(path: Path, pose: str = "movenet-multipose") -> Skeletons:
    """Find and follow the people of a video.

    Raises:
        UserError: the file is no readable video.
    """
    estimator, tracker = patient_estimator(pose), Tracker()
    times: list[float] = []
    seen: dict[int, dict[int, tuple[NDArray[np.float32], NDArray[np.float32]]]] = {}
    with open_source(path, policy=Policy.ALL) as source:
        shape = (0, 0)
        for frame in source:
            shape = frame.image.shape[0], frame.image.shape[1]
            for person in tracker.update(estimator.estimate(frame), frame.time_s):
                seen.setdefault(person.track, {})[len(times)] = (person.pose.keypoints, person.pose.scores)
            times.append(frame.time_s)
    tracks = sorted(seen.values(), key=lambda t: -sum(float(s.sum()) for _, s in t.values()))[:PEOPLE]
    keypoints = np.zeros((max(len(tracks), 1), len(times), 17, 2), np.float32)
    scores = np.zeros(keypoints.shape[:3], np.float32)
    for m, track in enumerate(tracks):
        for t, (xy, s) in track.items():
            keypoints[m, t], scores[m, t] = xy, s
    return Skeletons(keypoints, scores, np.asarray(times), shape)


def _part_path(parts: Path, video: LabelledVideo) -> Path:
    stat = video.path.stat()
    key = f"{video.name}{video.path.suffix}:{stat.st_size}:{stat.st_mtime_ns}"
    return parts / (hashlib.sha256(key.encode()).hexdigest()[:24] + ".npz")


def _work(video: LabelledVideo, part: Path, pose: str) -> str | None:
    """Extract one video into its part file; the reason when it cannot be read."""
    try:
        found = extract_video(video.path, pose)
    except UserError as error:
        return str(error)
    with tempfile.NamedTemporaryFile(dir=part.parent, suffix=".npz", delete=False) as file:
        np.savez_compressed(
            file, keypoints=found.keypoints, scores=found.scores, times_s=found.times_s, shape=np.array(found.shape)
        )
    os.replace(file.name, part)
    return None


def extract(
    folder: Path, out: Path, pose: str = "movenet-multipose", workers: int = 1, validation: float = 0.2
) -> dict:
    """Run the pose model over all videos and write one annotation file.

    Finished videos are kept in ``OUT.parts`` until the file is complete, so that an interrupted run goes on where it
    was. Unreadable videos are left out with a warning.

    Args:
        folder: one sub-folder of videos for each class.
        out: annotation file to write, PYSKL format; ``split`` has ``train`` and ``val``.
        pose: pose model, as for ``python -m app --pose``.
        workers: processes.
        validation: part of each class that goes to ``val``, chosen by a hash of the name.

    Returns:
        The annotation file's content.

    Raises:
        UserError: no videos, or none that can be read.
    """
    videos = find_videos(folder)
    parts = out.with_name(out.name + ".parts")
    try:
        parts.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write beside {out}: {error.strerror or error}") from None
    todo = [v for v in videos if not _part_path(parts, v).exists()]
    if len(todo) < len(videos):
        log.info("%d of %d videos are done already", len(videos) - len(todo), len(videos))
    with Progress(transient=True) as progress, ProcessPoolExecutor(workers) as pool:
        task = progress.add_task("poses", total=len(todo))
        pending = {pool.submit(_work, v, _part_path(parts, v), pose): v for v in todo}
        for future in as_completed(pending):
            reason = future.result()
            if reason is not None:
                log.warning("left out: %s", reason)
            progress.advance(task)
    data = _assemble(videos, parts, validation)
    with tempfile.NamedTemporaryFile(dir=out.parent, delete=False) as file:
        pickle.dump(data, file, protocol=4)
    os.chmod(file.name, 0o644)
    os.replace(file.name, out)
    for part in parts.iterdir():
        part.unlink()
    parts.rmdir()
    return data


def _assemble(videos: list[LabelledVideo], parts: Path, validation: float) -> dict:
    labels = sorted({v.label for v in videos})
    split: dict[str, list[str]] = {"train": [], "val": []}
    annotations = []
    for video in videos:
        part = _part_path(parts, video)
        if not part.exists():
            continue
        with np.load(part, allow_pickle=False) as file:
            times = file["times_s"]
            fps = float((len(times) - 1) / (times[-1] - times[0])) if len(times) > 1 and times[-1] > times[0] else 30.0
            height, width = (int(v) for v in file["shape"])
            annotations.append(
                {
                    "frame_dir": video.name, "label": labels.index(video.label), "img_shape": (height, width),
                    "original_shape": (height, width), "total_frames": len(times), "fps": fps,
                    "keypoint": file["keypoints"].astype(np.float16),
                    "keypoint_score": file["scores"].astype(np.float16),
                }
            )  # fmt: skip
        draw = int(hashlib.sha256(video.name.encode()).hexdigest()[:8], 16) / 2**32
        split["val" if draw < validation else "train"].append(video.name)
    if not annotations:
        raise UserError("none of the videos could be read")
    return {"split": split, "label_names": labels, "annotations": annotations}
