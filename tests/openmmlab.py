"""mmpose models with seeded random weights, for tests: real weights cannot be fetched where tests run."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ("walkers", "runners", "dancer")


@cache
def picture(name: str) -> NDArray[np.uint8]:
    """A committed picture, BGR: ``walkers`` is the first frame of the demo clip."""
    if name == "walkers":
        clip = cv2.VideoCapture(str(ROOT / "assets" / "demo.mp4"))
        found, image = clip.read()
        clip.release()
        assert found
    else:
        image = cv2.imread(str(ROOT / "tests" / "data" / f"{name}.jpg"))
        assert image is not None
    return image  # type: ignore[return-value]


def boxes_on(image: NDArray[np.uint8], count: int = 5, seed: int = 1) -> NDArray[np.float32]:
    """Seeded boxes (count, 4) as a detector gives them, in pixels; some reach over the edge, the last is the whole
    picture."""
    height, width = image.shape[:2]
    random = np.random.default_rng(seed)
    corners = random.uniform([-0.1 * width, -0.1 * height], [0.6 * width, 0.5 * height], (count, 2))
    sides = random.uniform([0.1 * width, 0.2 * height], [0.5 * width, 0.8 * height], (count, 2))
    boxes = np.concatenate([corners, corners + sides], axis=1).astype(np.float32)
    boxes[-1] = [0, 0, width, height]
    return boxes


@cache
def random_model(name: str, seed: int = 0) -> Any:
    """A shipped configuration with random weights whose outputs differ from place to place as those of trained ones
    do."""
    import torch

    from engines.openmmlab.config import find_config, read_config
    from engines.openmmlab.model import build_model

    torch.manual_seed(seed)
    torch.set_num_threads(1)
    model = build_model(read_config(find_config(name)))
    norms = [m for m in model.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    for norm in norms:  # fresh statistics let the signal fade or explode over a hundred layers
        norm.momentum = None
        norm.train()
    width, height = (model.cfg.get("codec") or model.test_cfg)["input_size"]
    crops = np.stack([cv2.resize(picture(n), (width, height)) for n in PICTURES])
    crops = crops.transpose(0, 3, 1, 2).astype(np.float32)
    if model.cfg.model.data_preprocessor.get("bgr_to_rgb"):
        crops = (crops - 120) / 58
    with torch.no_grad():
        model.head(model.extract_feat(torch.from_numpy(crops)))
    return model.eval()


def save_checkpoint(model: Any, path: Path, **extra: Any) -> Path:
    """Write a model's weights as mmengine does."""
    import torch

    torch.save({"meta": {"mmengine_version": "0.10.7"}, "state_dict": model.state_dict(), **extra}, path)
    return path
