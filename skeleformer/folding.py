"""Cross-attended prompts for inference, with everything multiplied out that does not depend on the input.

W_Q and W_K are frozen, so P W_K = W_K (W_2 z + b_2) and W_Q^T P W_K are themselves affine in the bottleneck z: two
small matrices made once replace two products with d x d weights at every call. The result is the same up to rounding.
"""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn

from skeleformer.block import Block, BlockTuner
from skeleformer.prompts.interaction import CrossAttendedPrompts
from skeleformer.tuning.lora import LoRALinear

Module = TypeVar("Module", bound=nn.Module)


class FoldedPrompts(BlockTuner):
    """Equations 9 to 11 of one layer, for fixed weights.

    Args:
        tuner: the layer's prompts.
        block: the layer.
    """

    def __init__(self, tuner: CrossAttendedPrompts, block: Block) -> None:
        super().__init__()
        self.generator = tuner.generator
        self.current = tuner.current
        w_q, w_k = block.attention.query.weight.detach(), block.attention.key.weight.detach()
        dim = w_q.shape[0]
        n = tuner.generator.prompts
        up, bias = tuner.generator.up.weight.detach(), tuner.generator.up.bias.detach()
        affine = torch.cat([up, bias[:, None]], dim=1).double().unflatten(0, (n, dim))  # (N, d, m + 1)
        keys = torch.einsum("od,ndm->nom", w_k.double(), affine)  # (N, d, m + 1)
        queries = torch.einsum("oq,nom->qnm", w_q.double(), keys) * dim**-0.5  # (d, N, m + 1)
        self.keys = _linear(keys.flatten(0, 1).to(up.dtype))
        self.queries = _linear(queries.flatten(0, 1).to(up.dtype))

    def forward(self, block: Block, x: Tensor, key_mask: Tensor | None) -> Tensor:
        """(..., L, d) to (..., L, d)."""
        pose = block.pose(x, key_mask)  # (..., L, d)
        z = self.generator.hidden(x + pose if self.current else x, key_mask)  # (..., m)
        keys = self.keys(z).unflatten(-1, (self.generator.prompts, -1))  # (..., N, d)
        queries = self.queries(z).unflatten(-1, (-1, self.generator.prompts))  # (..., d, N)
        x = x + (pose + torch.softmax(pose @ queries, dim=-1) @ keys)  # (..., L, d)
        return x + block.feed(x)  # (..., L, d)


def _linear(weight_and_bias: Tensor) -> nn.Linear:
    """(out, in + 1) to a linear layer."""
    layer = nn.Linear(weight_and_bias.shape[1] - 1, weight_and_bias.shape[0])
    layer.weight = nn.Parameter(weight_and_bias[:, :-1].contiguous(), requires_grad=False)
    layer.bias = nn.Parameter(weight_and_bias[:, -1].contiguous(), requires_grad=False)
    return layer


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
