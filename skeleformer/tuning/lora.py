"""LoRA: low-rank updates of the attention's projections (Hu et al., ICLR 2022)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from skeleformer.attention import Attention


class LoRALinear(nn.Linear):
    """y = W x + b + B A x, with A (rank, in) and B (out, rank); it takes over W and b of a plain layer."""

    def __init__(self, base: nn.Linear, rank: int) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = base.in_features, base.out_features
        self.weight, self.bias = base.weight, base.bias
        self.down = nn.Parameter(torch.empty(rank, base.in_features))  # A
        self.up = nn.Parameter(torch.zeros(base.out_features, rank))  # B, zero: tuning starts from W
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) to (..., out)."""
        update = functional.linear(functional.linear(x, self.down), self.up)  # (..., out)
        return functional.linear(x, self.weight, self.bias) + update

    def merged(self) -> nn.Linear:
        """The same map as one plain layer."""
        layer = nn.Linear(self.in_features, self.out_features)
        layer.weight = nn.Parameter((self.weight + self.up @ self.down).detach())
        layer.bias = nn.Parameter(self.bias.detach().clone())
        return layer


def add_lora(attention: Attention, rank: int) -> None:
    """Give the four projections of an attention low-rank updates."""
    for name in ("query", "key", "value", "out"):
        setattr(attention, name, LoRALinear(getattr(attention, name), rank))
