"""2D-to-3D pre-training (section 3.3): recover 3-D motion from noisy, masked 2-D skeletons of random cameras."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.errors import UserError
from core.files import write_text
from core.preprocess import RATE_HZ, window_features
from core.skeleton import HIPS
from skeleformer.lifting import MASKED_JOINTS, Lifter, lifting_loss
from skeleformer.pretrained import SkeleFormer
from training.data.mocap import MocapClip, corpus_digest, load_mocap
from training.run.checkpoint import save_checkpoint
from training.run.devices import Arithmetic, choose_device
from training.run.loop import Batch, Stage, prepare, train
from training.run.parallel import join
from training.run.plots import training_curves
from training.run.sizes import network
from training.windows.cameras import ANYWHERE, project, random_rotation
from training.windows.noise import DetectorNoise, detector_noise


@dataclass(frozen=True)
class PretrainConfig:
    """What a run does; the defaults follow section 4.2 where it says something."""

    data: str
    out: str
    epochs: int = 100
    windows_per_epoch: int = 4096  # drawn evenly over the sources' labels, since walking dominates the corpus
    batch: int = 64
    lr: float = 2e-4
    lr_decay: float = 0.96  # a epoch, exponential
    weight_decay: float = 0.1
    frames: int = 32
    threads: int = 1
    amp: bool = False
    seed: int = 0
    device: str = "cpu"  # one of training.run.devices.DEVICES
    dropout: float = 0.1
    width: int = 32  # channels a joint
    layers: int = 4  # of either transformer


@dataclass(frozen=True)
class LiftingSample:
    """Network input (T, 17, 5) and target (T, 17, 3): metres from the mid-hip, camera frame."""

    features: NDArray[np.float32]
    target: NDArray[np.float32]


def make_sample(clip: MocapClip, rng: np.random.Generator, frames: int, noisy: bool = True) -> LiftingSample:
    """A random window of a clip seen by a random camera, disturbed as section 3.3 says and as a detector would."""
    step = clip.fps / RATE_HZ
    span = (frames - 1) * step
    start = rng.uniform(0, max(len(clip.world) - 1 - span, 0))
    at = np.minimum(start + np.arange(frames) * step, len(clip.world) - 1)
    lo = at.astype(int)
    hi = np.minimum(lo + 1, len(clip.world) - 1)
    part = (at - lo).astype(np.float32)[:, None, None]
    world = clip.world[lo] * (1 - part) + clip.world[hi] * part

    pixels, camera = project(world, random_rotation(rng, ANYWHERE), rng.uniform(*ANYWHERE.distance_m))
    scores = np.ones(pixels.shape[:2], np.float32)
    if noisy:
        pixels, scores = detector_noise(pixels, scores, rng, DetectorNoise(untouched=0), synthetic=True)
        scores[rng.random(scores.shape) < MASKED_JOINTS] = 0
    target = camera - camera[:, HIPS].mean(1, keepdims=True)
    return LiftingSample(window_features(pixels, scores), target)


def _draw(groups: list[list[MocapClip]], rng: np.random.Generator, count: int, frames: int) -> list[LiftingSample]:
    samples = []
    for _ in range(count):
        group = groups[rng.integers(len(groups))]
        samples.append(make_sample(group[rng.integers(len(group))], rng, frames))
    return samples


def _stack(samples: list[LiftingSample]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return (
        np.stack([s.features for s in samples])[:, None],  # (B, 1, T, V, 5), one person
        np.stack([s.target for s in samples])[:, None],  # (B, 1, T, V, 3)
    )


def procrustes_error(predicted: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.float64]:
    """(N,) mean joint distance after the best rotation, scale and shift of each predicted skeleton (N, V, 3)."""
    p = predicted - predicted.mean(1, keepdims=True)
    t = target - target.mean(1, keepdims=True)
    u, s, vt = np.linalg.svd(np.einsum("nvi,nvj->nij", p, t))
    sign = np.sign(np.linalg.det(u @ vt))
    fix = np.ones((len(p), 3))
    fix[:, 2] = sign
    rotation = np.einsum("nij,nj,njk->nik", u, fix, vt)
    scale = (s * fix).sum(1) / np.maximum((p**2).sum((1, 2)), 1e-9)
    return np.linalg.norm(scale[:, None, None] * (p @ rotation) - t, axis=-1).mean(1)


def validation_set(
    clips: list[MocapClip], frames: int, each: int = 60, seed: int = 1234
) -> dict[str, list[LiftingSample]]:
    """Fixed noisy windows of held-out clips, by source."""
    rng = np.random.default_rng(seed)
    out = {}
    for source in sorted({c.source for c in clips}):
        held = [c for c in clips if c.source == source and c.held_out]
        out[source] = [make_sample(held[rng.integers(len(held))], rng, frames) for _ in range(each)]
    return out


def _errors(predicted: NDArray[np.floating], target: NDArray[np.floating]) -> dict[str, float]:
    flat_p, flat_t = predicted.reshape(-1, 17, 3), target.reshape(-1, 17, 3)
    return {
        "mpjpe_mm": float(np.linalg.norm(flat_p - flat_t, axis=-1).mean() * 1000),
        "p_mpjpe_mm": float(procrustes_error(flat_p, flat_t).mean() * 1000),
    }


def require_both_parts(clips: Sequence[MocapClip]) -> None:
    """Make sure that every source has takes to learn from and takes to be measured on.

    Raises:
        UserError: one lacks either; the message says which.
    """
    for source in sorted({clip.source for clip in clips}):
        held = [clip.held_out for clip in clips if clip.source == source]
        if all(held) or not any(held):
            lacking = "to train on" if all(held) else "held out"
            raise UserError(
                f"none of the {len(held)} takes of source '{source}' is {lacking}; about one of ten is held out, by a "
                "hash of its name, so a source needs some twenty takes or more"
            )


def baselines(clips: list[MocapClip], validation: dict[str, list[LiftingSample]], frames: int) -> dict[str, dict]:
    """The trivial predictors: the mean pose, and ridge regression from one frame's features."""
    rng = np.random.default_rng(7)
    groups = _groups([c for c in clips if not c.held_out])
    train = _draw(groups, rng, 1000, frames)
    x = np.concatenate([s.features.reshape(frames, -1) for s in train])
    y = np.concatenate([s.target.reshape(frames, -1) for s in train])
    x1 = np.c_[x, np.ones(len(x))]
    weights = np.linalg.solve(x1.T @ x1 + 1.0 * np.eye(x1.shape[1]), x1.T @ y)
    result: dict[str, dict] = {"mean pose": {}, "linear regression": {}}
    for source, samples in validation.items():
        target = np.stack([s.target for s in samples])
        vx = np.concatenate([s.features.reshape(frames, -1) for s in samples])
        result["mean pose"][source] = _errors(np.broadcast_to(y.mean(0).reshape(17, 3), target.shape), target)
        result["linear regression"][source] = _errors(np.c_[vx, np.ones(len(vx))] @ weights, target)
    return result


def _groups(clips: list[MocapClip]) -> list[list[MocapClip]]:
    """Clips by source and label, so that drawing evenly over the groups does not drown in walking."""
    groups: dict[tuple[str, str], list[MocapClip]] = {}
    for clip in clips:
        groups.setdefault((clip.source, clip.label), []).append(clip)
    return list(groups.values())


@torch.no_grad()
def evaluate_lifting(model: nn.Module, validation: dict[str, list[LiftingSample]]) -> dict[str, dict[str, float]]:
    """MPJPE and P-MPJPE in millimetres on each source's held-out windows."""
    model.eval()
    arithmetic = Arithmetic(next(model.parameters()).device)
    result = {}
    for source, samples in validation.items():
        features, target = _stack(samples)
        result[source] = _errors(model(arithmetic.tensor(features)).cpu().numpy(), target)
    return result


def pretrain(config: PretrainConfig) -> dict:
    """Train, writing ``last.ckpt`` every epoch and ``encoder.ckpt`` and ``report.json`` at the end; resumes by
    itself.

    Raises:
        UserError: the corpus cannot be read, one of its sources has nothing to train on or nothing held out, the device
            is absent, or an earlier run in the folder had other recordings or settings.
    """
    torch.set_num_threads(config.threads)
    out = Path(config.out)
    clips = load_mocap(config.data)
    require_both_parts(clips)
    groups = _groups([c for c in clips if not c.held_out])
    validation = validation_set(clips, config.frames)

    torch.manual_seed(config.seed)
    device = choose_device(config.device)
    arithmetic, world = Arithmetic.of(device, config.amp), join(device)
    model = Lifter(SkeleFormer(network(config.frames, config.width, config.layers, config.dropout)))
    prepare(model, device, world)

    def batches(rng: np.random.Generator) -> Iterator[Batch]:
        for _ in range(math.ceil(config.windows_per_epoch / config.batch)):
            yield _stack(_draw(groups, rng, config.batch, config.frames))

    def figures(_: int) -> dict[str, float]:
        return {source: e["mpjpe_mm"] for source, e in evaluate_lifting(model, validation).items()}

    def loss(predicted: Tensor, others: Sequence[Tensor]) -> Tensor:
        return lifting_loss(predicted, others[0])

    stage = Stage(
        model=model,
        optimizer=torch.optim.AdamW(model.parameters(), lr=config.lr, weight_decay=config.weight_decay),
        batches=batches,
        loss=loss,
        rate=lambda epoch, _: config.lr_decay**epoch,
        validate=figures,
        settings=_settings(config, clips),
    )
    train(stage, out, config.epochs, config.seed, arithmetic, world)
    report = {"skeleformer": evaluate_lifting(model, validation), **baselines(clips, validation, config.frames)}
    if world.first:
        save_checkpoint(out / "encoder.ckpt", {"encoder": model.encoder.state_dict(), "config": asdict(config)})
        write_text(out / "report.json", json.dumps(report, indent=2) + "\n")
        training_curves(out, "MPJPE of held-out takes, mm", parts=False)
    return report


_FREE_SETTINGS = ("data", "out", "threads", "device")
"""They may change when a run goes on: they say where it and its data are, not what is learnt."""


def _settings(config: PretrainConfig, clips: Sequence[MocapClip]) -> dict:
    """What two runs must share to be the same one."""
    settings = {k: v for k, v in asdict(config).items() if k not in _FREE_SETTINGS}
    return {**settings, "recordings": len(clips), "corpus": [corpus_digest(clips)]}
