"""JEMF against equations 3 to 7, and the two fusions it is compared with."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from equations import arr, heads_attention, layer_norm, linear, mlp
from small_networks import random_features, randomise

from skeleformer import SkeleFormer
from skeleformer.multistream.fusion import InputFusion, PostFusion
from skeleformer.multistream.jemf import JEMF
from skeleformer.pooling import masked_mean


def test_jemf_is_equations_3_to_7() -> None:
    fusion = JEMF(8, heads=2, mlp_ratio=2.0)
    randomise(fusion)
    joint, bone, velocity = torch.randn(3, 5, 17, 8)
    got = arr(fusion(joint, bone, velocity))
    for n in range(5):
        both = np.concatenate([arr(bone)[n], arr(velocity)[n]], -1)
        k, v = linear(fusion.key, both), linear(fusion.value, both)  # eq. 3, 4
        enhanced = heads_attention(linear(fusion.query, arr(joint)[n]), k, v, 2)  # eq. 5
        fused = arr(joint)[n] + enhanced  # eq. 6
        np.testing.assert_allclose(got[n], fused + mlp(fusion.mlp, layer_norm(fusion.norm, fused)), atol=1e-5)  # eq. 7


def test_joints_may_be_listed_in_any_order() -> None:
    fusion = JEMF(8, heads=2, mlp_ratio=2.0)
    streams = torch.randn(3, 5, 17, 8)
    order = torch.randperm(17)
    shuffled = fusion(*streams[:, :, order])
    torch.testing.assert_close(shuffled, fusion(*streams)[:, order])


def test_input_fusion_merges_into_one_stream() -> None:
    fusion = InputFusion(8)
    joint, bone, velocity = torch.randn(3, 5, 17, 8)
    expected = linear(fusion.merge, np.concatenate([arr(joint), arr(bone), arr(velocity)], -1))
    np.testing.assert_allclose(arr(fusion(joint, bone, velocity)), expected, atol=1e-5)


def test_post_fusion_sums_the_embeddings_of_three_passes(small: Callable[..., SkeleFormer]) -> None:
    model = small(fusion="post")
    x = random_features(model.config, people=1)
    mask = (x[..., -1] > 0).any(-1)[:, 0]
    streams = model.spatial.streams(x[:, 0])  # three times (B, T, V, c)
    total = torch.zeros(2, model.config.dim)
    for stream in streams:  # each by itself through both halves
        h = stream + model.spatial.position
        for layer in model.spatial.blocks:
            h = layer(h)
        h = model.spatial.norm(h).flatten(2) + model.temporal.positions(x.shape[2])
        for layer in model.temporal.blocks:
            h = layer(h, mask)
        total += masked_mean(model.temporal.norm(h), mask)
    torch.testing.assert_close(model.embed(x), total, atol=1e-5, rtol=1e-5)
    assert PostFusion()(*streams).shape == (2, 9, 3, 17, 8)


@pytest.mark.parametrize("fusion", ["jemf", "input", "post"])
def test_every_stream_reaches_the_output(fusion: str, small: Callable[..., SkeleFormer]) -> None:
    model = small(fusion=fusion)
    x = random_features(model.config).requires_grad_()
    model(x).square().sum().backward()
    assert x.grad is not None
    seen = x.detach()[..., -1] > 0
    assert (x.grad[..., :4][seen].abs() > 0).all()  # position and velocity of every joint that is there
    assert (x.grad[..., :4][~seen] == 0).all()
