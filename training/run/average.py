"""The running average of the weights, which is what a run keeps in the end."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class RunningAverage:
    """Exponential average of a model's parameters, slow to start with less memory."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self.state = {k: v.detach().clone() for k, v in model.state_dict().items()}

    def load(self, state: Mapping[str, Tensor], steps: int) -> None:
        """Go on from a saved average, whatever device it was saved on."""
        self.state = {k: state[k].to(v.device) for k, v in self.state.items()}
        self.steps = steps

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Take in the model after a step."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for key, value in model.state_dict().items():
            if value.dtype.is_floating_point:
                self.state[key].lerp_(value, 1 - decay)
            else:
                self.state[key].copy_(value)
