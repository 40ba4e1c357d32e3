"""One model from several runs that began with the same weights: the mean of their weights.

Runs that differ only in their randomness end in one valley of the loss; its middle errs less than its rim, at the price
of a single network (Wortsman et al., "Model soups", ICML 2022).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from core.errors import UserError
from skeleformer.pretrained import SkeleFormer
from training.run.saved import load_model, validation_seen


def soup(paths: Sequence[str]) -> tuple[SkeleFormer, tuple[str, ...], tuple[str, ...]]:
    """Average saved models.

    Args:
        paths: ``.safetensors`` models, two at least.

    Returns:
        the model in evaluation mode, its words, and the data sets whose validation part any of them has seen.

    Raises:
        WeightsError: a file is missing, damaged or of another kind.
        UserError: there is one only, or they differ in their words, sizes or tuning.
    """
    if len(paths) < 2:
        raise UserError("a mean needs two models at least")
    first, words = load_model(paths[0])
    seen = set(validation_seen(first))
    total = {name: weight.double() for name, weight in _weights(first).items()}
    for path in paths[1:]:
        model, known = load_model(path)
        if known != words:
            raise UserError(f"{path} knows other words than {paths[0]}")
        if (model.config, model.tuning) != (first.config, first.tuning):
            raise UserError(f"{path} is of another shape than {paths[0]}")
        seen.update(validation_seen(model))
        for name, weight in _weights(model).items():
            total[name] += weight
    with torch.no_grad():
        for name, weight in _weights(first).items():
            weight.copy_(total[name] / len(paths))
    return first, words, tuple(sorted(seen))


def _weights(model: SkeleFormer) -> dict[str, Tensor]:
    """What differs between runs; indices do not."""
    return {name: weight for name, weight in model.state_dict().items() if weight.is_floating_point()}
