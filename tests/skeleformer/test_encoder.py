"""The transformer halves against equations 1 and 2, pooling, masks, lengths, joint counts and precisions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from equations import arr, block, layer_norm, linear
from small_networks import random_features, randomise, small_config

from skeleformer import COCO_PARENTS, KINECT_PARENTS, NTU_PARENTS, SkeleFormer, SkeleFormerConfig
from skeleformer.attention import attend
from skeleformer.config import FUSIONS
from skeleformer.pooling import masked_mean

SKELETONS = [(COCO_PARENTS, 2), (KINECT_PARENTS, 3), (NTU_PARENTS, 3)]


def test_spatial_half_is_equation_1(small: Callable[..., SkeleFormer]) -> None:
    model = small()
    x = random_features(model.config)[0, 0]  # (T, V, 5)
    tokens = arr(model.spatial(x))
    fused = arr(model.spatial.fusion(*model.spatial.streams(x)))
    for t in range(len(x)):
        h = fused[t] + arr(model.spatial.position)
        for layer in model.spatial.blocks:
            h = block(layer, h)
        np.testing.assert_allclose(tokens[t], layer_norm(model.spatial.norm, h).ravel(), atol=1e-4)


def test_temporal_half_is_equation_2(small: Callable[..., SkeleFormer]) -> None:
    model = small()
    tokens = torch.randn(1, 9, model.config.dim)
    mask = torch.tensor([[True, True, False, True, False, True, True, True, True]])
    h = arr(tokens)[0] + arr(model.temporal.position)[-9:]
    for layer in model.temporal.blocks:
        h = block(layer, h, mask[0].numpy())
    expected = layer_norm(model.temporal.norm, h)
    np.testing.assert_allclose(arr(model.temporal(tokens, mask))[0], expected, atol=1e-4)


def test_pooling_is_the_mean_over_people_and_frames_that_are_there(small: Callable[..., SkeleFormer]) -> None:
    model = small()
    x = random_features(model.config)
    h, mask = model.encode(x)
    for b in range(2):
        expected = arr(h)[b][mask[b].numpy()].mean(0)
        np.testing.assert_allclose(arr(model.embed(x))[b], expected, atol=1e-5)
    assert not mask[-1, -1].any()
    assert (masked_mean(torch.ones(1, 3, 4), torch.zeros(1, 3, dtype=torch.bool)) == 0).all()


def test_heads_of_the_classifier() -> None:
    for hidden in (0, 24):
        model = SkeleFormer(small_config(head_hidden=hidden))
        randomise(model)
        model.eval()
        x = random_features(model.config)
        e = arr(model.embed(x))
        norm = model.head.norm
        e = (e - arr(norm.running_mean)) / np.sqrt(arr(norm.running_var) + norm.eps) * arr(norm.weight) + arr(norm.bias)
        if hidden:
            e = arr(torch.nn.functional.gelu(torch.from_numpy(linear(model.head.hidden[0], e))))
        np.testing.assert_allclose(arr(model(x)), linear(model.head.classifier, e), atol=1e-4)


def test_replacing_the_head_keeps_the_encoder(small: Callable[..., SkeleFormer]) -> None:
    model = small()
    x = random_features(model.config)
    before = model.embed(x)
    model.replace_head(11, head_hidden=5)
    assert model.eval()(x).shape == (2, 11)
    assert model.config.classes == 11
    assert torch.equal(model.embed(x), before)


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("value", [1e4, float("nan")])
def test_a_masked_joint_never_changes_the_output(fusion: str, value: float, small: Callable[..., SkeleFormer]) -> None:
    model = small(fusion=fusion)
    x = random_features(model.config)
    changed = torch.where(x[..., -1:] > 0, x, torch.tensor([value] * 4 + [0.0]))
    assert torch.equal(model(x), model(changed))


def test_an_absent_frame_or_person_never_changes_the_output(small: Callable[..., SkeleFormer]) -> None:
    model = small()
    x = random_features(model.config, people=1)
    x[..., -1] = 1
    x[:, :, 0] = 0  # padding before a short history
    tokens = model.spatial(x.flatten(0, 2)).unflatten(0, (2, 9))
    mask = torch.ones(2, 9, dtype=torch.bool)
    mask[:, 0] = False
    wild = tokens.clone()
    wild[:, 0] = 50.0
    a, b = (masked_mean(model.temporal(t, mask), mask) for t in (tokens, wild))
    torch.testing.assert_close(a, b, atol=1e-6, rtol=0)
    torch.testing.assert_close(model(x[:, :, 1:]), model(x), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(model(torch.cat([x, torch.zeros_like(x)], 1)), model(x), atol=1e-5, rtol=1e-5)


def test_people_may_come_in_any_order(small: Callable[..., SkeleFormer]) -> None:
    model = small()
    x = random_features(model.config)
    torch.testing.assert_close(model(x), model(x.flip(1)), atol=1e-5, rtol=1e-5)


def test_joint_order_matters_only_through_the_positions(small: Callable[..., SkeleFormer]) -> None:
    model = small()
    x = random_features(model.config)[0, 0]
    order = torch.randperm(17)
    tokens = model.spatial(x).unflatten(1, (17, -1))
    rank = torch.argsort(order)
    model.spatial.streams.parents.copy_(rank[torch.tensor(COCO_PARENTS)[order]])
    with torch.no_grad():
        model.spatial.position.copy_(model.spatial.position[order])
    shuffled = model.spatial(x[:, order]).unflatten(1, (17, -1))
    torch.testing.assert_close(shuffled, tokens[:, order], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("parents", "coords"), SKELETONS)
@pytest.mark.parametrize("frames", [1, 2, 32, 33, 256])
def test_joint_counts_and_window_lengths(parents: tuple[int, ...], coords: int, frames: int) -> None:
    model = SkeleFormer(small_config(parents=parents, coords=coords)).eval()
    with torch.no_grad():
        logits = model(random_features(model.config, frames=frames))
    assert logits.shape == (2, 7)
    assert logits.isfinite().all()


def test_positions_count_back_from_the_newest_frame(small: Callable[..., SkeleFormer]) -> None:
    temporal = small().temporal
    assert torch.equal(temporal.positions(3), temporal.position[-3:])
    stretched = temporal.positions(63)
    torch.testing.assert_close(stretched[::2], temporal.position)
    torch.testing.assert_close(stretched[1], temporal.position[:2].mean(0))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("fusion", FUSIONS)
def test_half_precision_is_finite_and_near(dtype: torch.dtype, fusion: str) -> None:
    model = SkeleFormer(SkeleFormerConfig(classes=21, fusion=fusion)).eval()
    x = random_features(model.config, frames=32)
    x[0, 0, 3:9] = 0  # frames without the person
    with torch.no_grad():
        exact, rough = model(x), model.to(dtype)(x.to(dtype)).float()
    assert rough.isfinite().all()
    assert (exact - rough).abs().max() < 0.15
    with torch.no_grad():
        assert model(torch.zeros_like(x).to(dtype)).isfinite().all()  # nobody there at all


def test_attention_with_everything_masked_stays_finite() -> None:
    for dtype in (torch.float32, torch.float16, torch.bfloat16):
        x = torch.randn(2, 4, 8).to(dtype)
        assert attend(x, x, x, 2, torch.zeros(2, 4, dtype=torch.bool)).isfinite().all()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"coords": 4}, "2 or 3 coordinates"),
        ({"fusion": "late"}, "jemf, input, post"),
        ({"heads": 3}, "cannot be shared"),
        ({"classes": 0}, "classes"),
        ({"temporal_layers": 1000}, "layers"),
        ({"parents": (1, 0)}, "root"),
    ],
)
def test_sizes_that_cannot_be_are_refused(changes: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        small_config(**changes)


def test_full_size_network_has_the_papers_parameters() -> None:
    model = SkeleFormer(SkeleFormerConfig(classes=60))
    assert model.config.dim == 544
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(9.58e6, rel=0.01)


def test_parameter_names_are_stable() -> None:
    """Weights that have been shipped must go on loading."""
    names = {k.replace("blocks.1", "blocks.0") for k in SkeleFormer(small_config()).state_dict()}
    layer = {
        *(f"{n}.{p}" for n in ("norm1", "norm2", "mlp.0", "mlp.3") for p in ("weight", "bias")),
        *(f"attention.{n}.{p}" for n in ("query", "key", "value", "out") for p in ("weight", "bias")),
    }
    expected = {f"{half}.blocks.0.{n}" for half in ("spatial", "temporal") for n in layer}
    expected |= {f"{half}.{n}" for half in ("spatial", "temporal") for n in ("position", "norm.weight", "norm.bias")}
    expected |= {f"spatial.streams.{n}.{p}" for n in ("joint", "bone", "velocity") for p in ("weight", "bias")}
    fusion = ("query", "key", "value", "norm", "mlp.0", "mlp.2")
    expected |= {f"spatial.fusion.{n}.{p}" for n in fusion for p in ("weight", "bias")}
    expected |= {f"head.classifier.{p}" for p in ("weight", "bias")}
    expected |= {f"head.norm.{p}" for p in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")}
    assert names == expected
