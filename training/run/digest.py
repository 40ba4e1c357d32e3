"""Telling data apart, so that a run goes on with its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def digest(parts: Iterable[str | NDArray]) -> str:
    """SHA-256, in hexadecimal digits, of texts and of the values of arrays, one after another.

    Shapes and types are no part of it; where they may differ, a text before the array has to say them.
    """
    sha = hashlib.sha256()
    for part in parts:
        sha.update(part.encode() if isinstance(part, str) else np.ascontiguousarray(part).data)
    return sha.hexdigest()
