"""Shift-GCN (Cheng et al., CVPR 2020): shifts over all joints and over learned spans of time."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from skeleformer.baselines.baseline import GraphBaseline, GraphLayer


class SpatialShift(nn.Module):
    """Non-local shift: channel c of joint v comes from joint (v + c) mod V, so that every joint hears of all others."""

    index: Tensor

    def __init__(self, joints: int, channels: int, direction: int) -> None:
        super().__init__()
        joint = torch.arange(joints)[None, :]
        channel = torch.arange(channels)[:, None]
        self.register_buffer("index", (joint + direction * channel) % joints, persistent=False)  # (channels, V)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, T, V) to the same shape."""
        return x.gather(-1, self.index[None, :, None].expand(x.shape))


class ShiftGraphConvolution(nn.Module):
    """Shift, mask by a learned attention, pointwise convolution, shift back, residual."""

    def __init__(self, before: int, after: int, joints: int) -> None:
        super().__init__()
        self.shift_in = SpatialShift(joints, before, 1)
        self.shift_out = SpatialShift(joints, after, -1)
        self.attention = nn.Parameter(torch.zeros(before, joints))
        self.weight = nn.Parameter(torch.empty(after, before))
        self.bias = nn.Parameter(torch.zeros(after))
        nn.init.normal_(self.weight, 0.0, math.sqrt(1.0 / after))
        self.norm = nn.BatchNorm1d(joints * after)
        self.residual: nn.Module = nn.Identity()
        if before != after:
            self.residual = nn.Sequential(nn.Conv2d(before, after, 1), nn.BatchNorm2d(after))

    def forward(self, x: Tensor) -> Tensor:
        """(N, before, T, V) to (N, after, T, V)."""
        y = self.shift_in(x) * (1.0 + torch.tanh(self.attention))[:, None]  # (N, before, T, V)
        y = torch.einsum("nctv,oc->notv", y, self.weight) + self.bias[:, None, None]  # (N, after, T, V)
        y = self.shift_out(y)
        n, channels, frames, joints = y.shape
        y = self.norm(y.permute(0, 3, 1, 2).reshape(n, joints * channels, frames))
        y = y.view(n, joints, channels, frames).permute(0, 2, 3, 1)
        return torch.relu(y + self.residual(x))


class TemporalShift(nn.Module):
    """Adaptive shift over time: channel c of frame t comes from t + s_c, s_c learned, linear between frames."""

    def __init__(self, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.offset = nn.Parameter(torch.empty(channels).uniform_(-1.0, 1.0))  # s, in frames

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, T, V) to (N, channels, ceil(T / stride), V); beyond the window lie zeros."""
        frames = x.shape[2]
        at = torch.arange(0, frames, self.stride, device=x.device)[None] + self.offset[:, None]  # (channels, T')
        low = torch.floor(at)
        part = (at - low)[None, :, :, None].to(x.dtype)  # (1, channels, T', 1)
        low = low.long()
        return self._take(x, low) * (1 - part) + self._take(x, low + 1) * part

    @staticmethod
    def _take(x: Tensor, index: Tensor) -> Tensor:
        inside = (index >= 0) & (index < x.shape[2])  # (channels, T')
        index = index.clamp(0, x.shape[2] - 1)[None, :, :, None].expand(x.shape[0], -1, -1, x.shape[3])
        return x.gather(2, index) * inside[None, :, :, None].to(x.dtype)


def shift_layer(before: int, after: int, stride: int, residual: bool, joints: int) -> GraphLayer:
    """Spatial shift convolution, then shift - pointwise convolution - shift over time."""
    temporal = nn.Sequential(
        nn.BatchNorm2d(after), TemporalShift(after), nn.Conv2d(after, after, 1), nn.ReLU(),
        TemporalShift(after, stride), nn.BatchNorm2d(after),
    )  # fmt: skip
    return GraphLayer(before, after, stride, residual, ShiftGraphConvolution(before, after, joints), temporal)


class ShiftGCN(GraphBaseline):
    """Shift graph convolutional network.

    Args:
        classes: number of classes.
        parents: parent of each joint; only their number matters, the shifts know no bones.
        coords: 2 or 3.
        dropout: before the classifier.
    """

    def __init__(self, classes: int, parents: Sequence[int], coords: int = 2, dropout: float = 0.0) -> None:
        super().__init__(
            classes, parents, coords, dropout,
            lambda before, after, stride, residual: shift_layer(before, after, stride, residual, len(parents)),
        )  # fmt: skip
