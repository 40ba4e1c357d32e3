"""``python -m training extract``: labelled videos to an annotation file, with the poses that the live pipeline would
see."""

from __future__ import annotations

import hashlib
import logging
import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Collection, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from core.errors import UserError
from core.files import refuse_overwriting, require_writable, write_whole
from core.preprocess import resample
from core.types import Pose
from pipeline import Pipeline
from pipeline.pose.create import create_pose
from pipeline.sources.recordings.animation import pictures_within
from pipeline.sources.recordings.pictures import PICTURE_SUFFIXES
from pipeline.sources.recordings.video import VIDEO_SUFFIXES

log = logging.getLogger(__name__)

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
    """Find the videos in one folder a class; whatever else is there is listed in a warning, but for hidden files.

    Raises:
        UserError: the folder is missing or holds no class folder with a video.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder; give one with a sub-folder of videos for each class")
    shown = _not_hidden(folder)
    found, empty = [], []
    others = [path.name for path in shown if not path.is_dir() and _is_video(path)]
    for sub in filter(Path.is_dir, shown):
        inside = {path: _is_video(path) for path in _not_hidden(sub)}
        found += [LabelledVideo(path, sub.name) for path, is_video in inside.items() if is_video]
        others += [f"{sub.name}/{path.name}" for path, is_video in inside.items() if not is_video]
        if not any(inside.values()):
            empty.append(sub.name)
    if not found:
        raise UserError(f"no sub-folder of {folder} holds a video; one sub-folder a class is expected")
    if others:
        log.warning("skipped, since only videos in one folder a class are read: %s%s",
                    ", ".join(others[:10]), f" and {len(others) - 10} more" if len(others) > 10 else "")  # fmt: skip
    if empty:
        log.warning("left out: there is no video in %s", ", ".join(f"{folder / name}" for name in empty))
    return found


def _not_hidden(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _is_video(path: Path) -> bool:
    ending = path.suffix.lower()
    if not path.is_file():  # links may lead nowhere
        return False
    return ending in VIDEO_SUFFIXES or (ending in PICTURE_SUFFIXES and pictures_within(path) > 1)


@dataclass(frozen=True)
class Observations:
    """What was seen of one person: frames in which a network looked, and those in which the pose was predicted."""

    looked: dict[int, Pose] = field(default_factory=dict)
    predicted: list[int] = field(default_factory=list)

    def at(self, times_s: NDArray[np.float64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Keypoints (T, 17, 2) and scores (T, 17) at the frames' times (T,); zeros in frames without the person.

        Recognition interpolates between looks; so do the frames between them here.
        """
        keypoints = np.zeros((len(times_s), 17, 2), np.float32)
        scores = np.zeros(keypoints.shape[:2], np.float32)
        looked, shown = list(self.looked), sorted([*self.looked, *self.predicted])
        keypoints[shown], scores[shown] = resample(
            times_s[looked],
            np.stack([pose.keypoints for pose in self.looked.values()]),
            np.stack([pose.scores for pose in self.looked.values()]),
            times_s[shown],
        )
        return keypoints, scores


def extract_video(path: Path, pose: str = "movenet") -> Skeletons:
    """Find and follow the people of a video by the pipeline that runs live.

    Raises:
        UserError: the file is no readable video.
    """
    times: list[float] = []
    people: dict[int, Observations] = {}
    shape = (0, 0)
    with Pipeline(path, pose=pose, recognise=False) as results:
        for result in results:
            shape = result.frame.image.shape[0], result.frame.image.shape[1]
            for person in result.people:
                known = people.setdefault(person.track, Observations())
                if person.pose.predicted and known.looked:
                    known.predicted.append(len(times))
                else:
                    known.looked[len(times)] = person.pose
            times.append(result.frame.time_s)
    times_s = np.asarray(times)
    tracks = sorted((person.at(times_s) for person in people.values()), key=lambda track: -track[1].sum())[:PEOPLE]
    if not tracks:
        tracks = [(np.zeros((len(times), 17, 2), np.float32), np.zeros((len(times), 17), np.float32))]
    keypoints, scores = (np.stack(values) for values in zip(*tracks, strict=True))
    return Skeletons(keypoints, scores, times_s, shape)


def _part_path(parts: Path, video: LabelledVideo, pose: str) -> Path:
    """Where a video's skeletons are kept, as that pose model sees them and as long as the video stays the same."""
    stat = video.path.stat()
    key = f"{video.name}{video.path.suffix}:{stat.st_size}:{stat.st_mtime_ns}:{pose}"
    return parts / (hashlib.sha256(key.encode()).hexdigest()[:24] + ".npz")


def _check_pose(pose: str) -> None:
    """Make the pose model and release it; raises PoseError."""
    create_pose(pose).close()


def _end_with_parent() -> None:
    """Let a worker end when the process that started it does, however that ends.

    Ctrl-C and the end of a terminal reach workers too; what they mean is that process's to decide.
    """
    logging.disable(logging.INFO)  # each video's pipeline would say anew what runs its networks
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(video: LabelledVideo, part: Path, pose: str) -> str | None:
    """Extract one video into its part file; the reason when it cannot be read.

    Raises:
        UserError: the part file cannot be written.
    """
    try:
        found = extract_video(video.path, pose)
    except UserError as error:
        return str(error)

    def write(file: BinaryIO) -> None:
        np.savez_compressed(
            file, keypoints=found.keypoints, scores=found.scores, times_s=found.times_s, shape=np.array(found.shape)
        )

    write_whole(part, write)
    return None


def extract(folder: Path, out: Path, pose: str = "movenet", workers: int = 1, validation: float = 0.2) -> dict:
    """Run the pose model over all videos and write one annotation file.

    Finished videos are kept in ``OUT.parts`` until the file is complete, so that an interrupted run with the same pose
    model goes on where it was. Unreadable videos are left out with a warning.

    Args:
        folder: one sub-folder of videos for each class.
        out: annotation file to write, PYSKL format; ``split`` has ``train`` and ``val``.
        pose: pose model, as for ``python -m app --pose``.
        workers: processes.
        validation: part of each class's videos that goes to ``val``; see ``split_by_class``.

    Returns:
        The annotation file's content.

    Raises:
        UserError: there are no videos or none that can be read, the pose model cannot be used, or the file or its parts
            cannot be written or would take a video's place.
    """
    videos = find_videos(folder)
    refuse_overwriting([("--out", out)], (video.path for video in videos))
    require_writable(out)
    parts = out.with_name(out.name + ".parts")
    places = {video: _part_path(parts, video, pose) for video in videos}
    todo = {video: part for video, part in places.items() if not part.exists()}
    if len(todo) < len(videos):
        log.info("%d of %d videos are done already", len(videos) - len(todo), len(videos))
    if todo:
        _extract_all(todo, pose, workers)
    data = _assemble(places, validation)
    write_whole(out, lambda file: pickle.dump(data, file, protocol=4))
    _clear(parts)
    return data


def _extract_all(todo: Mapping[LabelledVideo, Path], pose: str, workers: int) -> None:
    """Extract videos into their part files.

    Raises:
        UserError: the pose model cannot be used, or a part cannot be written; the videos that wait are not begun then.
    """
    with (
        Progress(transient=True) as progress,
        ProcessPoolExecutor(min(workers, len(todo)), initializer=_end_with_parent) as pool,
    ):
        try:
            # Asked of a worker: a network that was loaded in this process could not be shared with those it starts.
            pool.submit(_check_pose, pose).result()
            task = progress.add_task("poses", total=len(todo))
            for future in as_completed([pool.submit(_work, video, part, pose) for video, part in todo.items()]):
                reason = future.result()
                if reason is not None:
                    log.warning("left out: %s", reason)
                progress.advance(task)
        except BaseException as error:
            if not isinstance(error, Exception):  # told to end: videos that are being looked at are not waited for
                for worker in multiprocessing.active_children():
                    worker.terminate()
            pool.shutdown(cancel_futures=True)
            raise


def _clear(parts: Path) -> None:
    """Remove the part files, also those of other pose models; the folder stays if there is something else in it."""
    for part in [*parts.glob("*.npz"), *parts.glob("*.npz.part")]:
        part.unlink(missing_ok=True)
    with suppress(OSError):
        parts.rmdir()


def _assemble(places: Mapping[LabelledVideo, Path], validation: float) -> dict:
    labels = sorted({video.label for video in places})
    names: dict[str, list[str]] = {}
    annotations = []
    for video, part in places.items():
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
                    "times_s": times - times[:1],
                    # Half precision would move joints of a large picture by a pixel, which looks like motion.
                    "keypoint": file["keypoints"], "keypoint_score": file["scores"],
                }
            )  # fmt: skip
        names.setdefault(video.label, []).append(video.name)
    if not annotations:
        raise UserError("none of the videos could be read")
    _warn_of_single(names, validation)
    return {"split": split_by_class(names, validation), "label_names": labels, "annotations": annotations}


def split_by_class(names: Mapping[str, Collection[str]], part: float) -> dict[str, list[str]]:
    """Part the clips of each class into ``train`` and ``val``, in an order that a hash of their names gives.

    A class of two clips or more has one at least in either part, unless ``part`` is 0 or 1. How many go to ``val``
    depends on how many there are, so clips that are added later may move others from one part to the other.

    Args:
        names: of the clips of each class; one that is there twice counts once, and is in one part only.
        part: of each class that goes to ``val``, from 0 to 1, rounded to whole clips.
    """
    split: dict[str, list[str]] = {"train": [], "val": []}
    for own in names.values():
        order = sorted(set(own), key=lambda name: hashlib.sha256(name.encode()).digest())
        count = round(part * len(order))
        if 0 < part < 1 and len(order) > 1:
            count = min(max(count, 1), len(order) - 1)
        split["val"] += order[:count]
        split["train"] += order[count:]
    return split


def _warn_of_single(names: Mapping[str, Collection[str]], part: float) -> None:
    single = [label for label, own in names.items() if len(set(own)) == 1]
    if single and 0 < part < 1:
        log.warning("no clip in '%s' of %s: it takes two for a class to be in both parts",
                    "train" if round(part) else "val", ", ".join(single))  # fmt: skip
