"""SkeleFormer: spatial encoder, temporal encoder, pooling and head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from skeleformer.config import SkeleFormerConfig
from skeleformer.encoder import SpatialEncoder, TemporalEncoder
from skeleformer.head import ClassificationHead
from skeleformer.pooling import pool
from skeleformer.tuning import TuningConfig, apply_tuning
from skeleformer.weights import check_state, load_weights, save_weights


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

    def save_pretrained(self, path: Path | str, metadata: Mapping[str, object] | None = None) -> None:
        """Write the parameters in half precision, with configuration, tuning and ``metadata``, as safetensors.

        Raises:
            WeightsError: the file cannot be written.
        """
        save_weights(self.state_dict(), self.config, path, metadata, tuning=self.tuning)

    @classmethod
    def from_pretrained(cls, path: Path | str) -> SkeleFormer:
        """Build the network that a file describes and load its parameters, as float32 and in evaluation mode.

        Raises:
            WeightsError: the file is missing, damaged, of another architecture, or a parameter does not fit.
        """
        file = load_weights(path)

        def build() -> SkeleFormer:
            model = cls(file.config)
            return apply_tuning(model, file.tuning) if file.tuning else model

        with torch.device("meta"):  # shapes first, so that a damaged file cannot ask for all of the memory
            check_state(file.state, build().state_dict(), path)
        model = build()
        model.load_state_dict(file.state)
        model.metadata = file.metadata
        return model.eval()
