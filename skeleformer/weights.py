"""Models as safetensors files that explain themselves: the configuration travels in the metadata."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from skeleformer.config import SkeleFormerConfig
from skeleformer.errors import WeightsError

ARCHITECTURE = "skeleformer"


def save_weights(
    state: Mapping[str, Tensor],
    config: SkeleFormerConfig,
    path: Path | str,
    metadata: Mapping[str, str] | None = None,
    dtype: torch.dtype | None = torch.float16,
) -> None:
    """Write a state dict with its configuration, whole or not at all.

    Args:
        state: parameters by name.
        config: the sizes of the network.
        path: file to write.
        metadata: more entries, for example ``labels`` as JSON.
        dtype: how floating-point parameters are stored; None keeps theirs.
    """
    target = Path(path)
    tensors = {
        k: (
            v.detach().to("cpu", dtype) if dtype is not None and v.is_floating_point() else v.detach().cpu()
        ).contiguous()
        for k, v in state.items()
    }
    entries = {**(metadata or {}), "architecture": ARCHITECTURE, "config": json.dumps(asdict(config))}
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=target.name + ".")
    os.close(handle)
    try:
        save_file(tensors, temporary, metadata=entries)
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except BaseException:
        os.unlink(temporary)
        raise


def read_metadata(path: Path | str) -> dict[str, str]:
    """The metadata of a safetensors file.

    Raises:
        WeightsError: the file is missing or no safetensors file.
    """
    try:
        with safe_open(str(path), "pt") as file:
            return dict(file.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"cannot read the weights {path}: {error}") from None


def load_weights(path: Path | str) -> tuple[SkeleFormerConfig, dict[str, Tensor]]:
    """Configuration and parameters (as float32) of a saved model.

    Raises:
        WeightsError: the file is missing, damaged or of another architecture.
    """
    metadata = read_metadata(path)
    if metadata.get("architecture") != ARCHITECTURE:
        found = metadata.get("architecture", "no architecture")
        raise WeightsError(f"{path} is no SkeleFormer: its metadata names {found}")
    known = {f.name for f in fields(SkeleFormerConfig)}
    try:
        entries = json.loads(metadata["config"])
        if set(entries) - known:
            raise ValueError(f"unknown entries {sorted(set(entries) - known)}")
        entries["parents"] = tuple(entries["parents"])
        config = SkeleFormerConfig(**entries)
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"the configuration in {path} cannot be used: {error}") from None
    with safe_open(str(path), "pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  (it is no dict)
    return config, {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}


def check_state(state: Mapping[str, Tensor], expected: Mapping[str, Tensor], path: Path | str) -> None:
    """Compare names and shapes.

    Raises:
        WeightsError: naming the first key that is missing, unexpected or of another shape.
    """
    for key in expected:
        if key not in state:
            raise WeightsError(f"{path} lacks the parameter '{key}'")
        if state[key].shape != expected[key].shape:
            raise WeightsError(
                f"'{key}' in {path} has shape {tuple(state[key].shape)}, but {tuple(expected[key].shape)} is expected"
            )
    for key in state:
        if key not in expected:
            raise WeightsError(f"{path} has a parameter '{key}' that this architecture does not know")
