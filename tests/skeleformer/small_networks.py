"""Small networks and random skeletons for the tests of the networks."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from skeleformer import SkeleFormerConfig


def random_features(config: SkeleFormerConfig, batch: int = 2, people: int = 2, frames: int = 9) -> Tensor:
    """(B, M, T, V, 2C + 1) with some joints, some frames and the last person of the last window absent."""
    x = torch.randn(batch, people, frames, config.joints, config.features)
    weight = torch.rand(batch, people, frames, config.joints) * (torch.rand(batch, people, frames, config.joints) > 0.2)
    weight[:, :, frames // 2] *= frames < 3
    weight[-1, -1] *= people < 2
    x[..., -1] = weight
    return x


def small_config(**changes: Any) -> SkeleFormerConfig:
    """Two layers each, eight channels a joint."""
    sizes: dict[str, Any] = {"classes": 7, "width": 8, "heads": 2, "spatial_layers": 2, "temporal_layers": 2}
    return SkeleFormerConfig(**{**sizes, **changes})


def randomise(model: torch.nn.Module) -> None:
    """Move every parameter and running mean away from its initial value, so that nothing is hidden behind zeros."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
        for name, buffer in model.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_()
            elif name.endswith("running_var"):
                buffer.uniform_(0.5, 2.0)
