"""The two halves of SkeleFormer's encoder: within a frame, then across frames (section 3.1)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from skeleformer.block import Block
from skeleformer.config import SkeleFormerConfig
from skeleformer.multistream.fusion import create_fusion
from skeleformer.multistream.streams import StreamEmbedding

POSITION_SCALE = 0.5
"""Of the learned positions at the start, beside embeddings of unit variance. With the customary 0.02 they never grew:
a trained network gave the same labels with its frames shuffled."""


def sinusoids(frames: int, dim: int) -> Tensor:
    """(frames, dim): sines and cosines with periods from four frames to twice the window, so that near frames start
    alike."""
    half = torch.linspace(math.log(math.pi / frames), math.log(math.pi / 2), (dim + 1) // 2).exp()
    phase = torch.arange(frames)[:, None] * half  # (frames, dim / 2)
    return torch.cat([phase.sin(), phase.cos()], dim=1)[:, :dim]


class SpatialEncoder(nn.Module):
    """Streams, fusion and spatial transformer: one frame's joints to one embedding. Frames do not see each other."""

    def __init__(self, config: SkeleFormerConfig) -> None:
        super().__init__()
        self.streams = StreamEmbedding(config.parents, config.coords, config.width)
        self.fusion = create_fusion(config)
        self.position = nn.Parameter(torch.zeros(config.joints, config.width))
        self.blocks = nn.ModuleList(
            Block(config.width, config.heads, config.mlp_ratio, config.dropout) for _ in range(config.spatial_layers)
        )
        self.norm = nn.LayerNorm(config.width)
        nn.init.normal_(self.position, std=POSITION_SCALE)

    def forward(self, features: Tensor) -> Tensor:
        """(N, V, 2C + 1) to (N, d), d = V c; after post fusion to (N, 3d)."""
        h = self.fusion(*self.streams(features)) + self.position  # (N, V, c), or (N, 3, V, c)
        for block in self.blocks:  # eq. 1
            h = block(h)  # (N, V, c)
        return self.norm(h).flatten(1)  # (N, d)


class TemporalEncoder(nn.Module):
    """Temporal transformer over the frame embeddings of a window."""

    def __init__(self, config: SkeleFormerConfig) -> None:
        super().__init__()
        self.branches = config.branches
        self.position = nn.Parameter(POSITION_SCALE * sinusoids(config.frames, config.dim))
        self.blocks = nn.ModuleList(
            Block(config.dim, config.heads, config.mlp_ratio, config.dropout) for _ in range(config.temporal_layers)
        )
        self.norm = nn.LayerNorm(config.dim)

    def positions(self, frames: int) -> Tensor:
        """(frames, d): the learned positions, counted back from the newest frame; longer windows stretch them."""
        learned = self.position.shape[0]
        if frames <= learned:
            return self.position[learned - frames :]
        stretched = functional.interpolate(self.position.T[None], size=frames, mode="linear", align_corners=True)
        return stretched[0].T

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Frame embeddings (N, T, d) and mask (N, T), True where the person was seen, to (N, T, d).

        After post fusion the tokens are (N, T, 3d), one part a stream; the streams' embeddings are summed here.
        """
        if self.branches > 1:
            tokens = tokens.unflatten(-1, (self.branches, -1)).transpose(1, 2).flatten(0, 1)  # (3N, T, d)
            mask = mask.repeat_interleave(self.branches, dim=0)  # (3N, T)
        h = tokens + self.positions(tokens.shape[1])  # (N, T, d)
        for block in self.blocks:  # eq. 2
            h = block(h, mask)  # (N, T, d)
        h = self.norm(h)  # (N, T, d)
        return h.unflatten(0, (-1, self.branches)).sum(1) if self.branches > 1 else h  # (N, T, d)
