"""From a network's logits to honest probabilities, and to "unknown" where they do not suffice for a label."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import CalibrationError
from core.files import filling

FORMAT = "skeleprompt-calibration-1"


@dataclass(frozen=True)
class Calibration:
    """How far a model's outputs are to be trusted.

    Attributes:
        temperature: logits are divided by it before the softmax (Guo et al., ICML 2017); above 1 makes a model modest.
        threshold: a best class less probable than this is not shown: the person's action is unknown.
        model: name of the model it was fitted to, for messages.
    """

    temperature: float = 1.0
    threshold: float = 0.0
    model: str = ""

    def __post_init__(self) -> None:
        if not (np.isfinite(self.temperature) and self.temperature > 0):
            raise CalibrationError(f"the temperature is {self.temperature}, but it must be above 0")
        if not 0 <= self.threshold <= 1:
            raise CalibrationError(f"the threshold is {self.threshold}, but it must lie between 0 and 1")

    def decide(
        self, logits: NDArray[np.floating], embedding: NDArray[np.floating] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Probabilities (N, C) of logits (N, C), and (N,) whether the best class may be shown.

        ``embedding`` (N, D) is there for fits that look at features; this one does not.
        """
        scaled = np.asarray(logits, np.float64) / self.temperature
        scaled -= scaled.max(axis=-1, keepdims=True)
        p = np.exp(scaled)
        p = (p / p.sum(axis=-1, keepdims=True)).astype(np.float32)
        return p, p.max(axis=-1) >= np.float32(self.threshold)  # as precise as those that it was fitted to

    @classmethod
    def load(cls, path: Path | str) -> Calibration:
        """Read a file that ``save`` or ``python -m calibration fit`` wrote.

        Raises:
            CalibrationError: the file is missing or not of this format.
        """
        try:
            data = json.loads(Path(path).read_text())
        except OSError as error:
            raise CalibrationError(f"cannot read the calibration {path}: {error.strerror or error}") from None
        except ValueError:
            raise CalibrationError(f"the calibration {path} is not JSON") from None
        if not isinstance(data, dict) or data.pop("format", None) != FORMAT:
            raise CalibrationError(f'{path} is no calibration of this program (it lacks "format": "{FORMAT}")')
        data.pop("fitted_on", None)
        try:
            return cls(float(data["temperature"]), float(data["threshold"]), str(data.get("model", "")))
        except (KeyError, TypeError, ValueError) as error:
            raise CalibrationError(f"the calibration {path} is incomplete: {error}") from None

    def save(self, path: Path | str, fitted_on: dict[str, Any] | None = None) -> None:
        """Write the file whole or not at all; ``fitted_on`` records the data and figures of the fit.

        Raises:
            CalibrationError: it cannot be written.
        """
        text = json.dumps({"format": FORMAT, **asdict(self), "fitted_on": fitted_on or {}}, indent=2) + "\n"
        try:
            with filling(Path(path)) as file:
                file.write(text.encode())
        except OSError as error:
            raise CalibrationError(f"cannot write the calibration {path}: {error.strerror or error}") from None
