"""The network in two halves for streaming: one frame at a time, then one window at a time."""

from __future__ import annotations

from torch import Tensor, nn

from skeleformer.model import SkeleFormer, masked_mean


class SpatialGraph(nn.Module):
    """The half that runs once per new frame."""

    def __init__(self, model: SkeleFormer) -> None:
        super().__init__()
        self.spatial = model.spatial

    def forward(self, features: Tensor) -> Tensor:
        """Features (N, V, 2C + 1) to tokens (N, d)."""
        return self.spatial(features)


class TemporalGraph(nn.Module):
    """The half that runs at each decision, on the tokens of a window."""

    def __init__(self, model: SkeleFormer) -> None:
        super().__init__()
        self.temporal = model.temporal
        self.head = model.head

    def forward(self, tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (N, T, d) and mask (N, T) bool to logits (N, classes) and embedding (N, d)."""
        embedding = masked_mean(self.temporal(tokens, mask), mask)  # (N, d)
        return self.head(embedding), embedding
