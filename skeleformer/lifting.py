"""2D-to-3D pre-training (section 3.3): head and loss (equation 8)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from skeleformer.model import SkeleFormer

MASKED_JOINTS = 0.15
"""Part of the joints that are hidden from the network."""


class LiftingHead(nn.Module):
    """Linear map from a frame's embedding to its 3-D skeleton."""

    def __init__(self, dim: int, joints: int) -> None:
        super().__init__()
        self.joints = joints
        self.linear = nn.Linear(dim, joints * 3)

    def forward(self, embeddings: Tensor) -> Tensor:
        """(..., T, d) to (..., T, V, 3)."""
        return self.linear(embeddings).unflatten(-1, (self.joints, 3))


class Lifter(nn.Module):
    """An encoder that reconstructs 3-D motion; what it learns is kept, its head is thrown away."""

    def __init__(self, encoder: SkeleFormer) -> None:
        super().__init__()
        self.encoder = encoder
        self.lifting = LiftingHead(encoder.config.dim, encoder.config.joints)

    def forward(self, features: Tensor) -> Tensor:
        """(B, M, T, V, 2C + 1) to (B, M, T, V, 3)."""
        embeddings, _ = self.encoder.encode(features)  # (B, M, T, d)
        return self.lifting(embeddings)  # (B, M, T, V, 3)


def lifting_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Equation 8: mean distance of predicted and true joints, (..., T, V, 3), in their unit.

    The equation sums over the joints of a skeleton; the mean differs by a constant factor and reads as metres.
    """
    return torch.linalg.vector_norm(predicted - target, dim=-1).mean()
