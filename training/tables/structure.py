"""What becomes of the networks when the skeleton's structure is disturbed (table 6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.skeleton import COCO_PARENTS
from skeleformer.baselines.graph import bones_of
from skeleformer.baselines.stgcn import STGCN
from skeleformer.pretrained import SkeleFormer
from training.finetune import predictor
from training.tables.networks import require_encoder, skeleformer, stgcn, with_parents
from training.tables.report import Report, files_of
from training.tables.run import Settings
from training.tables.task import Task, load_task
from training.tables.trial import train

USUAL_TARGETS = ("utkinect",)

DELETED = 3
"""Joints of 17 that node deletion takes away: about 20 %."""

_PAPER = {"ST-GCN": (-8.7, -12.3, -9.1), "SkeleFormer": (-1.2, -0.8, -0.9)}

Disturb = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def delete_nodes(rng: np.random.Generator) -> Disturb:
    """Three random joints of each window (B, M, T, V, F) are absent."""

    def disturb(features: NDArray[np.float32]) -> NDArray[np.float32]:
        out = features.copy()
        for window in out:
            window[:, :, rng.choice(window.shape[2], DELETED, replace=False)] = 0
        return out

    return disturb


def shuffle_nodes(order: NDArray[np.intp]) -> Disturb:
    """Joints come in another order, the same in all windows, and the network is not told."""
    return lambda features: features[:, :, :, order]


def random_tree(rng: np.random.Generator, joints: int = 17) -> tuple[int, ...]:
    """Parents of a tree over the joints that has nothing to do with a body; joint 0 stays the root."""
    parents = [0] * joints
    known = [0]
    for joint in rng.permutation(np.arange(1, joints)):
        parents[joint] = int(rng.choice(known))
        known.append(int(joint))
    return tuple(parents)


def _trained(
    name: str,
    task: Task,
    settings: Settings,
    seed: int,
    parents: tuple[int, ...] = COCO_PARENTS,
    disturb: Disturb | None = None,
) -> SkeleFormer | STGCN:
    """A network trained on a skeleton of these bones, its input disturbed in this way."""
    classes = len(task.label_names)
    if name == "ST-GCN":
        model: SkeleFormer | STGCN = stgcn(classes, parents, seed=seed)
    else:
        model = skeleformer(classes, settings.encoder, parents=parents, seed=seed)
    batch = settings.budget.batch
    batches = task.batches(seed, batch)
    if disturb is not None:
        batches = ((disturb(features), labels) for features, labels in batches)
    train(model, batches, task.steps(batch), settings.budget, name != "ST-GCN", seed)
    return model.eval()


def _reconnected(model: SkeleFormer | STGCN, parents: tuple[int, ...]) -> SkeleFormer | STGCN:
    """The trained weights with other bones."""
    if isinstance(model, SkeleFormer):
        return with_parents(model, parents)
    other = stgcn(model.head.out_features)
    other.load_state_dict(model.state_dict())
    other.set_edges(bones_of(parents))
    return other.eval()


def _measured(name: str, task: Task, settings: Settings, seed: int) -> tuple[float, ...]:
    """A network's top-1 and its changes: the columns of the table."""
    rng = np.random.default_rng((seed, 6))
    delete, shuffle, tree = delete_nodes(rng), shuffle_nodes(rng.permutation(17)), random_tree(rng)

    def top1(model: SkeleFormer | STGCN, disturb: Disturb | None = None) -> float:
        return task.accuracy(predictor(model, settings.budget.amp), disturb)

    def learnt(disturb: Disturb) -> float:
        return top1(_trained(name, task, settings, seed, disturb=disturb), disturb)

    plain = _trained(name, task, settings, seed)
    undisturbed = top1(plain)
    disturbed = (
        top1(plain, delete), top1(plain, shuffle), top1(_reconnected(plain, tree)),
        learnt(delete), learnt(shuffle), top1(_trained(name, task, settings, seed, tree)),
    )  # fmt: skip
    return (undisturbed, *(value - undisturbed for value in disturbed))


def structure(settings: Settings, targets: tuple[str, ...]) -> None:
    """Table 6: change of the accuracy, in points, by a disturbance that the network meets for the first time when it
    is measured, and by one that it is trained and measured with."""
    encoder = settings.pretrained()
    require_encoder(encoder)
    task = load_task(settings.data, (targets or USUAL_TARGETS)[0])
    task = replace(task, source=replace(task.source, augmentation=replace(task.source.augmentation, mirror=0.0)))
    report = Report(
        files_of("table6-structure", (task.name,), USUAL_TARGETS), "Structural perturbation (table 6)",
        f"Trained on {task.name} ({len(task.source.clips)} clips, {task.passes} passes, no mirroring; SkeleFormer from "
        "the 2D-to-3D pre-trained encoder) and measured on its validation part. First column: top-1 in percent; the "
        "others: its change in points. `met`: the trained network meets the disturbance when measured. `learnt`: "
        "it is trained with the same disturbance. The paper does not say which it means; its figures: NTU-60 CS.",
        ("top-1", "deletion met", "shuffling met", "edges met", "deletion learnt", "shuffling learnt", "edges learnt"),
        settings.command, ("deletion", "shuffling", "edges"), settings.made_from([task.name], encoder),
    )  # fmt: skip
    report.resume(settings.out)
    for name, paper in _PAPER.items():
        if report.has(name):
            continue
        seeds = [_measured(name, task, settings, seed) for seed in range(settings.seeds)]
        report.add(name, list(zip(*seeds, strict=True)), paper)
        report.keep(settings.out)
    report.write(settings.out)
