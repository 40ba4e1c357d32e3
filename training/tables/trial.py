"""One trial of a table: a network trained on a task for a fixed number of windows, always in the same way."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from training.run.devices import Arithmetic, ask_for_repeatability, choose_device
from training.tables.task import Batches


@dataclass(frozen=True)
class Budget:
    """How every trial is trained; section 4.4 leaves the rates to a search, here they are fixed for all tables.

    Attributes:
        batch: windows in a step.
        full_lr: peak learning rate of the encoder where all of it learns.
        small_lr: of the few parameters that a tuning method adds or frees, and of every classifier.
        weight_decay: of all parameters.
        warmup: part of the steps in which the rate rises; it then falls as a cosine.
        smoothing: of the labels.
        amp: half-precision products.
        device: one of ``training.run.devices.DEVICES``.
    """

    batch: int = 16
    full_lr: float = 3e-4
    small_lr: float = 2e-3
    weight_decay: float = 1e-4
    warmup: float = 0.1
    smoothing: float = 0.1
    amp: bool = True
    device: str = "cpu"


@dataclass(frozen=True)
class Cost:
    """What a trial took: parameters that learned, in millions, and seconds a thousand windows, making them included."""

    trainable_m: float
    seconds_per_1000: float


def train(model: nn.Module, batches: Batches, steps: int, budget: Budget, whole: bool, seed: int) -> Cost:
    """Train what of a model has ``requires_grad``.

    Args:
        model: features (B, M, T, V, F) to logits (B, classes); its classifier is ``head``.
        batches: features and labels.
        steps: how many batches there are, for the schedule.
        budget: the way of training.
        whole: the encoder learns as a whole and gets the rate for that.
        seed: of the dropout.

    Raises:
        ValueError: there are not ``steps`` batches, so that the last would run at another rate than the schedule's end.
    """
    torch.manual_seed(seed)
    arithmetic = Arithmetic.of(choose_device(budget.device), budget.amp)
    ask_for_repeatability(arithmetic.device)
    scaler = arithmetic.scaler()
    model.to(arithmetic.device).train()
    learning = [(name.startswith("head"), p) for name, p in model.named_parameters() if p.requires_grad]
    groups = [
        {"params": [p for head, p in learning if head], "peak": budget.small_lr},
        {"params": [p for head, p in learning if not head], "peak": budget.full_lr if whole else budget.small_lr},
    ]
    optimizer = torch.optim.AdamW([g for g in groups if g["params"]], lr=0.0, weight_decay=budget.weight_decay)
    windows = 0
    began = _clock(arithmetic.device)
    for step, (features, labels) in zip(range(steps), batches, strict=True):
        rate = _rate(step / steps, budget.warmup)
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * rate
        with arithmetic.autocast():
            logits = model(arithmetic.tensor(features)).float()
        loss = functional.cross_entropy(logits, arithmetic.tensor(labels), label_smoothing=budget.smoothing)
        optimizer.zero_grad(set_to_none=True)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_([p for _, p in learning], 1.0)
        scaler.step(optimizer)
        scaler.update()
        windows += len(labels)
    spent = _clock(arithmetic.device) - began
    return Cost(sum(p.numel() for _, p in learning) / 1e6, 1000 * spent / windows)


def _clock(device: torch.device) -> float:
    """Seconds of this processor; where another device computes, of the wall once it has done all it was given."""
    if device.type == "cpu":
        return time.process_time()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def _rate(done: float, warmup: float) -> float:
    """Part of the peak learning rate after ``done`` of the steps."""
    if done < warmup:
        return max(done / warmup, 0.02)
    return 0.5 * (1 + math.cos(math.pi * min((done - warmup) / (1 - warmup), 1.0)))
