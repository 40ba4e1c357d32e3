"""Multi-head attention and the pre-norm transformer block that both halves of the encoder are made of."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def attend(query: Tensor, key: Tensor, value: Tensor, heads: int, key_mask: Tensor | None = None) -> Tensor:
    """Softmax attention, softmax(q k^T / sqrt(d / heads)) v, in each head.

    Args:
        query: (..., L, d); key, value: (..., S, d).
        heads: number of heads; d is a multiple of it.
        key_mask: (..., S), True where a key may be looked at. A row without any True gives finite, meaningless output.

    Returns:
        (..., L, d)
    """
    q = query.unflatten(-1, (heads, -1)).transpose(-2, -3)  # (..., h, L, d/h)
    k = key.unflatten(-1, (heads, -1)).transpose(-2, -3)  # (..., h, S, d/h)
    v = value.unflatten(-1, (heads, -1)).transpose(-2, -3)  # (..., h, S, d/h)
    logits = q @ k.transpose(-1, -2) * (q.shape[-1] ** -0.5)  # (..., h, L, S)
    if key_mask is not None:
        # Not minus infinity: fp16 graphs and rows that are masked throughout must stay finite.
        logits = logits.masked_fill(~key_mask[..., None, None, :], -1e4)
    out = torch.softmax(logits, dim=-1) @ v  # (..., h, L, d/h)
    return out.transpose(-2, -3).flatten(-2)  # (..., L, d)


class Attention(nn.Module):
    """Multi-head self-attention with separate projections, so that prompts can share them (section 3.4)."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(dim, dim)
        self.value = nn.Linear(dim, dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, x: Tensor, key_mask: Tensor | None = None) -> Tensor:
        """(..., L, d) to (..., L, d)."""
        return self.out(attend(self.query(x), self.key(x), self.value(x), self.heads, key_mask))


class Block(nn.Module):
    """One layer L^i of equations 1 and 2: self-attention and MLP, each after a layer norm and with a residual."""

    def __init__(self, dim: int, heads: int, mlp_ratio: float, dropout: float) -> None:
        super().__init__()
        hidden = int(dim * mlp_ratio)
        self.norm1 = nn.LayerNorm(dim)
        self.attention = Attention(dim, heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, dim))
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor, key_mask: Tensor | None = None) -> Tensor:
        """(..., L, d) to (..., L, d)."""
        x = x + self.drop(self.attention(self.norm1(x), key_mask))  # (..., L, d)
        return x + self.drop(self.mlp(self.norm2(x)))  # (..., L, d)
