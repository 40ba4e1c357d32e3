"""Where training runs, and in which arithmetic."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.errors import UserError

DEVICES = ("auto", "cpu", "cuda", "mps")


def choose_device(name: str = "auto") -> torch.device:
    """The device of a name; ``auto`` takes a CUDA GPU, then Apple's, then the CPU.

    Under ``torchrun`` each process of a machine takes the CUDA device of its local rank.

    Raises:
        UserError: torch sees no such device, or fewer than there are processes.
    """
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if name == "auto":
        name = "cuda" if cuda else "mps" if mps else "cpu"
    if name not in DEVICES:
        raise UserError(f"there is no device '{name}'; it is one of {', '.join(DEVICES)}")
    if (name == "cuda" and not cuda) or (name == "mps" and not mps):
        raise UserError(f"torch sees no device '{name}' on this machine; use --device cpu or auto")
    if name != "cuda":
        return torch.device(name)
    rank, count = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if rank >= count:
        raise UserError(f"process {rank} finds no GPU of its own: there are {count}; start no more processes than that")
    return torch.device("cuda", rank)


def ask_for_repeatability(device: torch.device) -> None:
    """Let torch take algorithms that come to the same result each time on a CUDA device; it warns of what has none.

    This holds for the whole process. It has to be asked before the first matrix product: cuBLAS reads its setting once.
    """
    if device.type != "cuda":
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # the same sums need workspaces of fixed sizes
    torch.backends.cudnn.benchmark = False  # it chooses by what happens to be fastest at the moment
    torch.use_deterministic_algorithms(True, warn_only=True)


def half_type(device: torch.device) -> torch.dtype:
    """bfloat16 where the device computes in it, else float16, whose gradients need scaling."""
    if device.type == "cuda":
        known = torch.cuda.is_bf16_supported(including_emulation=False)
    elif device.type == "mps":
        known = torch.backends.mps.is_macos_or_newer(14, 0)
    else:
        known = True
    return torch.bfloat16 if known else torch.float16


@dataclass(frozen=True)
class Arithmetic:
    """Single precision, or half where it is safe.

    Attributes:
        device: where the network is.
        half: the type of ``torch.autocast``, or None for single precision throughout.
    """

    device: torch.device
    half: torch.dtype | None = None

    @classmethod
    def of(cls, device: torch.device, amp: bool) -> Arithmetic:
        """What ``--amp`` means on a device."""
        return cls(device, half_type(device) if amp else None)

    def autocast(self) -> AbstractContextManager:
        """The context to run a network in."""
        return nullcontext() if self.half is None else torch.autocast(self.device.type, self.half)

    def scaler(self) -> torch.amp.GradScaler:
        """Scaling of the loss against gradients that float16 cannot hold; does nothing for other types."""
        return torch.amp.GradScaler(self.device.type, enabled=self.half == torch.float16)

    def tensor(self, array: NDArray) -> Tensor:
        """An array on the device."""
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device, non_blocking=True)
