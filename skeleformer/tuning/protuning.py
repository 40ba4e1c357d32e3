"""Pro-Tuning: a light convolutional block a layer makes a prompt for its output (Nie et al., TCSVT 2023)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from skeleformer.block import Block, BlockTuner


class ProTuner(BlockTuner):
    """1x1 convolution, depthwise convolution over the neighbouring tokens, 1x1 convolution.

    The tokens are the joints of a frame or the frames of a window. Masked frames do not reach their neighbours.
    """

    def __init__(self, dim: int, hidden: int, kernel: int) -> None:
        super().__init__()
        self.down = nn.Linear(dim, hidden)
        self.depthwise = nn.Conv1d(hidden, hidden, kernel, padding=kernel // 2, groups=hidden)
        self.up = nn.Linear(hidden, dim)
        nn.init.trunc_normal_(self.up.weight, std=1e-3)
        nn.init.zeros_(self.up.bias)

    def prompt(self, x: Tensor, key_mask: Tensor | None) -> Tensor:
        """(..., L, d) to a prompt (..., L, d)."""
        z = torch.relu(self.down(x))  # (..., L, hidden)
        if key_mask is not None:
            z = z.masked_fill(~key_mask[..., None], 0.0)
        flat = z.flatten(0, -3).transpose(-1, -2)  # (N, hidden, L)
        z = torch.relu(self.depthwise(flat)).transpose(-1, -2).reshape(z.shape)  # (..., L, hidden)
        return self.up(z)  # (..., L, d)

    def forward(self, block: Block, x: Tensor, key_mask: Tensor | None) -> Tensor:
        x = block.plain(x, key_mask)  # (..., L, d)
        return x + self.prompt(x, key_mask)  # (..., L, d)
