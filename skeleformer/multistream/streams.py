"""Joint, bone and velocity streams (section 3.2), each embedded joint by joint."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def split_streams(features: Tensor, parents: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Separate a frame's features into the three streams and their weights.

    Args:
        features: (..., V, 2C + 1): coordinates, velocity a second, weight in [0, 1]. A joint of weight 0 is absent;
            whatever else is written there, not-a-number included, is taken as 0.
        parents: (V,) index of each joint's parent; the root is its own parent, so its bone is zero.

    Returns:
        joint (..., V, C), bone (..., V, C), velocity (..., V, C) and weights (..., V, 3), one weight a stream: a bone
        weighs as much as the less certain of its two ends.
    """
    coords = (features.shape[-1] - 1) // 2
    weight = features[..., -1:]  # (..., V, 1)
    joint, velocity, _ = torch.where(weight > 0, features, 0.0).split([coords, coords, 1], dim=-1)
    bone = joint - joint.index_select(-2, parents)
    bone_weight = torch.minimum(weight, weight.index_select(-2, parents))
    return joint, bone, velocity, torch.cat([weight, bone_weight, weight], dim=-1)


class StreamEmbedding(nn.Module):
    """Linear embeddings of the three streams; an absent joint embeds to zero whatever its coordinates say.

    Typical magnitudes in body heights are 0.25 for joints, 0.16 for bones and 1 a second for velocities.

    Args:
        parents: parent index of each joint.
        coords: 2 or 3.
        width: c, channels a joint.
    """

    parents: Tensor

    def __init__(self, parents: Sequence[int], coords: int, width: int) -> None:
        super().__init__()
        self.register_buffer("parents", torch.tensor(parents, dtype=torch.long), persistent=False)
        self.joint = nn.Linear(coords, width)
        self.bone = nn.Linear(coords, width)
        self.velocity = nn.Linear(coords, width)
        for stream, spread in ((self.joint, 0.25), (self.bone, 0.16), (self.velocity, 1.0)):
            # Embeddings start with unit variance; the default would let the positions drown the skeleton.
            nn.init.normal_(stream.weight, std=1 / spread)
            nn.init.zeros_(stream.bias)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(..., V, 2C + 1) to E_joint, E_bone, E_vel, each (..., V, c)."""
        joint, bone, velocity, weights = split_streams(features, self.parents)
        w_joint, w_bone, w_velocity = weights.split(1, dim=-1)  # (..., V, 1)
        return (
            self.joint(joint) * w_joint,  # (..., V, c)
            self.bone(bone) * w_bone,  # (..., V, c)
            self.velocity(velocity) * w_velocity,  # (..., V, c)
        )
