"""What a network costs: parameters and floating-point operations."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class Cost:
    """Parameters in all and in training, and the operations of one forward pass."""

    parameters: int
    trainable: int
    flops: int


def count_flops(module: nn.Module, *inputs: Tensor) -> int:
    """Floating-point operations of the matrix products and convolutions of one call; a multiply-add counts as two."""
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        module(*inputs)
    return counter.get_total_flops()


def count_parameters(module: nn.Module) -> tuple[int, int]:
    """All parameters of a module, and those that learn; one that is used twice counts once."""
    return (
        sum(p.numel() for p in module.parameters()),
        sum(p.numel() for p in module.parameters() if p.requires_grad),
    )


def cost(model: nn.Module, joints: int, features: int, frames: int, people: int = 1) -> Cost:
    """Cost of a classifier with input (1, people, frames, joints, features)."""
    training = model.training
    model.eval()
    total, trainable = count_parameters(model)
    flops = count_flops(model, torch.ones(1, people, frames, joints, features))
    model.train(training)
    return Cost(total, trainable, flops)
