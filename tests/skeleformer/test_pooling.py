"""Pooling of a window's frames, and the positions that tell the frames apart."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from equations import arr
from small_networks import random_features

from skeleformer import SkeleFormer, SkeleFormerConfig
from skeleformer.encoder import sinusoids
from skeleformer.pooling import masked_max, masked_mean
from skeleformer.split import SpatialGraph, TemporalGraph


def test_nobody_pools_to_zero() -> None:
    nobody = torch.zeros(1, 3, dtype=torch.bool)
    assert (masked_mean(torch.ones(1, 3, 4), nobody) == 0).all()
    assert (masked_max(torch.ones(1, 3, 4), nobody) == 0).all()


def test_mean_and_maximum_are_over_the_people_and_frames_that_are_there(small: Callable[..., SkeleFormer]) -> None:
    model = small(pooling="mean+max")
    x = random_features(model.config)
    h, mask = model.encode(x)
    for b in range(2):
        there = arr(h)[b][mask[b].numpy()]
        expected = np.concatenate([there.mean(0), there.max(0)])
        np.testing.assert_allclose(arr(model.embed(x))[b], expected, atol=1e-5)
    assert model.config.embedding == len(expected) == model.head.classifier.in_features


@torch.no_grad()
def test_the_streaming_halves_pool_alike(small: Callable[..., SkeleFormer]) -> None:
    model = small(pooling="mean+max")
    x = random_features(model.config, people=1)
    mask = (x[:, 0, ..., -1] > 0).any(-1)
    tokens = SpatialGraph(model)(x.flatten(0, 2)).unflatten(0, mask.shape)
    logits, embedding = TemporalGraph(model)(tokens, mask)
    torch.testing.assert_close(embedding, model.embed(x), atol=1e-5, rtol=0)
    torch.testing.assert_close(logits, model(x), atol=1e-5, rtol=0)


def test_a_new_head_fits_the_pooling(small: Callable[..., SkeleFormer]) -> None:
    model = small(pooling="mean+max")
    model.replace_head(11)
    assert model.eval()(random_features(model.config)).shape == (2, 11)


def test_an_unknown_pooling_is_refused() -> None:
    with pytest.raises(ValueError, match="pooling is one of mean, mean\\+max"):
        SkeleFormerConfig(pooling="median")


@torch.no_grad()
def test_the_order_of_frames_matters_before_any_training() -> None:
    model = SkeleFormer(SkeleFormerConfig()).eval()
    x = random_features(model.config, people=1, frames=32)
    forward, backward = model.embed(x), model.embed(x.flip(2))
    assert (forward - backward).norm() > 0.02 * forward.norm()  # 0.002 with positions of 0.02


def test_near_frames_start_with_like_positions() -> None:
    p = sinusoids(32, 544)
    likeness = torch.nn.functional.cosine_similarity(p[16:17], p, dim=1)
    assert likeness[16] == pytest.approx(1)
    assert (likeness[16:24].diff() < 0).all()
    assert likeness[0] < 0.5
