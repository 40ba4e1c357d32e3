"""Prompt generators and their interactions against equations 9 to 11 and tables 11 to 13."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from equations import arr, block, layer_norm, linear, mlp, self_attention, softmax
from small_networks import random_features, randomise

from skeleformer import SkeleFormer, TuningConfig, apply_tuning, count_flops, fold
from skeleformer.folding import FoldedPrompts
from skeleformer.prompts import SpatialPromptGenerator, TemporalPromptGenerator, cross_attention
from skeleformer.tuning import INTERACTIONS, SOURCES

SMALL = TuningConfig(prompts=5, spatial_bottleneck=4, temporal_bottleneck=6, channel_rank=3)


def test_spatial_prompts_are_equation_9() -> None:
    generator = SpatialPromptGenerator(17 * 8, 4, 5, 8)
    h = torch.randn(3, 17, 8)
    got = arr(generator(h))
    assert got.shape == (3, 5, 8)
    for n in range(3):
        z = np.maximum(linear(generator.down, arr(h)[n].ravel()), 0)
        np.testing.assert_allclose(got[n].ravel(), linear(generator.up, z), atol=1e-5)


def test_temporal_prompts_are_equation_10() -> None:
    generator = TemporalPromptGenerator(24, 6, 5, 24)
    h = torch.randn(2, 9, 24)
    mask = torch.rand(2, 9) > 0.4
    got = arr(generator(h, mask))
    assert got.shape == (2, 5, 24)
    for n in range(2):
        pooled = linear(generator.down, arr(h)[n])[mask[n].numpy()].max(0)
        np.testing.assert_allclose(got[n].ravel(), linear(generator.up, np.maximum(pooled, 0)), atol=1e-5)


def test_cross_attention_is_equation_11(small: Callable[..., SkeleFormer]) -> None:
    shared = small().temporal.blocks[0].attention
    d = shared.query.in_features
    pose, prompts = torch.randn(9, d), torch.randn(5, d)
    w_q, w_k = arr(shared.query.weight).T, arr(shared.key.weight).T
    k = arr(prompts) @ w_k
    expected = softmax(arr(pose) @ w_q @ k.T / np.sqrt(d)) @ k
    np.testing.assert_allclose(arr(cross_attention(pose, prompts, shared)), expected, atol=1e-4)


@pytest.mark.parametrize("source", SOURCES)
def test_a_prompted_layer_adds_the_attention_to_the_pose_embedding(
    source: str, small: Callable[..., SkeleFormer]
) -> None:
    model = apply_tuning(small(), replace(SMALL, source=source))
    layer = model.temporal.blocks[1]
    x = torch.randn(1, 9, model.config.dim)
    mask = torch.tensor([[True] * 7 + [False] * 2])
    seen = mask[0].numpy()
    h = arr(x)[0]
    pose = self_attention(layer.attention, layer_norm(layer.norm1, h), seen)
    generator = layer.tuner.generator
    z = linear(generator.down, h if source == "previous" else h + pose)[seen].max(0)
    prompts = linear(generator.up, np.maximum(z, 0)).reshape(5, -1)
    k = prompts @ arr(layer.attention.key.weight).T
    crossed = softmax(pose @ arr(layer.attention.query.weight).T @ k.T / np.sqrt(len(k[0]))) @ k
    h = h + pose + crossed
    expected = h + mlp(layer.mlp, layer_norm(layer.norm2, h))
    np.testing.assert_allclose(arr(layer(x, mask))[0], expected, atol=1e-4)


def test_concatenated_prompts_are_tokens_of_the_layer(small: Callable[..., SkeleFormer]) -> None:
    model = apply_tuning(small(), replace(SMALL, method="skeleton-prompt-without-ca"))
    layer = model.temporal.blocks[0]
    x = torch.randn(1, 9, model.config.dim)
    mask = torch.tensor([[False] * 2 + [True] * 7])
    prompts = arr(layer.tuner.generator(x, mask))[0]
    tokens = np.concatenate([prompts, arr(x)[0]])
    expected = block(layer, tokens, np.r_[np.ones(5, bool), mask[0].numpy()])[5:]
    np.testing.assert_allclose(arr(layer(x, mask))[0], expected, atol=1e-4)


@pytest.mark.parametrize("interaction", ["addition", "multiplication"])
def test_elementwise_prompts(interaction: str, small: Callable[..., SkeleFormer]) -> None:
    model = apply_tuning(small(), replace(SMALL, interaction=interaction))
    layer = model.spatial.blocks[0]
    x = torch.randn(1, 17, 8)
    h = arr(x)[0]
    pose = self_attention(layer.attention, layer_norm(layer.norm1, h))
    prompt = arr(layer.tuner.generator(x))[0].mean(0)
    h = h + (pose + prompt if interaction == "addition" else pose * (1 + prompt))
    expected = h + mlp(layer.mlp, layer_norm(layer.norm2, h))
    np.testing.assert_allclose(arr(layer(x))[0], expected, atol=1e-4)


def test_channel_prompts_go_through_a_projection(small: Callable[..., SkeleFormer]) -> None:
    model = apply_tuning(small(), replace(SMALL, interaction="channels"))
    layer = model.spatial.blocks[0]
    x = torch.randn(1, 17, 8)
    h = arr(x)[0]
    prompt = np.broadcast_to(arr(layer.tuner.generator(x))[0].mean(0), h.shape)
    both = np.concatenate([h, prompt], 1)
    expected = block(layer, h + both @ arr(layer.tuner.down.weight).T @ arr(layer.tuner.up.weight).T)
    np.testing.assert_allclose(arr(layer(x))[0], expected, atol=1e-4)


@pytest.mark.parametrize("interaction", INTERACTIONS)
def test_prompts_depend_on_the_instance_and_on_each_prompt(interaction: str, small: Callable[..., SkeleFormer]) -> None:
    model = apply_tuning(small(), replace(SMALL, interaction=interaction))
    x = random_features(model.config)
    first = model.spatial.blocks[0].tuner
    prompts = first.generator(torch.randn(3, 17, 8))
    assert (prompts[0] != prompts[1]).any()
    assert (prompts[0, 0] != prompts[0, 1]).any()
    model(x).square().sum().backward()
    gradient = first.generator.up.weight.grad.unflatten(0, (5, -1))
    assert (gradient.abs().sum((1, 2)) > 0).all()
    if interaction in ("cross-attention", "concatenation"):  # the prompts learn different things
        assert (gradient[0] - gradient[1]).abs().max() > 1e-9


def test_masked_frames_do_not_reach_the_prompts(small: Callable[..., SkeleFormer]) -> None:
    for interaction in INTERACTIONS:
        model = apply_tuning(small(), replace(SMALL, interaction=interaction))
        tokens = torch.randn(2, 9, model.config.dim)
        mask = torch.rand(2, 9) > 0.4
        wild = torch.where(mask[..., None], tokens, 100.0)
        a, b = model.temporal(tokens, mask), model.temporal(wild, mask)
        torch.testing.assert_close(a[mask], b[mask], atol=1e-5, rtol=1e-5)


def test_mid_layer_insertion_prompts_one_layer_a_transformer() -> None:
    from skeleformer import SkeleFormerConfig

    model = apply_tuning(SkeleFormer(SkeleFormerConfig()), TuningConfig(position="middle"))
    for blocks in (model.spatial.blocks, model.temporal.blocks):
        assert [b.tuner is not None for b in blocks] == [False, False, True, False]


@pytest.mark.parametrize("fusion", ["jemf", "post"])
@pytest.mark.parametrize("source", SOURCES)
def test_folding_gives_the_same_numbers_for_less(source: str, fusion: str, small: Callable[..., SkeleFormer]) -> None:
    model = apply_tuning(small(fusion=fusion), replace(SMALL, source=source))
    randomise(model)
    x = random_features(model.config)
    folded = fold(model)
    assert all(isinstance(b.tuner, FoldedPrompts) for b in folded.temporal.blocks)
    assert not any(isinstance(b.tuner, FoldedPrompts) for b in model.temporal.blocks)
    torch.testing.assert_close(folded(x), model(x), atol=1e-4, rtol=1e-4)
    assert count_flops(folded, x) < count_flops(model, x)


def test_nothing_to_fold_is_no_copy(small: Callable[..., SkeleFormer]) -> None:
    model = small()
    assert fold(model) is model


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"interaction": "hope"}, "interaction is one of cross-attention"),
        ({"position": "end"}, "position"),
        ({"source": "elsewhere"}, "source"),
        ({"prompts": 0}, "prompts is between"),
        ({"pro_kernel": 4}, "odd"),
        ({"interaction": "concatenation", "source": "current"}, "output of the previous one"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(SMALL, **changes)
