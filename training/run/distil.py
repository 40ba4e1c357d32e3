"""Learning from teachers (Hinton et al., 2015): from what other networks think of a window, beside its label."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.errors import UserError
from skeleformer.baselines.ddnet import DDNet

TEMPERATURE = 2.0
"""Teachers and learner are compared after division of their logits by this, so that unlikely words count too."""


@dataclass(frozen=True)
class Teacher:
    """Whom to learn from.

    Attributes:
        opinion: features (B, M, T, V, 5) to softened probabilities of the words (B, words).
        digest: tells teachers apart, so that a run goes on with its own.
    """

    opinion: Callable[[NDArray[np.float32]], NDArray[np.float32]]
    digest: str


def load_teachers(paths: Sequence[str], words: tuple[str, ...], device: torch.device) -> Teacher:
    """The mean opinion of networks that ``python -m training teacher`` trained.

    Raises:
        WeightsError: a file is missing, damaged or no teacher.
        UserError: a teacher knows other words.
    """
    models = []
    digest = hashlib.sha256()
    for path in paths:
        model, known = DDNet.from_pretrained(Path(path))
        digest.update(Path(path).read_bytes())
        if known != words:
            raise UserError(f"{path} was taught other words than the model is to learn; teach it on the same data")
        models.append(model.to(device))

    def opinion(features: NDArray[np.float32]) -> NDArray[np.float32]:
        x = torch.from_numpy(features).to(device)
        with torch.no_grad():
            each = [(model(x) / TEMPERATURE).softmax(-1) for model in models]
        return torch.stack(each).mean(0).cpu().numpy()

    return Teacher(opinion, digest.hexdigest())


def distillation_loss(logits: Tensor, opinion: Tensor) -> Tensor:
    """Cross-entropy between softened probabilities, scaled so that the temperature does not change its gradients' size.

    Args:
        logits: (B, words).
        opinion: (B, words), probabilities at the same temperature.
    """
    log_p = (logits / TEMPERATURE).log_softmax(-1)
    return -(opinion * log_p).sum(-1).mean() * TEMPERATURE**2
