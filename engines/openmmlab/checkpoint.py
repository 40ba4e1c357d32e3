"""Read weights from files that other people made, without running what they may contain.

A ``.pth`` file is a pickle: unpickling it plainly can run any program. torch's restricted reader builds tensors and
plain containers only; training runs of mmengine also leave numpy scalars and a history of the losses in their
checkpoints, which are admitted here by name. Whatever else a file asks for is refused, unless the caller says that the
file is trusted.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import EngineError, first_line

OPT_IN = "--trust-weights (Python: trust_weights=True)"


def read_checkpoint(path: Path, *, trusted: bool = False) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read the weights and the notes of a checkpoint.

    Args:
        path: a ``.safetensors`` file, or a ``.pth`` of mmengine or torch.
        trusted: also accept a file that holds arbitrary Python objects. Loading such a file runs code from it.

    Returns:
        The state dictionary (name -> tensor, on the CPU), and the checkpoint's ``meta`` (empty where it has none).

    Raises:
        EngineError: no such file, no checkpoint, or a file that is refused because reading it could run code.
    """
    if not path.is_file():
        raise EngineError(f"There is no weights file {path}.")
    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path, trusted)
    state = content.get("state_dict", content) if isinstance(content, Mapping) else None
    if not isinstance(state, Mapping) or not state or not all(hasattr(value, "shape") for value in state.values()):
        raise EngineError(f"{path} is no checkpoint of a pose model: it holds no dictionary of weights.")
    meta = content.get("meta", {}) if state is not content else {}
    return {name.removeprefix("module."): value for name, value in state.items()}, dict(meta or {})


def load_weights(model: Any, path: Path, *, trusted: bool = False) -> dict[str, Any]:
    """Put a checkpoint's weights into a model; every weight must be there.

    A model with some weights missing would run and give wrong poses, so it is refused. Weights that the model has no
    use for, as those of heads that only training needs, are left out.

    Returns:
        The checkpoint's ``meta``.

    Raises:
        EngineError: see :func:`read_checkpoint`; or a weight is missing or has another shape, which the message names.
    """
    state, meta = read_checkpoint(path, trusted=trusted)
    try:
        missing = model.load_state_dict(state, strict=False).missing_keys
    except RuntimeError as error:  # torch lists every weight with a wrong shape, one a line
        lines = [line.strip() for line in str(error).splitlines() if "size mismatch" in line]
        detail = lines[0].rstrip(".") if lines else first_line(error)
        raise EngineError(f"{path} belongs to another model: {detail}.") from error
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise EngineError(f"{path} belongs to another model: it lacks the weight '{missing[0]}'{more}.")
    return meta


def _read_safetensors(path: Path) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise EngineError(f"{path} is no safetensors file: {error}.") from error


def _read_torch(path: Path, trusted: bool) -> Any:
    import torch

    try:
        with torch.serialization.safe_globals(_admitted()):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        named = re.search(r"(?:GLOBAL|global|function|class) `?([\w.]+)`?", str(error))
        if not named and not _is_pickle(path):
            raise EngineError(f"{path} is no checkpoint that torch can read.") from error
        if trusted:
            return torch.load(path, map_location="cpu", weights_only=False)
        what = f"the Python object '{named[1]}'" if named else "Python objects"
        raise EngineError(
            f"{path} holds {what} besides weights, and loading it could run code from the file; "
            f"only if you trust where it comes from, allow that with {OPT_IN}."
        ) from error
    except Exception as error:  # a damaged file fails in many ways
        raise EngineError(f"{path} is no checkpoint that torch can read: {first_line(error)}") from error


def _is_pickle(path: Path) -> bool:
    """Whether the file looks like torch's zip archive or its older bare pickle."""
    with path.open("rb") as file:
        return file.read(2) in (b"PK", b"\x80\x02")


def _admitted() -> list[Any]:
    """Harmless types that mmengine's training runs store beside the weights."""
    import numpy as np
    from mmengine.logging import HistoryBuffer

    try:
        from numpy._core.multiarray import _reconstruct, scalar
    except ImportError:  # numpy 1
        from numpy.core.multiarray import _reconstruct, scalar  # type: ignore[no-redef]
    kinds = [type(np.dtype(kind)) for kind in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?")]
    # A pickle made with numpy 1 calls the module numpy.core, one made with numpy 2 calls it numpy._core.
    old_and_new = [(function, f"numpy.{core}.multiarray.{function.__name__}")
                   for function in (_reconstruct, scalar) for core in ("core", "_core")]  # fmt: skip
    getattr_names = [(_history_method, f"{builtins}.getattr") for builtins in ("builtins", "__builtin__")]
    return [np.ndarray, np.dtype, *kinds, *old_and_new, HistoryBuffer, *getattr_names]


def _history_method(owner: Any, name: str) -> Any:
    """Stands for ``getattr``, with which a history of losses names its own four summaries, and does that only."""
    from mmengine.logging import HistoryBuffer

    if owner is not HistoryBuffer or name not in ("min", "max", "current", "mean"):
        raise pickle.UnpicklingError(f"Unsupported global: GLOBAL builtins.getattr({owner}, {name!r})")
    return getattr(HistoryBuffer, name)
