"""Windows of different lengths as one array."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def pad_windows(windows: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Stack windows (M, T, V, F) to (B, M, T, V, F), padding in front with absent people: the newest frame is always
    last."""
    people = max(w.shape[0] for w in windows)
    frames = max(w.shape[1] for w in windows)
    out = np.zeros((len(windows), people, frames, *windows[0].shape[2:]), np.float32)
    for row, w in zip(out, windows, strict=True):
        row[: w.shape[0], frames - w.shape[1] :] = w
    return out
