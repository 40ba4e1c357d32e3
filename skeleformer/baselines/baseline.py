"""What ST-GCN and Shift-GCN share: the project's input, people and frames that are absent, and the classifier."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.skeleton import check_parents

CHANNELS = (64, 64, 64, 64, 128, 128, 128, 256, 256, 256)
"""Output channels of the ten layers of both networks; where they double, the frame rate halves."""


class GraphLayer(nn.Module):
    """Within each frame, then over time, with a residual around both.

    Args:
        before, after: input and output channels.
        stride: in time.
        residual: whether there is one; it is a projection where the shape changes.
        spatial: (N, before, T, V) to (N, after, T, V).
        temporal: (N, after, T, V) to (N, after, ceil(T / stride), V).
    """

    def __init__(
        self, before: int, after: int, stride: int, residual: bool, spatial: nn.Module, temporal: nn.Module
    ) -> None:
        super().__init__()
        self.spatial, self.temporal = spatial, temporal
        self.residual: nn.Module | None = None
        if residual and (before != after or stride > 1):
            self.residual = nn.Sequential(nn.Conv2d(before, after, 1, (stride, 1)), nn.BatchNorm2d(after))
        elif residual:
            self.residual = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(N, before, T, V) to (N, after, ceil(T / stride), V)."""
        y = self.temporal(self.spatial(x))
        if self.residual is not None:
            y = y + self.residual(x)
        return torch.relu(y)


class GraphBaseline(nn.Module):
    """Skeleton sequences to class logits by ten layers over the joints and frames.

    The input is the joint stream: coordinates and weight. Velocities are left to the temporal convolutions.

    Args:
        classes: number of classes.
        parents: parent of each joint.
        coords: 2 or 3.
        dropout: before the classifier.
        layer: makes one layer from its input channels, output channels, stride in time and whether it has a residual;
            it takes (N, channels, T, V) to (N, channels', ceil(T / stride), V).
    """

    def __init__(
        self,
        classes: int,
        parents: Sequence[int],
        coords: int,
        dropout: float,
        layer: Callable[[int, int, int, bool], nn.Module],
    ) -> None:
        super().__init__()
        check_parents(parents)
        self.coords = coords
        self.norm = nn.BatchNorm1d(len(parents) * (coords + 1))
        self.drop = nn.Dropout(dropout)
        self.layers = nn.ModuleList()
        before, stride = coords + 1, 1
        for index, channels in enumerate(CHANNELS):
            stride = 2 if index and channels > before else 1
            self.layers.append(layer(before, channels, stride, index > 0))
            before = channels
        self.head = nn.Linear(before, classes)

    def embed(self, features: Tensor) -> Tensor:
        """Features (B, M, T, V, 2C + 1) to the pooled embedding (B, 256)."""
        batch, people = features.shape[:2]
        flat = features.flatten(0, 1)  # (N, T, V, 2C + 1), N = B M
        weight = flat[..., -1:]  # (N, T, V, 1)
        x = torch.cat([torch.where(weight > 0, flat[..., : self.coords], 0.0), weight], dim=-1)  # (N, T, V, C + 1)
        x = self.norm(x.flatten(2).transpose(1, 2))  # (N, V (C + 1), T)
        x = x.unflatten(1, (features.shape[3], -1)).permute(0, 2, 3, 1)  # (N, C + 1, T, V)
        for layer in self.layers:
            x = layer(x)  # (N, c', T', V)
        mask = (weight > 0).any(2).squeeze(-1).to(x.dtype)[:, None]  # (N, 1, T)
        mask = functional.adaptive_max_pool1d(mask, x.shape[2]).unflatten(0, (batch, people)).flatten(2)  # (B, M, T')
        x = x.mean(3).unflatten(0, (batch, people))  # (B, M, c', T')
        total = (x * mask[:, :, None]).sum((1, 3))  # (B, c')
        return total / mask.sum((1, 2)).clamp(min=1.0)[:, None]

    def forward(self, features: Tensor) -> Tensor:
        """Features (B, M, T, V, 2C + 1) to logits (B, classes)."""
        return self.head(self.drop(self.embed(features)))
