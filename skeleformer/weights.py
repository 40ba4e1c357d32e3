"""Models as safetensors files that explain themselves: the configuration travels in the metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from core.errors import WeightsError
from core.files import filling
from skeleformer.config import SkeleFormerConfig
from skeleformer.tuning import TuningConfig

ARCHITECTURE = "skeleformer"

Config = TypeVar("Config", SkeleFormerConfig, TuningConfig)


@dataclass(frozen=True)
class WeightsFile:
    """What a saved model holds: how to build it, and its parameters as float32."""

    config: SkeleFormerConfig
    tuning: TuningConfig | None
    metadata: dict[str, str]
    state: dict[str, Tensor]


def save_weights(
    state: Mapping[str, Tensor],
    config: SkeleFormerConfig,
    path: Path | str,
    metadata: Mapping[str, object] | None = None,
    dtype: torch.dtype | None = torch.float16,
    tuning: TuningConfig | None = None,
) -> None:
    """Write a state dict with its configuration, whole or not at all.

    Args:
        state: parameters by name.
        config: the sizes of the network.
        path: file to write.
        metadata: more entries, for example ``labels``; what is no string is written as JSON.
        dtype: how floating-point parameters are stored; None keeps theirs.
        tuning: the method that has added parameters to the network.

    Raises:
        WeightsError: the file cannot be written.
    """
    entries = {k: v if isinstance(v, str) else json.dumps(v) for k, v in (metadata or {}).items()}
    entries |= {"architecture": ARCHITECTURE, "config": json.dumps(asdict(config))}
    if tuning is not None:
        entries["tuning"] = json.dumps(asdict(tuning))
    write_tensors(state, path, entries, dtype)


def write_tensors(
    state: Mapping[str, Tensor],
    path: Path | str,
    entries: Mapping[str, str],
    dtype: torch.dtype | None = torch.float16,
) -> None:
    """Write parameters and metadata of any network as safetensors, whole or not at all.

    Raises:
        WeightsError: the file cannot be written.
    """
    tensors = {k: _stored(v.detach().cpu(), dtype) for k, v in state.items()}
    try:
        with filling(Path(path)) as file:
            file.write(save(tensors, metadata=dict(entries)))
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"cannot write the weights {path}: {error}") from None


def _stored(tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    return (tensor.to(dtype) if dtype is not None and tensor.is_floating_point() else tensor).contiguous()


def read_metadata(path: Path | str) -> dict[str, str]:
    """The metadata of a safetensors file.

    Raises:
        WeightsError: the file is missing or no safetensors file.
    """
    try:
        with safe_open(str(path), "pt") as file:
            return dict(file.metadata() or {})
    except SafetensorError:
        raise WeightsError(f"cannot read the weights {path}: it is no safetensors file, or a damaged one") from None
    except OSError as error:
        reason = "it is a folder" if Path(path).is_dir() else error.strerror or error
        raise WeightsError(f"cannot read the weights {path}: {reason}") from None


def load_weights(path: Path | str) -> WeightsFile:
    """Configuration and parameters of a saved model.

    Raises:
        WeightsError: the file is missing, damaged or of another architecture.
    """
    state, metadata = read_tensors(path, ARCHITECTURE, "SkeleFormer")
    config = _read_config(path, metadata, "config", SkeleFormerConfig)
    tuning = _read_config(path, metadata, "tuning", TuningConfig) if "tuning" in metadata else None
    return WeightsFile(config, tuning, metadata, state)


def read_tensors(path: Path | str, architecture: str, kind: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Parameters, as float32, and metadata of a file that must be of an architecture; ``kind`` names it in messages.

    Raises:
        WeightsError: the file is missing, damaged or of another architecture.
    """
    metadata = read_metadata(path)
    with safe_open(str(path), "pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is no mapping
    if metadata.get("architecture") != architecture:
        found = f"says {metadata['architecture']!r}" if "architecture" in metadata else "is missing"
        first = f"; its first parameter is '{min(tensors)}'" if tensors else ""
        raise WeightsError(f"{path} is no {kind}: the entry 'architecture' in its metadata {found}{first}")
    return {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}, metadata


def _read_config(path: Path | str, metadata: Mapping[str, str], entry: str, kind: type[Config]) -> Config:
    """A dataclass from its JSON in the metadata, each value of the type of the field's default."""
    try:
        values = json.loads(metadata[entry])
        for field in fields(kind):
            if field.name not in values:
                continue  # written before this field existed: its default is what held then
            if isinstance(values[field.name], list):
                values[field.name] = tuple(values[field.name])
            wanted, found = type(field.default), type(values[field.name])
            if found is not wanted and not (wanted is float and found is int):
                raise ValueError(f"'{field.name}' is {values[field.name]!r}")
        return kind(**values)
    except KeyError:
        raise WeightsError(f"{path} lacks the entry '{entry}' in its metadata") from None
    except (TypeError, ValueError) as error:
        raise WeightsError(f"the entry '{entry}' in the metadata of {path} cannot be used: {error}") from None


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
