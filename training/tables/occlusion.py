"""Hidden body parts (table 15) and hidden frames (table 16), for the three ways of fusing the streams."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from core.skeleton import TORSO
from training.evaluate import Predict
from training.finetune import predictor
from training.tables.networks import require_encoder
from training.tables.report import Report, files_of
from training.tables.run import Settings, stgcn_trial, trial
from training.tables.task import Task, load_task

USUAL_TARGETS = ("msr_action3d",)

PARTS: dict[str, tuple[int, ...]] = {
    "none": (), "left arm": (5, 7, 9), "right arm": (6, 8, 10), "two hands": (9, 10),
    "two legs": (13, 14, 15, 16), "trunk": TORSO,
}  # fmt: skip
"""The paper's parts as COCO joints; its skeletons have 25, so hands here are the wrists."""

FRAMES = (0, 10, 20, 30, 40, 50)
"""Percent of the frames of a window that are hidden, in one stretch; the paper counts frames of about a hundred."""

_PAPER_15 = {
    "ST-GCN": (80.7, 71.4, 60.5, 62.6, 77.4, 50.2), "SkeleFormer (input)": (91.8, 81.1, 71.9, 72.7, 82.8, 81.6),
    "SkeleFormer (post)": (92.1, 81.8, 72.8, 73.1, 83.3, 82.0),
    "SkeleFormer (JEMF)": (93.1, 84.2, 75.4, 76.6, 87.1, 86.5),
}  # fmt: skip
_PAPER_16 = {
    "ST-GCN": (80.7, 69.3, 57.0, 44.5, 34.5, 24.0), "SkeleFormer (input)": (91.8, 82.8, 74.5, 63.5, 50.2, 36.6),
    "SkeleFormer (post)": (92.1, 83.3, 75.6, 65.1, 52.3, 38.6),
    "SkeleFormer (JEMF)": (93.1, 85.0, 77.9, 67.9, 55.5, 41.7),
}  # fmt: skip

_FUSIONS = {"SkeleFormer (input)": "input", "SkeleFormer (post)": "post", "SkeleFormer (JEMF)": "jemf"}

Disturb = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def hide_joints(joints: tuple[int, ...]) -> Disturb:
    """Make joints absent in features (B, M, T, V, F)."""

    def disturb(features: NDArray[np.float32]) -> NDArray[np.float32]:
        out = features.copy()
        out[:, :, :, list(joints)] = 0
        return out

    return disturb


def hide_frames(percent: int, seed: int) -> Disturb:
    """Make the person absent for one stretch of each window's frames, features (B, M, T, V, 2C + 1)."""
    rng = np.random.default_rng((seed, percent))

    def disturb(features: NDArray[np.float32]) -> NDArray[np.float32]:
        out = features.copy()
        for window in out:
            there = np.flatnonzero((window[..., -1] > 0).any((0, 2)))
            count = round(percent / 100 * len(there))
            if count:
                first = int(rng.integers(len(there) - count + 1))
                window[:, there[first : first + count]] = 0
                if first + count < len(there):  # nobody knows how fast a joint is that has just come into view
                    window[:, there[first + count], :, 2:-1] = 0
        return out

    return disturb


def _predictor(name: str, task: Task, settings: Settings, seed: int) -> Predict:
    """One of the four networks, trained on whole skeletons."""
    if name in _FUSIONS:
        outcome = trial(task, settings, settings.encoder, seed, "full", _FUSIONS[name])
    else:
        outcome = stgcn_trial(task, settings, seed)
    return predictor(outcome.model, settings.budget.amp)


def occlusion(settings: Settings, targets: tuple[str, ...]) -> None:
    """Tables 15 and 16: trained on whole skeletons, measured on partly hidden ones."""
    encoder = settings.pretrained()
    require_encoder(encoder)
    task = load_task(settings.data, (targets or USUAL_TARGETS)[0])
    made_from = settings.made_from([task.name], encoder)
    setting = (
        f"Trained on {task.name} ({len(task.source.clips)} clips, {task.passes} passes; SkeleFormer from the 2D-to-3D "
        "pre-trained encoder, its fusion from random weights where it is not JEMF), measured on its validation part "
    )
    parts = Report(files_of("table15-part-occlusion", (task.name,), USUAL_TARGETS), "Hidden body parts (table 15)",
                   setting + "with joints absent; top-1 in percent. The paper's figures are for NTU-60 CS.",
                   tuple(PARTS), settings.command, tuple(PARTS), made_from)  # fmt: skip
    frames = Report(files_of("table16-frame-occlusion", (task.name,), USUAL_TARGETS), "Hidden frames (table 16)",
                    setting + "with a stretch of the frames absent; top-1 in percent. The paper's figures are for "
                    "NTU-60 CS and that many frames.",
                    tuple(f"{p} %" for p in FRAMES), settings.command, tuple(map(str, FRAMES)), made_from)  # fmt: skip
    for report in (parts, frames):
        report.resume(settings.out)
    for name in _PAPER_15:
        if parts.has(name) and frames.has(name):
            continue
        by_part: list[list[float]] = [[] for _ in PARTS]
        by_frame: list[list[float]] = [[] for _ in FRAMES]
        for seed in range(settings.seeds):
            predict = _predictor(name, task, settings, seed)
            for cell, joints in zip(by_part, PARTS.values(), strict=True):
                cell.append(task.accuracy(predict, hide_joints(joints)))
            for cell, percent in zip(by_frame, FRAMES, strict=True):
                cell.append(task.accuracy(predict, hide_frames(percent, seed)))
        for report, cells, paper in ((parts, by_part, _PAPER_15), (frames, by_frame, _PAPER_16)):
            if not report.has(name):  # interrupted between the two
                report.add(name, cells, paper[name])
                report.keep(settings.out)
    for report in (parts, frames):
        report.write(settings.out)
