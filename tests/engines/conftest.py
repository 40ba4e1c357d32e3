"""A full-size model with seeded random weights, exported once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

LABELS = tuple(f"action {i}" for i in range(30))


@dataclass(frozen=True)
class Exported:
    """A model and the files made from it."""

    weights: Path
    spatial: Path
    temporal: Path


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Weights as safetensors and both graphs, through the command that users run."""
    from engines.commands import main
    from skeleformer.config import SkeleFormerConfig
    from skeleformer.pretrained import SkeleFormer

    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    weights = folder / "skeleformer.safetensors"
    metadata = {"labels": json.dumps(LABELS), "rate_hz": "15.0", "preprocess_version": "1", "frames": "32"}
    SkeleFormer(SkeleFormerConfig(classes=len(LABELS))).save_pretrained(weights, metadata)
    assert main(["export", "--weights", str(weights), "--out", str(folder)]) == 0
    return Exported(weights, folder / "skeleformer-spatial.onnx", folder / "skeleformer-temporal.onnx")


@pytest.fixture
def random_window() -> Callable[..., dict[str, NDArray]]:
    """Inputs of the temporal graph."""

    def make(people: int = 1, frames: int = 32, seed: int = 0) -> dict[str, NDArray]:
        rng = np.random.default_rng(seed)
        mask = rng.random((people, frames)) > 0.2
        mask[:, -1] = True
        return {"tokens": rng.standard_normal((people, frames, 544), np.float32), "mask": mask}

    return make


@pytest.fixture(scope="session")
def prompted(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """The same for a network with skeleton prompts, two layers each."""
    from engines.commands import main
    from skeleformer.config import SkeleFormerConfig
    from skeleformer.pretrained import SkeleFormer
    from skeleformer.tuning import apply_tuning

    folder = tmp_path_factory.mktemp("prompted")
    torch.manual_seed(1)
    config = SkeleFormerConfig(classes=len(LABELS), spatial_layers=2, temporal_layers=2)
    model = apply_tuning(SkeleFormer(config), "skeleton-prompt")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))  # what is added begins without effect
    weights = folder / "skeleformer.safetensors"
    metadata = {"labels": json.dumps(LABELS), "rate_hz": "15.0", "preprocess_version": "1", "frames": "32"}
    model.eval().save_pretrained(weights, metadata)
    assert main(["export", "--weights", str(weights), "--out", str(folder)]) == 0
    return Exported(weights, folder / "skeleformer-spatial.onnx", folder / "skeleformer-temporal.onnx")
