"""Adapters: a bottleneck with a residual after the attention and after the MLP (Houlsby et al., ICML 2019)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from skeleformer.block import Block, BlockTuner


class Adapter(nn.Module):
    """x + W_2 GELU(W_1 x), starting near the identity."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.down = nn.Linear(dim, hidden)
        self.up = nn.Linear(hidden, dim)
        nn.init.trunc_normal_(self.up.weight, std=1e-3)
        nn.init.zeros_(self.up.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(..., d) to (..., d)."""
        return x + self.up(functional.gelu(self.down(x)))


class AdapterTuner(BlockTuner):
    """Two adapters a layer, each at the end of a residual branch."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.after_attention = Adapter(dim, hidden)
        self.after_mlp = Adapter(dim, hidden)

    def forward(self, block: Block, x: Tensor, key_mask: Tensor | None) -> Tensor:
        x = x + self.after_attention(block.pose(x, key_mask))  # (..., L, d)
        return x + self.after_mlp(block.feed(x))  # (..., L, d)
