"""Visual prompt tuning, deep: learned tokens before the input of every layer (Jia et al., ECCV 2022)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from skeleformer.block import Block, BlockTuner
from skeleformer.prompts.interaction import prepend


class VPTTuner(BlockTuner):
    """The same prompts for every input; their outputs are dropped, since the next layer has its own."""

    def __init__(self, dim: int, prompts: int) -> None:
        super().__init__()
        self.prompts = nn.Parameter(torch.empty(prompts, dim))
        bound = math.sqrt(6.0 / (2 * dim))
        nn.init.uniform_(self.prompts, -bound, bound)

    def forward(self, block: Block, x: Tensor, key_mask: Tensor | None) -> Tensor:
        prompts = self.prompts.expand(*x.shape[:-2], *self.prompts.shape)  # (..., N, d)
        tokens, mask = prepend(prompts, x, key_mask)  # (..., N + L, d)
        return block.plain(tokens, mask)[..., prompts.shape[-2] :, :]  # (..., L, d)
