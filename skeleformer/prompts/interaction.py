"""How prompts meet the pose embedding: cross-attention (equation 11) and the alternatives of tables 12 and 13."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from skeleformer.attention import Attention
from skeleformer.block import Block, BlockTuner
from skeleformer.prompts.generator import PromptGenerator


def cross_attention(pose: Tensor, prompts: Tensor, shared: Attention) -> Tensor:
    """Softmax(E_pose W_Q (P W_K)^T / sqrt(d)) P W_K (equation 11).

    Args:
        pose: E_pose (..., L, d).
        prompts: P (..., N, d); keys and values alike.
        shared: the layer's own self-attention, whose W_Q and W_K serve here too.

    Returns:
        (..., L, d)
    """
    query = functional.linear(pose, shared.query.weight)  # (..., L, d)
    key = functional.linear(prompts, shared.key.weight)  # (..., N, d), also the values
    scores = query @ key.transpose(-1, -2) * pose.shape[-1] ** -0.5  # (..., L, N)
    return torch.softmax(scores, dim=-1) @ key  # (..., L, d)


def prepend(prompts: Tensor, x: Tensor, key_mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Prompts (..., N, d) before tokens (..., L, d), with a mask (..., N + L) that admits all prompts."""
    if key_mask is not None:
        key_mask = torch.cat([key_mask.new_ones(prompts.shape[:-1]), key_mask], dim=-1)
    return torch.cat([prompts, x], dim=-2), key_mask


class PromptTuner(BlockTuner):
    """A layer with prompts of its own generator.

    Args:
        generator: of this layer.
        current: make the prompts from the layer's own hidden state, h + SelfAttention(h), instead of from its input.
    """

    def __init__(self, generator: PromptGenerator, current: bool = False) -> None:
        super().__init__()
        self.generator = generator
        self.current = current

    def prompts(self, x: Tensor, pose: Tensor, key_mask: Tensor | None) -> Tensor:
        """Input (..., L, d) and pose embedding (..., L, d) of the layer to prompts (..., N, d)."""
        return self.generator(x + pose if self.current else x, key_mask)

    def interact(self, block: Block, pose: Tensor, prompts: Tensor) -> Tensor:
        """What takes the place of the pose embedding (..., L, d)."""
        raise NotImplementedError

    def forward(self, block: Block, x: Tensor, key_mask: Tensor | None) -> Tensor:
        """(..., L, d) to (..., L, d)."""
        pose = block.pose(x, key_mask)  # (..., L, d)
        x = x + self.interact(block, pose, self.prompts(x, pose, key_mask))  # (..., L, d)
        return x + block.feed(x)  # (..., L, d)


class CrossAttendedPrompts(PromptTuner):
    """E_pose + CrossAttention(E_pose, P), the paper's way."""

    def interact(self, block: Block, pose: Tensor, prompts: Tensor) -> Tensor:
        return pose + cross_attention(pose, prompts, block.attention)


class AddedPrompts(PromptTuner):
    """E_pose + P, the mean of the prompts being added to each token."""

    def interact(self, block: Block, pose: Tensor, prompts: Tensor) -> Tensor:
        return pose + prompts.mean(-2, keepdim=True)


class MultipliedPrompts(PromptTuner):
    """E_pose (1 + P), each token multiplied by the mean of the prompts around one."""

    def interact(self, block: Block, pose: Tensor, prompts: Tensor) -> Tensor:
        return pose * (1.0 + prompts.mean(-2, keepdim=True))


class ConcatenatedPrompts(PromptTuner):
    """Prompts as further tokens of the layer's input, dropped after it: skeleton prompts without cross-attention."""

    def forward(self, block: Block, x: Tensor, key_mask: Tensor | None) -> Tensor:
        prompts = self.generator(x, key_mask)  # (..., N, d)
        tokens, mask = prepend(prompts, x, key_mask)  # (..., N + L, d)
        return block.plain(tokens, mask)[..., prompts.shape[-2] :, :]  # (..., L, d)


class ChannelPrompts(PromptTuner):
    """The mean prompt as further channels of each token, taken back to the width by a low-rank projection."""

    def __init__(self, generator: PromptGenerator, width: int, rank: int) -> None:
        super().__init__(generator)
        self.down = nn.Linear(2 * width, rank, bias=False)
        self.up = nn.Linear(rank, width, bias=False)
        nn.init.trunc_normal_(self.up.weight, std=0.02)

    def forward(self, block: Block, x: Tensor, key_mask: Tensor | None) -> Tensor:
        prompt = self.generator(x, key_mask).mean(-2, keepdim=True).expand_as(x)  # (..., L, d)
        return block.plain(x + self.up(self.down(torch.cat([x, prompt], dim=-1))), key_mask)  # (..., L, d)
