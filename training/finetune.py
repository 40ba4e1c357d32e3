"""Training a SkeleFormer to name actions, from scratch or from a pre-trained encoder."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from core.errors import UserError
from skeleformer.baselines.ddnet import DDNet
from skeleformer.pretrained import SkeleFormer
from skeleformer.tuning import TuningConfig, apply_tuning
from training.run.average import RunningAverage
from training.run.devices import Arithmetic, choose_device
from training.run.digest import digest
from training.run.distil import Teacher, distillation_loss
from training.run.loop import Batch, Stage, prepare, train
from training.run.losses import any_of_cross_entropy
from training.run.parallel import join
from training.run.plots import training_curves
from training.run.saved import take_over
from training.run.sizes import network
from training.windows.sampler import epoch_batches
from training.windows.source import Source

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FinetuneConfig:
    """How a training run goes."""

    out: str
    epochs: int = 60
    windows_per_epoch: int = 4000
    batch: int = 64
    lr: float = 3e-4  # of the encoder
    head_lr: float = 1e-3  # of the head
    weight_decay: float = 0.05
    warmup: float = 0.05  # part of the steps
    smoothing: float = 0.1
    choice_weight: float = 0.5  # of the loss among the data set's own classes, beside that among all words
    idle_part: float = 0.05
    average: float = 0.998  # decay of the running average of the weights, which is what is kept
    frames: int = 32
    dropout: float = 0.1
    threads: int = 1
    amp: bool = False
    seed: int = 0
    evaluate_every: int = 5
    device: str = "cpu"  # one of training.run.devices.DEVICES
    width: int = 32  # channels a joint
    layers: int = 4  # of either transformer
    pooling: str = "mean+max"  # one of skeleformer.pooling.POOLINGS
    teaching: float = 0.3  # part of the loss that compares with the teachers, if there are any
    method: str = "full"  # what learns: one of skeleformer.tuning.METHODS
    prompts: int = 10  # a layer, for the methods that have them


def predictor(model: nn.Module, amp: bool = False) -> Callable[[np.ndarray], np.ndarray]:
    """The model, on its device, as a function of numpy features (B, M, T, V, F) to logits."""

    def predict(features: np.ndarray) -> np.ndarray:
        arithmetic = Arithmetic.of(next(model.parameters()).device, amp)
        model.eval()
        with torch.no_grad(), arithmetic.autocast():
            return model(arithmetic.tensor(features)).float().cpu().numpy()

    return predict


def parameter_groups(model: nn.Module, config: FinetuneConfig) -> list[dict]:
    """Encoder and head with their learning rates; no weight decay on biases, norms and positions."""
    groups: dict[tuple[bool, bool], list[Tensor]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            plain = parameter.ndim < 2 or name.endswith(".position")
            groups.setdefault((name.startswith("head"), plain), []).append(parameter)
    return [
        {
            "params": parameters,
            "lr": config.head_lr if head else config.lr,
            "weight_decay": 0.0 if plain else config.weight_decay,
        }
        for (head, plain), parameters in groups.items()
    ]


def finetune(
    config: FinetuneConfig,
    sources: Sequence[Source],
    words: Sequence[str],
    encoder: dict[str, Tensor] | None = None,
    idle: int | None = None,
    validate: Callable[[nn.Module], dict[str, float]] | None = None,
    teacher: Teacher | None = None,
) -> SkeleFormer:
    """Train and return the averaged model; ``last.ckpt`` is written every epoch and resumed from.

    Args:
        config: the run.
        sources: training clips.
        words: the model's classes.
        encoder: weights to start from; entries of another shape are left out.
        idle: index of the word for held poses, or None for none.
        validate: figures to log of the averaged model, which is on the run's device, every few epochs; under
            ``torchrun`` the first process alone calls it.
        teacher: whose opinion of each window is learnt from too.

    Returns:
        The averaged model on the run's device, in evaluation mode; the same in every process.

    Raises:
        UserError: the device is absent, an earlier run in the folder had other settings, no weight of the encoder
            fits, or the batch size cannot be used.
    """
    torch.manual_seed(config.seed)
    sizes = network(config.frames, config.width, config.layers, config.dropout, len(words), config.pooling)
    model = SkeleFormer(sizes)
    if encoder is not None:
        _start_from(model, encoder)
    model = _tuned(model, config)
    return learn(model, config, sources, words, _fingerprint(encoder or {}), idle, validate, teacher)


def teach(
    config: FinetuneConfig,
    sources: Sequence[Source],
    words: Sequence[str],
    idle: int | None = None,
    validate: Callable[[nn.Module], dict[str, float]] | None = None,
) -> DDNet:
    """Train a network to teach others, in the way of ``finetune`` and on the same windows."""
    torch.manual_seed(config.seed)
    model = DDNet(len(words), width=config.width, dropout=config.dropout)
    return learn(model, config, sources, words, "", idle, validate)


Network = TypeVar("Network", bound=nn.Module)


def learn(
    model: Network,
    config: FinetuneConfig,
    sources: Sequence[Source],
    words: Sequence[str],
    start: str,
    idle: int | None = None,
    validate: Callable[[nn.Module], dict[str, float]] | None = None,
    teacher: Teacher | None = None,
) -> Network:
    """Train a network whose classifier is its ``head``; the average of its weights is returned.

    Args:
        model: as it starts.
        config: the run.
        sources: training clips.
        words: the network's classes.
        start: what a run that goes on must have started from too.
        idle: as in ``finetune``.
        validate: as in ``finetune``.
        teacher: as in ``finetune``.
    """
    torch.set_num_threads(config.threads)
    if 1 in (config.batch, config.windows_per_epoch % config.batch):
        raise UserError("a batch of the epoch would be one window, of which there is no variance; change --batch")
    device = choose_device(config.device)
    arithmetic, world = Arithmetic.of(device, config.amp), join(device)
    average = RunningAverage(model.to(device), config.average)  # of plain batch norms, which ``prepare`` may replace
    prepare(model, device, world)
    steps = math.ceil(config.windows_per_epoch / config.batch)

    def batches(rng: np.random.Generator) -> Iterator[Batch]:
        for batch in epoch_batches(
            sources, len(words), rng, config.windows_per_epoch, config.batch, config.frames, idle, config.idle_part
        ):
            opinion = () if teacher is None else (teacher.opinion(batch.features),)
            yield batch.features, batch.target, batch.choices, *opinion

    def loss(logits: Tensor, others: Sequence[Tensor]) -> Tensor:
        target, choices, *opinion = others
        every = any_of_cross_entropy(logits, target, None, config.smoothing)
        if config.choice_weight:
            every = every + config.choice_weight * any_of_cross_entropy(logits, target, choices, config.smoothing)
        if opinion:
            every = (1 - config.teaching) * every + config.teaching * distillation_loss(logits, opinion[0])
        return every

    def figures(epoch: int) -> dict[str, float]:
        if validate is None or ((epoch + 1) % config.evaluate_every and epoch + 1 < config.epochs):
            return {}
        return validate(average.module)

    stage = Stage(
        model=model,
        optimizer=torch.optim.AdamW(parameter_groups(model, config)),
        batches=batches,
        loss=loss,
        rate=lambda epoch, step: _schedule(epoch * steps + step, steps * config.epochs, config.warmup),
        validate=figures,
        settings=_settings(config, sources, words, start, idle, teacher),
        average=average,
    )
    train(stage, Path(config.out), config.epochs, config.seed, arithmetic, world)
    if world.first:
        training_curves(Path(config.out), "top-1 accuracy", parts=True)
    return cast(Network, average.module.eval())


def _start_from(model: SkeleFormer, encoder: Mapping[str, Tensor]) -> None:
    """Take over the weights that fit.

    Raises:
        UserError: none do.
    """
    taken = take_over(model, encoder)
    if not taken:
        raise UserError("no weight of the encoder to start from fits a model of these sizes")
    log.info("%d of %d tensors from the pre-trained encoder", taken, len(model.state_dict()))


def _tuned(model: SkeleFormer, config: FinetuneConfig) -> SkeleFormer:
    """The model with what the method adds; whole fine-tuning leaves no trace in it."""
    if config.method == "full":
        return model
    return apply_tuning(model, TuningConfig(config.method, prompts=config.prompts))


_FREE_SETTINGS = ("out", "threads", "device", "evaluate_every")
"""They may change when a run goes on: they say where and how fast it runs and what is reported, not what is learnt."""


def _settings(
    config: FinetuneConfig,
    sources: Sequence[Source],
    words: Sequence[str],
    start: str,
    idle: int | None,
    teacher: Teacher | None,
) -> dict:
    """What two runs must share to be the same one."""
    settings = {k: v for k, v in asdict(config).items() if k not in _FREE_SETTINGS}
    data = [
        [
            s.name, s.digest(), s.weight, s.people, repr(s.augmentation), [list(words) for words in s.merge],
            sorted(s.held), s.anywhere, sorted(s.walking), s.still,
        ]
        for s in sources
    ]  # fmt: skip
    return {
        **settings, "data": data, "words": list(words), "idle word": -1 if idle is None else idle,
        "encoder": [start], "teacher": [teacher.digest if teacher else ""],
    }  # fmt: skip


def _fingerprint(weights: Mapping[str, Tensor]) -> str:
    """Tells weights to start from apart."""
    return digest(part for key in sorted(weights) for part in (key, weights[key].detach().cpu().float().numpy()))


def _schedule(step: int, total: int, warmup: float) -> float:
    """Linear warm-up, then a cosine to zero."""
    start = max(warmup * total, 1)
    if step < start:
        return (step + 1) / start
    return 0.5 * (1 + math.cos(math.pi * (step - start) / max(total - start, 1)))
