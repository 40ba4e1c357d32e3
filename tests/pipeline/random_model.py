"""The random model that the pipeline's tests run: names and what the fixture ``exported`` holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

LABELS = ("walk", "wave", "box", "sit", "jump")


@dataclass(frozen=True)
class Exported:
    """A SkeleFormer with seeded random weights: in torch, and as the files that the pipeline loads."""

    torch_model: Any
    folder: Path
