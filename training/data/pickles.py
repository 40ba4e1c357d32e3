"""Annotation pickles read without running code from them."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any, NoReturn

from core.errors import UserError

# What a pickle of plain containers and numpy arrays needs, under numpy 1's and numpy 2's module names.
_ALLOWED = {
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy.core.numeric", "_frombuffer"),
    ("numpy._core.numeric", "_frombuffer"),
    ("collections", "OrderedDict"),
    ("_codecs", "encode"),  # how protocol 2 stores bytes
}


class _Refused(pickle.UnpicklingError):
    """What the file asks for, in words."""


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise _Refused(f"it asks for {module}.{name}")
        return super().find_class(module, name)

    def persistent_load(self, pid: Any) -> NoReturn:
        raise _Refused("it refers to objects outside the file")


def load_plain_pickle(path: Path | str) -> Any:
    """Load a pickle that may hold numpy arrays, dicts, lists, strings and numbers, and nothing else.

    Raises:
        UserError: the file is missing, damaged, or names anything but those types; nothing of it has been run.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from None
    try:
        return _PlainUnpickler(io.BytesIO(data)).load()
    except _Refused as error:
        raise UserError(f"{path} is no plain annotation pickle: {error}") from None
    except Exception:  # damaged pickles raise anything from ValueError to RecursionError
        raise UserError(f"{path} is no plain annotation pickle: it is damaged, cut short or of another kind") from None
