"""Skeleton prompt generator (section 3.4, equations 9 and 10): prompts made from the instance at hand."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from skeleformer.attention import MASKED_LOGIT


class PromptGenerator(nn.Module):
    """Bottleneck of two perceptron layers from a frame's or window's hidden state to N prompt tokens.

    Args:
        dim: J c, the size of a frame's hidden state.
        bottleneck: m.
        prompts: N.
        width: of a prompt: c in the spatial transformer, J c in the temporal one.
    """

    def __init__(self, dim: int, bottleneck: int, prompts: int, width: int) -> None:
        super().__init__()
        self.prompts = prompts
        self.down = nn.Linear(dim, bottleneck)  # W_1, b_1
        self.up = nn.Linear(bottleneck, prompts * width)  # W_2, b_2
        # Small, so that tuning starts near the pre-trained network; not zero, or all N prompts would stay alike.
        nn.init.trunc_normal_(self.up.weight, std=0.02)
        nn.init.trunc_normal_(self.up.bias, std=0.02)

    def hidden(self, h: Tensor, key_mask: Tensor | None) -> Tensor:
        """The activated bottleneck (..., m) of a hidden state."""
        raise NotImplementedError

    def forward(self, h: Tensor, key_mask: Tensor | None = None) -> Tensor:
        """Hidden state (..., L, width) and the mask (..., L) of its tokens to prompts (..., N, width)."""
        return self.up(self.hidden(h, key_mask)).unflatten(-1, (self.prompts, -1))  # (..., N, width)


class SpatialPromptGenerator(PromptGenerator):
    """P_S = W_2 ReLU(W_1 h + b_1) + b_2, h being all joints of a frame (equation 9)."""

    def hidden(self, h: Tensor, key_mask: Tensor | None = None) -> Tensor:
        """(..., J, c) to (..., m)."""
        return torch.relu(self.down(h.flatten(-2)))  # (..., m)


class TemporalPromptGenerator(PromptGenerator):
    """P_T = W_2 ReLU(MaxPool(W_1 h + b_1)) + b_2, pooled over the frames in which the person was seen (equation 10)."""

    def hidden(self, h: Tensor, key_mask: Tensor | None = None) -> Tensor:
        """(..., f, J c) and mask (..., f) to (..., m)."""
        z = self.down(h)  # (..., f, m)
        if key_mask is not None:
            z = z.masked_fill(~key_mask[..., None], MASKED_LOGIT)  # below zero, where the ReLU cuts it off
        return torch.relu(z.amax(-2))  # (..., m)
