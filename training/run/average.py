"""The running average of the weights, which is what a run keeps in the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


class RunningAverage(AveragedModel):
    """Exponential average of a model's parameters and buffers, slow to start with less memory.

    Its ``module`` is the averaged model.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        super().__init__(model, multi_avg_fn=self._blend, use_buffers=True)
        self.decay = decay
        self.n_averaged += 1  # the model as it starts counts: a first update of none would copy

    def _blend(self, averages: Any, values: Any, _: Tensor | int) -> None:
        if not averages[0].is_floating_point():
            torch._foreach_copy_(averages, values)
            return
        steps = int(self.n_averaged)  # it lies in main memory; the argument is a copy on the device, to be waited for
        torch._foreach_lerp_(averages, values, 1 - min(self.decay, (1 + steps) / (10 + steps)))

    def saved(self) -> dict[str, Any]:
        """What ``load`` needs."""
        return {"average": self.module.state_dict(), "steps": int(self.n_averaged) - 1}

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved average, whatever device it was saved on."""
        self.module.load_state_dict(state["average"])
        self.n_averaged.fill_(state["steps"] + 1)
