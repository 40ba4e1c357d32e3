"""2D-to-3D pre-training: head, loss (equation 8) and the disturbance of the input (section 3.3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from skeleformer.model import SkeleFormer

MASKED_JOINTS = 0.15
"""Part of the joints that are hidden from the network."""

NOISE = 0.015
"""Standard deviation of the keypoint noise in body heights, about that of a good 2-D detector."""


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


def lifting_loss(predicted: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """Equation 8: distance of predicted and true joints, (..., T, V, 3), averaged over those in ``mask`` (..., T, V).

    The equation sums over the joints of a skeleton; the average differs by a constant factor and reads as metres.
    """
    distance = torch.linalg.vector_norm(predicted - target, dim=-1)  # (..., T, V)
    if mask is None:
        return distance.mean()
    return (distance * mask).sum() / mask.sum().clamp(min=1)


def disturb(
    features: Tensor,
    rate_hz: float,
    masked: float = MASKED_JOINTS,
    noise: float = NOISE,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Hide joints and shift the others, velocities following, as if the detector had done so.

    Args:
        features: (..., T, V, 2C + 1) undisturbed.
        rate_hz: frames a second.
        masked: probability that a joint is hidden in a frame: everything about it becomes 0.
        noise: standard deviation of each coordinate, in the unit of the coordinates.
        generator: source of the randomness.

    Returns:
        Features of the same shape.
    """
    coords = (features.shape[-1] - 1) // 2
    position, velocity, weight = features.split([coords, coords, 1], dim=-1)
    shift = noise * torch.randn(position.shape, generator=generator, dtype=position.dtype)
    hidden = torch.rand(weight.shape, generator=generator) < masked
    weight = weight.masked_fill(hidden, 0.0)  # (..., T, V, 1)
    seen = weight > 0
    before = torch.cat([torch.zeros_like(seen[..., :1, :, :]), seen[..., :-1, :, :]], dim=-3)  # seen a frame ago
    jump = torch.diff(shift, dim=-3, prepend=shift[..., :1, :, :]) * rate_hz
    position = torch.where(seen, position + shift, 0.0)
    velocity = torch.where(seen & before, velocity + jump, 0.0)
    return torch.cat([position, velocity, weight], dim=-1)
