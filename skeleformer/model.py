"""SkeleFormer: spatial encoder, temporal encoder, pooling and head."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor, nn

from skeleformer.config import SkeleFormerConfig, TuningConfig
from skeleformer.encoder import SpatialEncoder, TemporalEncoder
from skeleformer.head import ClassificationHead
from skeleformer.pooling import pool


class SkeleFormer(nn.Module):
    """Skeleton sequences of up to M people to class logits.

    Attributes:
        config: sizes.
        tuning: the tuning method that ``apply_tuning`` has added; None for the plain network.
        metadata: what came with the weights file beside the configuration, for example ``labels`` as JSON.
    """

    def __init__(self, config: SkeleFormerConfig) -> None:
        super().__init__()
        self.config = config
        self.tuning: TuningConfig | None = None
        self.metadata: dict[str, str] = {}
        self.spatial = SpatialEncoder(config)
        self.temporal = TemporalEncoder(config)
        self.head = ClassificationHead(config.embedding, config.classes, config.head_hidden, config.dropout)

    def encode(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, M, T, V, 2C + 1) to frame embeddings (B, M, T, d) and mask (B, M, T), True where somebody is."""
        people = features.shape[:3]
        mask = (features[..., -1] > 0).any(-1)  # (B, M, T)
        tokens = self.spatial(features.flatten(0, 2)).unflatten(0, people)  # (B, M, T, d)
        h = self.temporal(tokens.flatten(0, 1), mask.flatten(0, 1))  # (B M, T, d)
        return h.unflatten(0, people[:2]), mask

    def embed(self, features: Tensor) -> Tensor:
        """Features (B, M, T, V, 2C + 1) to the embedding (B, e), pooled over the people and frames that are there."""
        h, mask = self.encode(features)
        return pool(h.flatten(1, 2), mask.flatten(1, 2), self.config.pooling)  # (B, e)

    def forward(self, features: Tensor) -> Tensor:
        """Features (B, M, T, V, 2C + 1) to logits (B, classes)."""
        return self.head(self.embed(features))  # (B, classes)

    def replace_head(self, classes: int, head_hidden: int | None = None) -> None:
        """A new classifier for a target data set; ``head_hidden`` None keeps the kind of head."""
        hidden = self.config.head_hidden if head_hidden is None else head_hidden
        self.config = replace(self.config, classes=classes, head_hidden=hidden)
        head = ClassificationHead(self.config.embedding, classes, hidden, self.config.dropout)
        self.head = head.to(self.temporal.position.device, self.temporal.position.dtype)
