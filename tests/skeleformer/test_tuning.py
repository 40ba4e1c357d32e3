"""The nine tuning methods: what they train, what they cost, and that they leave the rest alone."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from small_networks import random_features, randomise, small_config

from skeleformer import SkeleFormer, SkeleFormerConfig, TuningConfig, apply_tuning, count_parameters, fold
from skeleformer.tuning import INTERACTIONS, METHODS, trainable_parameters

NEW = {  # what each method adds, by the words in the names of its parameters
    "full": (), "linear-probing": (), "bitfit": (), "lora": (".down", ".up"), "vpt": ("tuner.prompts",),
    "adapter": ("tuner.after_attention.", "tuner.after_mlp."),
    "pro-tuning": ("tuner.down.", "tuner.depthwise.", "tuner.up."),
    "skeleton-prompt-without-ca": ("tuner.generator.",), "skeleton-prompt": ("tuner.generator.",),
}  # fmt: skip


def _learns(method: str, name: str, plain: set[str]) -> bool:
    """Whether the paper's description of a method says that a parameter is trained."""
    if name.startswith("head.") or method == "full" or name not in plain:
        return True
    if method == "bitfit":
        return name.endswith(".bias")
    if method == "adapter":
        return ".norm1." in name or ".norm2." in name
    return False


@pytest.mark.parametrize("method", METHODS)
def test_gradients_reach_exactly_the_trainable_parameters(method: str) -> None:
    plain = {n for n, _ in SkeleFormer(small_config()).named_parameters()}
    model = apply_tuning(SkeleFormer(small_config()), method)
    randomise(model)  # LoRA and adapters start at zero, which would hide a missing gradient
    model.eval()(random_features(model.config)).square().sum().backward()
    for name, parameter in model.named_parameters():
        wanted = _learns(method, name, plain)
        assert parameter.requires_grad == wanted, name
        reached = parameter.grad is not None and bool(parameter.grad.abs().sum() > 0)
        unreachable = name.endswith(("attention.key.bias", "fusion.key.bias"))  # a softmax does not see what all share
        assert reached == wanted or (wanted and unreachable), name
    added = {n for n, _ in model.named_parameters()} - plain
    assert all(any(word in n for word in NEW[method]) for n in added)
    assert bool(added) == bool(NEW[method])
    for word in NEW[method]:
        for half in ("spatial", "temporal"):
            assert sum(word in n and n.startswith(half) for n in added) >= 2, (half, word)  # in both layers


@pytest.mark.parametrize("method", METHODS)
def test_training_changes_nothing_else(method: str) -> None:
    model = apply_tuning(SkeleFormer(small_config()), method)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    x = random_features(model.config, batch=4)
    optimizer = torch.optim.SGD(trainable_parameters(model), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), torch.arange(4)).backward()
        optimizer.step()
    trained = {n for n, p in model.named_parameters() if p.requires_grad}
    for name, value in model.state_dict().items():
        statistics = name.startswith("head.norm.running") or name == "head.norm.num_batches_tracked"
        if name not in trained and not statistics:
            assert torch.equal(value, before[name]), name


@pytest.mark.parametrize("method", ["full", "linear-probing", "bitfit", "lora"])
def test_methods_without_prompts_start_from_the_pretrained_function(
    method: str, small: Callable[..., SkeleFormer]
) -> None:
    model = small()
    x = random_features(model.config)
    expected = model(x)
    torch.testing.assert_close(apply_tuning(model, method)(x), expected)


@pytest.mark.parametrize("method", ["adapter", "pro-tuning", "skeleton-prompt"])
def test_other_methods_start_near_it(method: str) -> None:
    model = SkeleFormer(SkeleFormerConfig(classes=60)).eval()
    x = random_features(model.config)
    expected = model.embed(x)
    got = apply_tuning(model, method).embed(x)
    assert (got - expected).norm() / expected.norm() < 0.1


@pytest.mark.parametrize("method", METHODS)
def test_each_method_runs_on_other_skeletons_and_lengths(method: str) -> None:
    from skeleformer import NTU_PARENTS

    model = apply_tuning(SkeleFormer(small_config(parents=NTU_PARENTS, coords=3)), method).eval()
    for frames in (1, 40):
        assert model(random_features(model.config, frames=frames)).isfinite().all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_each_method_is_finite_in_half_precision(method: str, dtype: torch.dtype) -> None:
    model = apply_tuning(SkeleFormer(small_config()), method).eval().to(dtype)
    assert model(random_features(model.config).to(dtype)).isfinite().all()


def test_full_and_prompt_tuning_have_the_papers_parameters() -> None:
    full = apply_tuning(SkeleFormer(SkeleFormerConfig(classes=60)), "full")
    assert count_parameters(full)[1] == pytest.approx(9.58e6, rel=0.01)
    for method in ("skeleton-prompt", "skeleton-prompt-without-ca"):
        prompted = apply_tuning(SkeleFormer(SkeleFormerConfig(classes=60)), method)
        assert count_parameters(prompted)[1] == pytest.approx(0.40e6, rel=0.05)


@pytest.mark.parametrize(
    ("method", "millions"), [("lora", 0.32), ("adapter", 1.31), ("pro-tuning", 1.65)]
)  # the others are explained beside the table in the documentation
def test_other_methods_are_near_the_papers_parameters(method: str, millions: float) -> None:
    model = apply_tuning(SkeleFormer(SkeleFormerConfig(classes=60)), method)
    assert count_parameters(model)[1] / 1e6 == pytest.approx(millions, rel=0.05)


@pytest.mark.parametrize(
    ("interaction", "millions"), [("channels", 0.51), ("addition", 0.40), ("multiplication", 0.41)]
)
def test_interactions_are_near_table_13(interaction: str, millions: float) -> None:
    assert interaction in INTERACTIONS
    model = apply_tuning(SkeleFormer(SkeleFormerConfig(classes=60)), TuningConfig(interaction=interaction))
    assert count_parameters(model)[1] / 1e6 == pytest.approx(millions, rel=0.05)


def test_lora_merges_into_plain_weights(small: Callable[..., SkeleFormer]) -> None:
    model = apply_tuning(small(), "lora")
    randomise(model)
    x = random_features(model.config)
    merged = fold(model)
    assert set(merged.state_dict()) == set(small().state_dict())
    torch.testing.assert_close(merged(x), model(x), atol=1e-4, rtol=1e-4)


def test_a_tuned_model_is_not_tuned_again_and_unknown_methods_are_named(small: Callable[..., SkeleFormer]) -> None:
    model = apply_tuning(small(), "vpt")
    with pytest.raises(ValueError, match="tuned already, by vpt"):
        apply_tuning(model, "lora")
    with pytest.raises(ValueError, match="skeleton-prompt"):
        apply_tuning(small(), "magic")


def test_a_replaced_head_learns_whatever_the_method() -> None:
    model = apply_tuning(SkeleFormer(small_config()), "skeleton-prompt")
    copied = copy.deepcopy(model)
    copied.replace_head(3)
    assert all(p.requires_grad for p in copied.head.parameters())
