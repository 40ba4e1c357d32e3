"""Data sets and runs small enough to be repeated many times in a test."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from training.data.clips import Clip

ROOT = Path(__file__).resolve().parents[2]

SMALL = ("--frames", "8", "--width", "8", "--layers", "1", "--device", "cpu")
"""A network and windows for a test."""

_BODY = np.array(
    [[0, 7], [2, 5], [-2, 5], [4, 6], [-4, 6], [11, 18], [-11, 18], [13, 36], [-13, 36], [14, 51], [-14, 51], [8, 47],
     [-8, 47], [8, 71], [-8, 71], [8, 95], [-8, 95]], float
)  # fmt: skip


def moving(label: int, seed: int, frames: int = 24) -> Clip:
    """A body whose right wrist circles (label 0), or whose whole body slides (label 1)."""
    t = np.arange(frames) / 15
    xy = np.repeat(_BODY[None] * np.random.default_rng(seed).uniform(1, 3), frames, 0)
    if label == 0:
        xy[:, 10] += 40 * np.stack([np.cos(6 * t), np.sin(6 * t)], -1)
    else:
        xy[..., 0] += 100 * t[:, None]
    return Clip(f"{label}-{seed}", label, xy[None].astype(np.float32), np.ones((1, frames, 17), np.float32), t)


KINECT = [
    "hip_center", "spine", "shoulder_center", "head", "shoulder_left", "elbow_left", "wrist_left", "hand_left",
    "shoulder_right", "elbow_right", "wrist_right", "hand_right", "hip_left", "knee_left", "ankle_left", "foot_left",
    "hip_right", "knee_right", "ankle_right", "foot_right",
]  # fmt: skip
COCO_FROM_KINECT = [3, -1, -1, -1, -1, 4, 8, 5, 9, 6, 10, 12, 16, 13, 17, 14, 18]

STANDING = np.array([
    [0, 1.0], [0, 1.2], [0, 1.45], [0, 1.65], [0.2, 1.4], [0.25, 1.15], [0.27, 0.9], [0.27, 0.85], [-0.2, 1.4],
    [-0.25, 1.15], [-0.27, 0.9], [-0.27, 0.85], [0.1, 0.95], [0.1, 0.5], [0.1, 0.1], [0.1, 0.05], [-0.1, 0.95],
    [-0.1, 0.5], [-0.1, 0.1], [-0.1, 0.05],
])  # fmt: skip


def recording(label: int, seed: int, frames: int = 16) -> np.ndarray:
    """(1, T, 20, 3) metres: one class lifts an arm, the other bends a knee."""
    rng = np.random.default_rng(seed)
    body = np.c_[STANDING, np.full(20, 2.5)]
    out = np.repeat(body[None], frames, 0) + rng.normal(0, 0.005, (frames, 20, 3))
    moved = [5, 6, 7] if label == 0 else [13, 14, 15]
    out[:, moved, 1] += np.linspace(0, 0.4, frames)[:, None]
    return out[None].astype(np.float32)


def write_clips(path: Path, count: int = 16) -> Path:
    """An annotation file of two classes, three quarters of it for training."""
    clips = [moving(i % 2, i) for i in range(count)]
    names = [c.name for c in clips]
    data = {
        "label_names": ["circle", "slide"], "split": {"train": names[: 3 * count // 4], "val": names[3 * count // 4 :]},
        "annotations": [
            {"frame_dir": c.name, "label": c.label, "fps": 15.0, "keypoint": c.keypoints, "keypoint_score": c.scores}
            for c in clips
        ],
    }  # fmt: skip
    path.write_bytes(pickle.dumps(data))
    return path


def write_mocap(path: Path, takes: int = 20, frames: int = 90, labels: Sequence[str] = ("swing",)) -> Path:
    """A corpus of a body that swings its arms and turns; the takes are given the labels in turn."""
    rng = np.random.default_rng(0)
    body = np.c_[_BODY[:, 0] / 60, 1.75 - _BODY[:, 1] / 60, np.zeros(17)]
    body[0, 2] = 0.1
    clips = []
    t = np.arange(frames) / 30
    for _ in range(takes):
        world = np.repeat(body[None], frames, 0)
        world[:, [7, 9], 2] += np.sin(rng.uniform(2, 6) * t)[:, None] * np.array([0.15, 0.3])
        angle = rng.uniform(0, 6) + 0.5 * t[:, None]
        x, z = world[..., 0].copy(), world[..., 2].copy()
        world[..., 0], world[..., 2] = x * np.cos(angle) + z * np.sin(angle), z * np.cos(angle) - x * np.sin(angle)
        clips.append(world)
    root = np.concatenate([c[:, 11:13].mean(1) for c in clips])
    np.savez(
        path, positions=(np.concatenate(clips) - root[:, None]).astype(np.float16), root=root.astype(np.float32),
        clip_start=np.arange(takes + 1) * frames, clip_name=np.array([f"take{i}" for i in range(takes)]),
        source=np.array(["rig"] * takes), fps=np.float32(30),
        label=np.array([labels[i % len(labels)] for i in range(takes)]),
    )  # fmt: skip
    return path


def start(*arguments: str, processes: int = 1, program: Sequence[str] = ("-m", "training")) -> subprocess.Popen[str]:
    """A program with arguments as a process of its own, or as several that ``torchrun`` starts."""
    if processes > 1:
        program = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes), *program]
    return subprocess.Popen(
        [sys.executable, *program, *arguments], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        preexec_fn=None if os.name == "nt" else _hear_ctrl_c,
    )  # fmt: skip


def _hear_ctrl_c() -> None:
    # Whoever runs the tests in a shell's background ignores it, and a child would too.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run(*arguments: str, processes: int = 1, program: Sequence[str] = ("-m", "training")) -> str:
    """Let it run to its end, which must be a good one; what it printed."""
    child = start(*arguments, processes=processes, program=program)
    out, err = child.communicate()
    assert child.returncode == 0, err
    return out


def die(moment: str, *arguments: str) -> None:
    """``python -m training``, killed ``before N`` or ``after N``: when its Nth file is put in its place.

    Each epoch does so three times: checkpoint, ``metrics.jsonl``, ``metrics.csv``.
    """
    child = start(moment, *arguments, program=("-c", _DIE))
    _, err = child.communicate()
    assert child.returncode == -signal.SIGKILL, err


_DIE = """
import os, signal, sys
import core.files

real, moment, calls = os.replace, sys.argv.pop(1), 0

def replace(a, b):
    global calls
    calls += 1
    if moment == f"before {calls}":
        os.kill(os.getpid(), signal.SIGKILL)
    real(a, b)
    if moment == f"after {calls}":
        os.kill(os.getpid(), signal.SIGKILL)

core.files.os.replace = replace
from training.__main__ import main
sys.exit(main(sys.argv[1:]))
"""
