"""Training a SkeleFormer to name actions, from scratch or from a pre-trained encoder."""

from __future__ import annotations

import csv
import json
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from skeleformer.config import SkeleFormerConfig
from skeleformer.model import SkeleFormer
from training.checkpoint import load_checkpoint, save_checkpoint
from training.losses import any_of_cross_entropy
from training.sampler import Source, epoch_batches

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


class RunningAverage:
    """Exponential average of a model's parameters, slow to start with less memory."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self.state = {k: v.detach().clone() for k, v in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for key, value in model.state_dict().items():
            if value.dtype.is_floating_point:
                self.state[key].lerp_(value, 1 - decay)
            else:
                self.state[key].copy_(value)


def predictor(model: nn.Module, amp: bool = False) -> Callable[[np.ndarray], np.ndarray]:
    """The model as a function of numpy features (B, M, T, V, F) to logits."""

    def predict(features: np.ndarray) -> np.ndarray:
        model.eval()
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=amp):
            return model(torch.from_numpy(features)).float().numpy()

    return predict


def parameter_groups(model: SkeleFormer, config: FinetuneConfig) -> list[dict]:
    """Encoder and head with their learning rates; no weight decay on biases, norms and positions."""
    groups: dict[tuple[bool, bool], list[Tensor]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            plain = parameter.ndim < 2 or "position" in name
            groups.setdefault((name.startswith("head"), plain), []).append(parameter)
    return [
        {
            "params": parameters,
            "base_lr": config.head_lr if head else config.lr,
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
    validate: Callable[[SkeleFormer], dict[str, float]] | None = None,
) -> SkeleFormer:
    """Train and return the averaged model; ``last.ckpt`` is written every epoch and resumed from.

    Args:
        config: the run.
        sources: training clips.
        words: the model's classes.
        encoder: weights to start from; entries of another shape are left out.
        idle: index of the word for held poses, or None for none.
        validate: figures to log of the averaged model every few epochs.
    """
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    out = Path(config.out)
    model = SkeleFormer(SkeleFormerConfig(classes=len(words), frames=config.frames, dropout=config.dropout))
    if encoder is not None:
        own = model.state_dict()
        taken = {k: v for k, v in encoder.items() if k in own and v.shape == own[k].shape}
        model.load_state_dict(taken, strict=False)
        log.info("%d of %d tensors from the pre-trained encoder", len(taken), len(own))
    optimizer = torch.optim.AdamW(parameter_groups(model, config))
    average = RunningAverage(model, config.average)
    steps_per_epoch = math.ceil(config.windows_per_epoch / config.batch)
    total = steps_per_epoch * config.epochs
    first = 0
    state = load_checkpoint(out / "last.ckpt")
    if state is not None:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        average.state, average.steps = state["average"], state["steps"]
        first = state["epoch"] + 1
        log.info("goes on after epoch %d", state["epoch"])

    smooth = SkeleFormer(model.config)
    for epoch in range(first, config.epochs):
        started = time.perf_counter()
        rng = np.random.default_rng((config.seed, epoch))
        torch.manual_seed(config.seed * 100_003 + epoch)
        model.train()
        losses = []
        batches = epoch_batches(
            sources, len(words), rng, config.windows_per_epoch, config.batch, config.frames, idle, config.idle_part
        )
        for step, batch in enumerate(batches, start=epoch * steps_per_epoch):
            rate = _schedule(step, total, config.warmup)
            for group in optimizer.param_groups:
                group["lr"] = group["base_lr"] * rate
            with torch.autocast("cpu", torch.bfloat16, enabled=config.amp):
                logits = model(torch.from_numpy(batch.features)).float()
            target, choices = torch.from_numpy(batch.target), torch.from_numpy(batch.choices)
            loss = any_of_cross_entropy(logits, target, None, config.smoothing)
            if config.choice_weight:
                loss = loss + config.choice_weight * any_of_cross_entropy(logits, target, choices, config.smoothing)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            average.update(model)
            losses.append(loss.item())
        row: dict[str, float] = {
            "epoch": epoch,
            "loss": float(np.mean(losses)),
            "seconds": time.perf_counter() - started,
        }
        if validate is not None and ((epoch + 1) % config.evaluate_every == 0 or epoch + 1 == config.epochs):
            smooth.load_state_dict(average.state)
            row.update(validate(smooth))
        log.info(" ".join(f"{k} {v:.4g}" for k, v in row.items()))
        _append_metrics(out / "metrics.csv", row)
        save_checkpoint(
            out / "last.ckpt",
            {
                "model": model.state_dict(), "optimizer": optimizer.state_dict(), "average": average.state,
                "steps": average.steps, "epoch": epoch, "config": asdict(config), "words": list(words),
            },
        )  # fmt: skip
    smooth.load_state_dict(average.state)
    return smooth.eval()


def _schedule(step: int, total: int, warmup: float) -> float:
    """Linear warm-up, then a cosine to zero."""
    start = max(warmup * total, 1)
    if step < start:
        return (step + 1) / start
    return 0.5 * (1 + math.cos(math.pi * (step - start) / max(total - start, 1)))


def _append_metrics(path: Path, row: dict[str, float]) -> None:
    """One JSON object a line beside the CSV of what every epoch has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(["epoch", "loss", "seconds"])
        writer.writerow([row["epoch"], row["loss"], row["seconds"]])
