"""Lifting head of the 2D-to-3D pre-training (section 3.3, equation 8)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LiftingHead(nn.Module):
    """Linear map from a frame's embedding to its 3-D skeleton."""

    def __init__(self, dim: int, joints: int) -> None:
        super().__init__()
        self.joints = joints
        self.linear = nn.Linear(dim, joints * 3)

    def forward(self, embeddings: Tensor) -> Tensor:
        """(..., T, d) to (..., T, V, 3)."""
        return self.linear(embeddings).unflatten(-1, (self.joints, 3))


def lifting_loss(predicted: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """Equation 8: Euclidean distance of predicted and true joints, (..., T, V, 3), averaged over the joints in
    ``mask``."""
    distance = torch.linalg.vector_norm(predicted - target, dim=-1)  # (..., T, V)
    if mask is None:
        return distance.mean()
    return (distance * mask).sum() / mask.sum().clamp(min=1)
