"""The pre-norm transformer block that both halves of the encoder are made of, and where tuning methods hook into it."""

from __future__ import annotations

from torch import Tensor, nn

from skeleformer.attention import Attention


class BlockTuner(nn.Module):
    """A tuning method's part of one block: it runs the block in its own way.

    The block is handed in at each call instead of being kept, so a tuner owns only its own parameters.
    """

    def forward(self, block: Block, x: Tensor, key_mask: Tensor | None) -> Tensor:
        """Tokens (..., L, d) and their mask (..., L) to (..., L, d)."""
        raise NotImplementedError


class Block(nn.Module):
    """One layer L^i of equations 1 and 2: self-attention and MLP, each after a layer norm and with a residual.

    Attributes:
        tuner: what a tuning method adds to this layer; None for the plain block.
    """

    tuner: BlockTuner | None

    def __init__(self, dim: int, heads: int, mlp_ratio: float, dropout: float) -> None:
        super().__init__()
        hidden = int(dim * mlp_ratio)
        self.norm1 = nn.LayerNorm(dim)
        self.attention = Attention(dim, heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, dim))
        self.drop = nn.Dropout(dropout)
        self.tuner = None

    def pose(self, x: Tensor, key_mask: Tensor | None = None) -> Tensor:
        """E_pose = SelfAttention(h), (..., L, d) to (..., L, d), before the residual."""
        return self.drop(self.attention(self.norm1(x), key_mask))

    def feed(self, x: Tensor) -> Tensor:
        """MLP(LN(h)), (..., L, d) to (..., L, d), before the residual."""
        return self.drop(self.mlp(self.norm2(x)))

    def plain(self, x: Tensor, key_mask: Tensor | None = None) -> Tensor:
        """The block without a tuner, (..., L, d) to (..., L, d)."""
        x = x + self.pose(x, key_mask)  # (..., L, d)
        return x + self.feed(x)  # (..., L, d)

    def forward(self, x: Tensor, key_mask: Tensor | None = None) -> Tensor:
        """Tokens (..., L, d), and which of them (..., L) may be looked at, to (..., L, d)."""
        if self.tuner is None:
            return self.plain(x, key_mask)
        return self.tuner(self, x, key_mask)
