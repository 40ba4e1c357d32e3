"""The network in two halves for streaming: one frame at a time, then one window at a time.

``TemporalGraph`` after ``SpatialGraph`` is the whole network for one person. Of several people the whole network pools
all frames together: of average pooling that is the mean of the people's embeddings, each weighing as much as the frames
in which that person was seen.
"""

from __future__ import annotations

from torch import Tensor, nn

from skeleformer.folding import fold
from skeleformer.model import SkeleFormer
from skeleformer.pooling import pool


class SpatialGraph(nn.Module):
    """The half that runs once per new frame; for inference, so tuning is folded into its weights where it can be.

    Args:
        model: with or without tuning; it stays as it is.
        folded: False keeps the tuning method's equations as they are written.
    """

    def __init__(self, model: SkeleFormer, folded: bool = True) -> None:
        super().__init__()
        self.spatial = fold(model.spatial) if folded else model.spatial

    def forward(self, features: Tensor) -> Tensor:
        """Features (N, V, 2C + 1) to tokens (N, d), or (N, 3d) where the streams are fused after the encoder."""
        return self.spatial(features)


class TemporalGraph(nn.Module):
    """The half that runs at each decision, on the tokens of a window.

    Args:
        model: with or without tuning; it stays as it is.
        folded: False keeps the tuning method's equations as they are written.
    """

    def __init__(self, model: SkeleFormer, folded: bool = True) -> None:
        super().__init__()
        self.temporal = fold(model.temporal) if folded else model.temporal
        self.head, self.pooling = model.head, model.config.pooling

    def forward(self, tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (N, T, d) and mask (N, T) bool to logits (N, classes) and embedding (N, e)."""
        embedding = pool(self.temporal(tokens, mask), mask, self.pooling)  # (N, e)
        return self.head(embedding), embedding
