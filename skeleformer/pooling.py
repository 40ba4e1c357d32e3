"""From the frames of a window to one embedding (section 3.3)."""

from __future__ import annotations

import torch
from torch import Tensor

POOLINGS = ("mean", "mean+max")
"""``mean`` is the paper's global average. ``mean+max`` puts the maximum of each channel behind it: a short motion, a
kick, is the largest value of some channel for a few frames only, and an average over two seconds hides it."""


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """Mean of x (N, L, d) over the positions where mask (N, L) is True; zero where there is none."""
    w = mask.to(x.dtype)[..., None]  # (N, L, 1)
    return (x * w).sum(1) / w.sum(1).clamp(min=1.0)  # (N, d)


def masked_max(x: Tensor, mask: Tensor) -> Tensor:
    """Maximum of x (N, L, d) over the positions where mask (N, L) is True; zero where there is none."""
    lowest = torch.finfo(torch.float16).min  # representable in every precision the network runs in
    highest = x.masked_fill(~mask[..., None], lowest).amax(1)  # (N, d)
    return highest * mask.any(1, keepdim=True).to(x.dtype)


def pool(x: Tensor, mask: Tensor, pooling: str) -> Tensor:
    """Frame embeddings x (N, L, d), mask (N, L) True where somebody is, to (N, d), or (N, 2d) for ``mean+max``."""
    mean = masked_mean(x, mask)
    return mean if pooling == "mean" else torch.cat([mean, masked_max(x, mask)], dim=-1)
