"""Losses over a vocabulary merged from data sets that do not share classes."""

from __future__ import annotations

import torch
from torch import Tensor


def any_of_cross_entropy(
    logits: Tensor, target: Tensor, choices: Tensor | None = None, smoothing: float = 0.0
) -> Tensor:
    """Mean of -log of the probability that one of the right words is chosen.

    Args:
        logits: (B, words).
        target: (B, words) bool, the words that are right.
        choices: (B, words) bool, the words to choose among; all by default.
        smoothing: part of the target spread evenly over the choices.
    """
    log_p = (logits if choices is None else logits.masked_fill(~choices, -1e4)).log_softmax(-1)
    right = torch.logsumexp(log_p.masked_fill(~target, -1e4), dim=-1)
    loss = -right
    if smoothing:
        allowed = torch.ones_like(target) if choices is None else choices
        spread = (log_p * allowed).sum(-1) / allowed.sum(-1)
        loss = (1 - smoothing) * loss - smoothing * spread
    return loss.mean()
