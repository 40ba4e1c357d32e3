"""The streaming halves compose to the whole network."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from small_networks import random_features, randomise

from skeleformer import SkeleFormer, SkeleFormerConfig, SpatialGraph, TemporalGraph, apply_tuning
from skeleformer.config import FUSIONS
from skeleformer.tuning import METHODS


@pytest.mark.parametrize("method", [None, *METHODS])
@pytest.mark.parametrize(("frames", "folded"), [(1, True), (32, True), (32, False)])
@torch.no_grad()
def test_composition_equals_the_whole_full_size_network(method: str | None, frames: int, folded: bool) -> None:
    model = SkeleFormer(SkeleFormerConfig(classes=21))
    if method:
        apply_tuning(model, method)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.01)
    model.eval()
    x = random_features(model.config, people=1, frames=frames)
    spatial, temporal = SpatialGraph(model, folded).eval(), TemporalGraph(model, folded).eval()
    tokens = torch.stack([spatial(frame) for frame in x[:, 0].unbind(1)], 1)  # frame by frame, as they arrive
    logits, embedding = temporal(tokens, (x[:, 0, ..., -1] > 0).any(-1))
    assert tokens.shape == (2, frames, 544)
    torch.testing.assert_close(logits, model(x), atol=1e-5, rtol=0)
    torch.testing.assert_close(embedding, model.embed(x), atol=1e-5, rtol=0)


@pytest.mark.parametrize("fusion", FUSIONS)
@torch.no_grad()
def test_people_are_pooled_by_the_frames_they_were_seen_in(fusion: str, small: Callable[..., SkeleFormer]) -> None:
    model = small(fusion=fusion)
    x = random_features(model.config)
    mask = (x[..., -1] > 0).any(-1)  # (B, M, T)
    tokens = SpatialGraph(model)(x.flatten(0, 2)).unflatten(0, (4, 9))
    assert tokens.shape[-1] == model.config.dim * model.config.branches
    each = TemporalGraph(model)(tokens, mask.flatten(0, 1))[1].unflatten(0, (2, 2))
    weight = mask.sum(-1, keepdim=True).float()
    torch.testing.assert_close((each * weight).sum(1) / weight.sum(1), model.embed(x), atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_overlapping_windows_share_their_frames(small: Callable[..., SkeleFormer]) -> None:
    model = small()
    randomise(apply_tuning(model, "skeleton-prompt"))
    x = random_features(model.config, batch=1, people=1, frames=40)
    tokens = SpatialGraph(model)(x[0, 0])[None]
    mask = (x[0, :, ..., -1] > 0).any(-1)
    for start in range(8):
        window = slice(start, start + 32)
        logits, _ = TemporalGraph(model)(tokens[:, window], mask[:, window])
        torch.testing.assert_close(logits, model(x[:, :, window]), atol=1e-4, rtol=1e-4)


def test_making_the_halves_leaves_the_model_as_it_is(small: Callable[..., SkeleFormer]) -> None:
    model = apply_tuning(small(), "skeleton-prompt")
    before = {k: v.clone() for k, v in model.state_dict().items()}
    SpatialGraph(model), TemporalGraph(model)
    assert set(model.state_dict()) == set(before)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
