"""Data-parallel training under ``torchrun``: every process takes its part of each batch, and together they do what one
process would.

The loss of a batch is a mean over its windows. A process computes it over its part and weighs it by that part's size,
so that the plain sum of everybody's gradients is the gradient of the whole batch, equal parts or not. Batch norm is the
one layer in which windows see each other; ``SharedBatchNorm`` takes its moments over all parts. ``torchrun`` starts the
processes. torch's ``DistributedDataParallel`` counts all parts as equal, and its ``SyncBatchNorm`` knows no CPU.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional

from core.errors import UserError

_PATIENCE = timedelta(hours=2)
"""For the others while the first process validates and writes files."""


@dataclass(frozen=True)
class World:
    """The processes of a run: this one's number, and how many there are."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes files and prints."""
        return self.rank == 0

    def part(self, count: int) -> slice:
        """This process's rows of a batch of ``count``; sizes differ by one at most.

        Raises:
            UserError: there are fewer rows than processes.
        """
        if count < self.size:
            raise UserError(f"{self.size} processes cannot share a batch of {count}; change --batch")
        return slice(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum over all processes, in place; every process gets it."""
        if self.size > 1:
            distributed.all_reduce(tensor)
        return tensor

    def each(self, number: int, device: torch.device) -> list[int]:
        """A whole number of every process, in the order of their ranks; every process gets them."""
        numbers = torch.zeros(self.size, dtype=torch.int64, device=device)
        numbers[self.rank] = number
        return self.sum(numbers).tolist()

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace gradients by their sums over all processes, in one message."""
        if self.size == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = self.sum(torch.cat([g.flatten() for g in gradients]))
        for gradient, summed in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(summed.view_as(gradient))

    def share(self, model: nn.Module) -> None:
        """Give every process the first one's parameters and buffers."""
        if self.size > 1:
            for tensor in model.state_dict().values():
                distributed.broadcast(tensor, 0)


def started_by_torchrun() -> bool:
    """Whether this process is one of several."""
    return "RANK" in os.environ and int(os.environ.get("WORLD_SIZE", "1")) > 1


def first_process() -> bool:
    """Whether this process may write files and print."""
    return not started_by_torchrun() or os.environ["RANK"] == "0"


def join(device: torch.device) -> World:
    """Find the other processes of the run, once; alone when ``torchrun`` did not start this one.

    Raises:
        UserError: processes cannot work together on such a device.
    """
    if not started_by_torchrun():
        return World()
    if device.type == "mps":
        raise UserError("several processes train on CUDA GPUs or on the CPU; use --device cpu")
    if not distributed.is_initialized():
        if device.type == "cuda":
            torch.cuda.set_device(device)
        # This module's functions have the group of the moment it is imported as a default argument, and an optimiser's
        # first step would import it. A group that they hold keeps its threads, which now and then abort the process as
        # it ends; so the module is imported while there is no group.
        from torch.distributed.nn import functional as _  # noqa: F401

        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_PATIENCE)
        atexit.register(distributed.destroy_process_group)
    return World(distributed.get_rank(), distributed.get_world_size())


class _Sum(torch.autograd.Function):
    """Sum over all processes; the loss being the sum of everybody's, so is its gradient."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor) -> Tensor:
        total = x.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, *gradients: Tensor) -> Tensor:
        total = gradients[0].contiguous().clone()
        distributed.all_reduce(total)
        return total


class SharedBatchNorm(nn.Module):
    """A batch norm whose batch lies in several processes, on any device, with parts of any size above 0.

    It has the parameters, buffers and names of the layer it replaces, so that state dicts fit both.

    Raises:
        ValueError: the layer keeps no running moments or has no parameters.
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, plain: nn.BatchNorm1d | nn.BatchNorm2d) -> None:
        super().__init__()
        if not (plain.affine and plain.track_running_stats) or plain.momentum is None:
            raise ValueError("only a batch norm with parameters, running moments and a momentum can be shared")
        self.eps, self.momentum = plain.eps, plain.momentum
        self.weight, self.bias = plain.weight, plain.bias
        for name, buffer in plain.named_buffers():
            self.register_buffer(name, buffer)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C) or (N, C, ...) to the same shape, normalised over everything but C."""
        if not self.training:
            return functional.batch_norm(
                x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )  # fmt: skip
        rows = x.transpose(0, 1).flatten(1).to(self.weight.dtype)  # (C, n), in full precision as the plain layer does
        count = _Sum.apply(rows.new_full((1,), rows.shape[1]))
        mean = _Sum.apply(rows.sum(1)) / count  # (C,)
        # Around the common mean, in a second message: the difference of two large sums would lose the digits.
        var = _Sum.apply((rows - mean[:, None]).square().sum(1)) / count
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(var * (count / (count - 1).clamp(min=1)), self.momentum)
            self.num_batches_tracked.add_(1)
        scale = self.weight * (var + self.eps).rsqrt()
        rows = rows * scale[:, None] + (self.bias - mean * scale)[:, None]
        return rows.unflatten(1, (x.shape[0], *x.shape[2:])).transpose(0, 1).to(x.dtype)


def share_batch_norm(model: nn.Module) -> None:
    """Replace every batch norm in a model by one over all processes."""
    for name, child in model.named_children():
        if isinstance(child, (nn.BatchNorm1d, nn.BatchNorm2d)):
            setattr(model, name, SharedBatchNorm(child))
        else:
            share_batch_norm(child)
