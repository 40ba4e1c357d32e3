"""Joint-enhanced multi-stream fusion (section 3.2, equations 3 to 7)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from skeleformer.attention import attend


class JEMF(nn.Module):
    """The joints of a frame ask the bones and velocities for what they lack.

    Args:
        width: c, channels a joint.
        heads: attention heads.
        mlp_ratio: hidden channels of the MLP by the width.
    """

    def __init__(self, width: int, heads: int, mlp_ratio: float) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)  # Proj_j^Q
        self.key = nn.Linear(2 * width, width)  # Proj_bv^K
        self.value = nn.Linear(2 * width, width)  # Proj_bv^V
        self.norm = nn.LayerNorm(width)
        hidden = int(width * mlp_ratio)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))

    def forward(self, joint: Tensor, bone: Tensor, velocity: Tensor) -> Tensor:
        """E_joint, E_bone, E_vel, each (..., V, c), to h (..., V, c)."""
        both = torch.cat([bone, velocity], dim=-1)  # (..., V, 2c)
        key = self.key(both)  # (..., V, c), eq. 3
        value = self.value(both)  # (..., V, c), eq. 4
        enhanced = attend(self.query(joint), key, value, self.heads)  # (..., V, c), eq. 5
        fused = joint + enhanced  # (..., V, c), eq. 6
        return fused + self.mlp(self.norm(fused))  # (..., V, c), eq. 7
