"""Cross-attended prompts for inference, with everything multiplied out that does not depend on the input.

W_Q and W_K are frozen, so P W_K = W_K (W_2 z + b_2) and W_Q^T P W_K are themselves affine in the bottleneck z: one
small matrix made beforehand replaces two products with d x d weights at every call. The result is the same up to
rounding.
"""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn

from skeleformer.attention import MASKED_LOGIT
from skeleformer.block import Block, BlockTuner
from skeleformer.prompts.generator import TemporalPromptGenerator
from skeleformer.prompts.interaction import CrossAttendedPrompts
from skeleformer.tuning.lora import LoRALinear

Module = TypeVar("Module", bound=nn.Module)


class FoldedPrompts(BlockTuner):
    """Equations 9 to 11 of one layer, for fixed weights.

    A decision about one person is short enough for the number of operators to matter, hence one product for queries and
    keys, and ReLU(x + b_1) as max(x, -b_1) + b_1 with the sum moved into the next bias.

    Args:
        tuner: the layer's prompts.
        block: the layer.
    """

    floor: Tensor

    def __init__(self, tuner: CrossAttendedPrompts, block: Block) -> None:
        super().__init__()
        generator = tuner.generator
        self.prompts, self.current = generator.prompts, tuner.current
        self.over_time = isinstance(generator, TemporalPromptGenerator)
        down = generator.down.weight.detach().double(), generator.down.bias.detach().double()
        up = generator.up.weight.detach().double(), generator.up.bias.detach().double()
        w_q, w_k = (layer.weight.detach().double() for layer in (block.attention.query, block.attention.key))
        dim = w_q.shape[0]
        affine = torch.cat([up[0], (up[1] + up[0] @ down[1])[:, None]], dim=1).unflatten(0, (self.prompts, dim))
        keys = torch.einsum("od,ndm->nom", w_k, affine)  # (N, d, m + 1)
        queries = torch.einsum("oq,nom->nqm", w_q, keys) * dim**-0.5  # (N, d, m + 1)
        both = torch.cat([queries, keys]).flatten(0, 1)  # (2 N d, m + 1)
        dtype = block.attention.query.weight.dtype
        self.down = nn.Linear(down[0].shape[1], down[0].shape[0], bias=False)
        self.both = nn.Linear(both.shape[1] - 1, both.shape[0])
        with torch.no_grad():
            self.down.weight.copy_(down[0])
            self.both.weight.copy_(both[:, :-1])
            self.both.bias.copy_(both[:, -1])
        self.register_buffer("floor", -down[1].float())
        self.to(block.attention.query.weight.device, dtype).requires_grad_(False)

    def forward(self, block: Block, x: Tensor, key_mask: Tensor | None) -> Tensor:
        """(..., L, d) to (..., L, d)."""
        pose = block.pose(x, key_mask)  # (..., L, d)
        h = x + pose if self.current else x
        z = self.down(h if self.over_time else h.flatten(-2))  # (..., L, m) or (..., m)
        if self.over_time:
            z = (z if key_mask is None else z.masked_fill(~key_mask[..., None], MASKED_LOGIT)).amax(-2)  # (..., m)
        both = self.both(torch.maximum(z, self.floor)).unflatten(-1, (2 * self.prompts, -1))  # (..., 2N, d)
        queries, keys = both.split(self.prompts, dim=-2)  # (..., N, d)
        x = x + (pose + torch.softmax(pose @ queries.transpose(-1, -2), dim=-1) @ keys)  # (..., L, d)
        return x + block.feed(x)  # (..., L, d)


def fold(module: Module) -> Module:
    """A network for inference: prompts folded, low-rank updates added to their weights.

    Args:
        module: a network or a part of one.

    Returns:
        The module itself where there is nothing to fold, else a copy; the given module stays as it is.
    """
    foldable = any(isinstance(m, CrossAttendedPrompts | LoRALinear) for m in module.modules())
    if not foldable:
        return module
    module = copy.deepcopy(module)
    for part in list(module.modules()):
        for name, child in list(part.named_children()):
            if isinstance(child, LoRALinear):
                setattr(part, name, child.merged())
    for part in module.modules():
        if isinstance(part, Block) and isinstance(part.tuner, CrossAttendedPrompts):
            part.tuner = FoldedPrompts(part.tuner, part)
    return module
