"""Fixtures of the tests of the networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from small_networks import randomise, small_config

from skeleformer import SkeleFormer


@pytest.fixture(autouse=True)
def _same_numbers() -> None:
    torch.manual_seed(0)


@pytest.fixture
def small() -> Callable[..., SkeleFormer]:
    """A small randomised network in evaluation mode; keyword arguments change its configuration."""

    def build(**changes: Any) -> SkeleFormer:
        model = SkeleFormer(small_config(**changes))
        randomise(model)
        return model.eval()

    return build
