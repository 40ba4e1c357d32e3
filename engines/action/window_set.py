"""Windows of real people's movements, to hold backends against each other and to calibrate int8."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import EngineError
from engines.files import write_whole

BUNDLED = "check-windows.npz"
"""Windows of the clips that may be passed on, shipped with the models."""


@dataclass(frozen=True)
class WindowSet:
    """Features as the live pipeline makes them.

    Attributes:
        features: (N, T, 17, 5) float32, newest frame last; frames before a person came into view are zero.
        preprocess_version: of the function that made them.
        right: (N, classes) bool, the classes that are right for each window, or None without labels.
        allowed: (N, classes) bool, the classes that its data set knows, or None without labels.
    """

    features: NDArray[np.float32]
    preprocess_version: str
    right: NDArray[np.bool_] | None = None
    allowed: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.features)

    @property
    def mask(self) -> NDArray[np.bool_]:
        """(N, T), True where the person was seen."""
        return np.asarray((self.features[..., 4] > 0).any(-1))

    def top1(self, logits: NDArray[np.floating]) -> float:
        """Part of the windows whose best allowed class is right."""
        assert self.right is not None
        assert self.allowed is not None
        best = np.where(self.allowed, logits, -np.inf).argmax(1)
        return float(self.right[np.arange(len(best)), best].mean())

    def save(self, path: Path) -> None:
        """Write the set, whole or not at all; features as float16."""
        import io

        arrays: dict[str, Any] = {
            "features": self.features.astype(np.float16),
            "preprocess_version": np.array(self.preprocess_version),
        }
        if self.right is not None and self.allowed is not None:
            arrays |= {"right": self.right, "allowed": self.allowed}
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        write_whole(path, buffer.getvalue())


def load_windows(path: Path | None = None) -> WindowSet:
    """Read a set; the bundled one by default.

    Raises:
        EngineError: the file is missing or is no set of windows.
    """
    if path is None:
        from models import model_path

        path = model_path(BUNDLED)
    if not path.is_file():
        raise EngineError(f"There is no file of windows {path}.")
    try:
        with np.load(path, allow_pickle=False) as file:
            features = file["features"].astype(np.float32)
            if features.ndim != 4 or features.shape[2:] != (17, 5) or not len(features):
                raise ValueError
            return WindowSet(
                features,
                str(file["preprocess_version"]),
                file.get("right"),
                file.get("allowed"),
            )
    except Exception as error:  # zipfile, numpy and the checks above raise unrelated types
        raise EngineError(f"{path.name} is no file of windows.") from error
