"""The two plainer ways to bring the streams together (section 4.9), behind the interface of JEMF.

A fusion takes E_joint, E_bone and E_vel, each (..., V, c), and returns what the spatial transformer works on:
(..., V, c), or (..., 3, V, c) where the streams stay apart until after the encoder.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from skeleformer.config import SkeleFormerConfig
from skeleformer.multistream.jemf import JEMF


class InputFusion(nn.Module):
    """Input fusion: the embeddings of the three streams are merged into a single stream by a linear layer."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.merge = nn.Linear(3 * width, width)

    def forward(self, joint: Tensor, bone: Tensor, velocity: Tensor) -> Tensor:
        """E_joint, E_bone, E_vel, each (..., V, c), to (..., V, c)."""
        return self.merge(torch.cat([joint, bone, velocity], dim=-1))  # (..., V, c)


class PostFusion(nn.Module):
    """Post fusion: each stream goes through the encoder by itself; the embeddings are summed after it."""

    def forward(self, joint: Tensor, bone: Tensor, velocity: Tensor) -> Tensor:
        """E_joint, E_bone, E_vel, each (..., V, c), to (..., 3, V, c)."""
        return torch.stack([joint, bone, velocity], dim=-3)  # (..., 3, V, c)


def create_fusion(config: SkeleFormerConfig) -> nn.Module:
    """The fusion that a configuration names."""
    if config.fusion == "input":
        return InputFusion(config.width)
    if config.fusion == "post":
        return PostFusion()
    return JEMF(config.width, config.heads, config.mlp_ratio)
