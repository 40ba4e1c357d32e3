"""Multi-head softmax attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn

MASKED_LOGIT = -1e4
"""Stands for minus infinity: half precision holds it, and a row that is masked throughout stays finite."""


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
        logits = logits.masked_fill(~key_mask[..., None, None, :], MASKED_LOGIT)
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
