"""Skeletons with other joints, in three dimensions (table 9)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from core.errors import UserError
from core.preprocess import RATE_HZ
from core.skeleton import COCO_PARENTS, parents_from_names
from skeleformer.multistream.features import skeleton_features
from training.data.clips import Clip
from training.data.datasets import load_dataset
from training.data.pickles import load_plain_pickle
from training.evaluate import mean_probabilities
from training.finetune import predictor
from training.run.saved import take_over
from training.tables.networks import encoder_weights, skeleformer, stgcn
from training.tables.report import Report, files_of
from training.tables.run import Settings
from training.tables.task import FRAMES, Batches, load_task, recipe_part, windows_of_a_pass
from training.tables.trial import train
from training.windows.batches import pad_windows
from training.windows.cut import observed, sliding_windows

USUAL_TARGETS = ("utkinect",)

_PAPER = {"3D": (81.5, 90.4), "2D -> 3D": (81.6, 92.6), "2D": (43.3, 57.8), "3D -> 2D": (43.3, 57.8)}
_JITTER_M = 0.01
_YAW_DEG = 30.0


@dataclass(frozen=True)
class SensorClip:
    """A recording with the sensor's own joints: metres (T, V, 3), weights (T, V), class."""

    positions: NDArray[np.float32]
    weights: NDArray[np.float32]
    label: int


@dataclass(frozen=True)
class SensorTask:
    """A depth-sensor data set with all its joints."""

    name: str
    classes: int
    parents: tuple[int, ...]
    centre: tuple[int, ...]
    train: tuple[SensorClip, ...]
    held_out: tuple[SensorClip, ...]
    passes: int

    def steps(self, batch: int) -> int:
        """How many batches of ``batch`` windows a trial is trained on."""
        return self.passes * math.ceil(windows_of_a_pass(len(self.train), batch) / batch)

    def features(self, clip: SensorClip) -> NDArray[np.float32]:
        """(T, V, 7)."""
        return skeleton_features(clip.positions, clip.weights, RATE_HZ, self.centre)

    def batches(self, seed: int, batch: int) -> Batches:
        """Random windows, the person turned about the vertical axis a little and every joint moved a little."""
        for number in range(self.passes):
            rng = np.random.default_rng((seed, number))
            order = np.resize(rng.permutation(len(self.train)), windows_of_a_pass(len(self.train), batch))
            for first in range(0, len(order), batch):
                chosen = [self.train[i] for i in order[first : first + batch]]
                windows = [_random_cut(self.features(_disturbed(c, rng)), rng)[None] for c in chosen]
                yield pad_windows(windows), np.array([c.label for c in chosen])

    def accuracy(self, model: nn.Module, amp: bool) -> float:
        """Top-1 accuracy in percent on the held-out clips, by the windows that cover each, as in two dimensions."""
        windows = [sliding_windows(self.features(c)[None], FRAMES, FRAMES // 2) for c in self.held_out]
        said = mean_probabilities(predictor(model, amp), windows).argmax(1)
        return 100 * float((said == [c.label for c in self.held_out]).mean())


def _random_cut(features: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    first = int(rng.integers(max(len(features) - FRAMES, 0) + 1))
    return features[first : first + FRAMES]


def _disturbed(clip: SensorClip, rng: np.random.Generator) -> SensorClip:
    yaw = np.radians(rng.uniform(-_YAW_DEG, _YAW_DEG))
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    positions = clip.positions @ turn.T * rng.uniform(0.9, 1.1) + rng.normal(0, _JITTER_M, clip.positions.shape)
    return SensorClip(positions.astype(np.float32), clip.weights, clip.label)


def load_sensor_task(folder: Path, name: str, passes: int) -> SensorTask:
    """A depth-sensor data set of the recipe with its own joints, at the models' rate.

    Raises:
        UserError: the file is no annotation file, or not one of a depth sensor.
    """
    path, part = folder / f"{name}.pkl", recipe_part(name)
    data = load_dataset(path)  # knows splits and times; its clips have lost the sensor's own joints
    raw = load_plain_pickle(path)
    parents = _parents(raw.get("joint_names"), path)
    root = next(j for j, p in enumerate(parents) if j == p)
    recorded = list(zip(data.clips, raw["annotations"], strict=True))

    def clips(split: str) -> tuple[SensorClip, ...]:
        members = {clip.name for clip in data.part(split)}
        return tuple(_sensor_clip(c, a, len(parents)) for c, a in recorded if c.name in members)

    return SensorTask(name, len(data.label_names), parents, (root,), clips(part.train), clips(part.validate[0]), passes)


def _parents(names: Sequence[str] | None, path: Path) -> tuple[int, ...]:
    """Parents of the joints that an annotation file names."""
    if names is None:
        raise UserError(f"{path} does not name a depth sensor's joints ('joint_names'), which table 9 is about")
    try:
        return parents_from_names([str(n) for n in names])
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None


def _sensor_clip(clip: Clip, annotation: dict, joints: int) -> SensorClip:
    """The person with the sensor's joints at the models' rate; nobody in long pauses, as in the 2D windows."""
    positions = np.asarray(annotation["keypoint"], np.float32)[0]
    if positions.shape[1:] != (joints, 3):
        raise UserError(f"{clip.name} has {positions.shape[1:]} joints and coordinates, not ({joints}, 3)")
    scores = annotation.get("keypoint_score")
    weights = np.ones(positions.shape[:2]) if scores is None else np.nan_to_num(np.asarray(scores, np.float32)[0])
    bad = ~np.isfinite(positions).all(-1)
    positions, weights = np.where(bad[..., None], 0, positions), np.where(bad, 0, weights)
    grid = np.arange(clip.times_s[0], clip.times_s[-1] + 1e-6, 1 / RATE_HZ)
    return SensorClip(*observed(clip.times_s, positions, weights, grid), clip.label)


def joints(settings: Settings, targets: tuple[str, ...]) -> None:
    """Table 9: transfer between skeletons that differ in joints and dimensions, by full fine-tuning."""
    name = (targets or USUAL_TARGETS)[0]
    flat = load_task(settings.data, name)
    deep = load_sensor_task(settings.data, name, flat.passes)
    other = load_sensor_task(settings.data, "nw_ucla", 2)
    amp, batch = settings.budget.amp, settings.budget.batch
    source = encoder_weights(settings.source_file("full"))

    def make(kind: str, classes: int, parents: tuple[int, ...], coords: int, seed: int) -> nn.Module:
        if kind == "ST-GCN":
            return stgcn(classes, parents, coords, seed)
        return skeleformer(classes, None, parents=parents, coords=coords, seed=seed)

    def on_deep(kind: str, seed: int, transferred: bool) -> float:
        model = make(kind, deep.classes, deep.parents, 3, seed)
        if transferred:
            take_over(model, source if kind == "SkeleFormer" else _without_head(on_flat_model(kind, seed)))
        train(model, deep.batches(seed, batch), deep.steps(batch), settings.budget, kind != "ST-GCN", seed)
        return deep.accuracy(model, amp)

    def on_flat_model(kind: str, seed: int, start: nn.Module | None = None) -> nn.Module:
        model = make(kind, len(flat.label_names), COCO_PARENTS, 2, seed)
        if start is not None:
            take_over(model, _without_head(start))
        train(model, flat.batches(seed, batch), flat.steps(batch), settings.budget, kind != "ST-GCN", seed)
        return model

    def on_flat(kind: str, seed: int, transferred: bool) -> float:
        start = None
        if transferred:
            start = make(kind, other.classes, other.parents, 3, seed)
            train(start, other.batches(seed, batch), other.steps(batch), settings.budget, kind != "ST-GCN", seed)
        return flat.accuracy(predictor(on_flat_model(kind, seed, start), amp))

    report = Report(
        files_of("table9-joints", (name,), USUAL_TARGETS), "Skeletons with other joints (table 9)",
        f"{name} with the sensor's {len(deep.parents)} joints in 3D and as COCO's 17 in 2D, by full fine-tuning; top-1 "
        "in percent. Parameters whose shapes agree are taken over: of SkeleFormer the embeddings' and the spatial "
        "transformer's that do not depend on joints or dimensions, of ST-GCN its convolutions. Sources: SkeleFormer to "
        f"3D, the 17-joint source model; ST-GCN to 3D, {name} in 2D; to 2D, {other.name} with {len(other.parents)} "
        "joints in 3D. The paper's figures are for NTU-60 CS (25 joints, 3D) and Posetics (17, 2D).",
        ("ST-GCN", "SkeleFormer"), settings.command, ("ST-GCN", "SkeleFormer"),
        settings.made_from([name, other.name], settings.source_file("full")),
    )  # fmt: skip
    report.resume(settings.out)
    in_3d, in_2d = f"{len(deep.parents)} joints, 3D", f"{len(COCO_PARENTS)} joints, 2D"
    rows = (
        ("3D", in_3d, on_deep, False), ("2D -> 3D", f"{in_2d} -> {in_3d}", on_deep, True),
        ("2D", in_2d, on_flat, False), ("3D -> 2D", f"{len(other.parents)} joints, 3D -> {in_2d}", on_flat, True),
    )  # fmt: skip
    for kind, label, one, transferred in rows:
        if report.has(label):
            continue
        cells = [[one(net, seed, transferred) for seed in range(settings.seeds)] for net in ("ST-GCN", "SkeleFormer")]
        report.add(label, cells, _PAPER[kind])
        report.keep(settings.out)
    report.write(settings.out)


def _without_head(model: nn.Module) -> dict:
    return {k: v for k, v in model.state_dict().items() if not k.startswith("head.")}
