"""SkeleFormer: spatial encoder, temporal encoder, pooling and head."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from skeleformer.config import SkeleFormerConfig
from skeleformer.encoder import SpatialEncoder, TemporalEncoder
from skeleformer.head import ClassificationHead
from skeleformer.weights import check_state, load_weights, save_weights


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """Mean of x (N, L, d) over the positions where mask (N, L) is True; zero where there is none."""
    w = mask.to(x.dtype)[..., None]  # (N, L, 1)
    return (x * w).sum(1) / w.sum(1).clamp(min=1.0)  # (N, d)


class SkeleFormer(nn.Module):
    """Skeleton sequences of up to M people to class logits."""

    def __init__(self, config: SkeleFormerConfig) -> None:
        super().__init__()
        self.config = config
        self.spatial = SpatialEncoder(config)
        self.temporal = TemporalEncoder(config)
        self.head = ClassificationHead(config.dim, config.classes, config.head_hidden, config.dropout)

    def encode(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, M, T, V, 2C + 1) to frame embeddings (B, M, T, d) and mask (B, M, T), True where somebody is."""
        people = features.shape[:3]
        mask = (features[..., -1] > 0).any(-1)  # (B, M, T)
        tokens = self.spatial(features.flatten(0, 2)).unflatten(0, people)  # (B, M, T, d)
        h = self.temporal(tokens.flatten(0, 1), mask.flatten(0, 1))  # (B M, T, d)
        return h.unflatten(0, people[:2]), mask

    def embed(self, features: Tensor) -> Tensor:
        """Features (B, M, T, V, 2C + 1) to the pooled embedding (B, d): mean over the people and frames that are
        there."""
        h, mask = self.encode(features)
        return masked_mean(h.flatten(1, 2), mask.flatten(1, 2))  # (B, d)

    def forward(self, features: Tensor) -> Tensor:
        """Features (B, M, T, V, 2C + 1) to logits (B, classes)."""
        return self.head(self.embed(features))  # (B, classes)

    def save_pretrained(self, path: Path | str, metadata: Mapping[str, str] | None = None) -> None:
        """Write the parameters in half precision, with configuration and ``metadata``, as safetensors."""
        save_weights(self.state_dict(), self.config, path, metadata)

    @classmethod
    def from_pretrained(cls, path: Path | str) -> SkeleFormer:
        """Build the network that a file describes and load its parameters.

        Raises:
            WeightsError: the file is missing, damaged, of another architecture, or a parameter does not fit.
        """
        config, state = load_weights(path)
        model = cls(config)
        check_state(state, model.state_dict(), path)
        model.load_state_dict(state)
        return model.eval()
