"""Weights files: they explain themselves, and what does not fit is refused by name."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from small_networks import random_features, randomise

from core.skeleton import COCO_PARENTS
from skeleformer import STGCN, SkeleFormer, TuningConfig, WeightsError, apply_tuning, read_metadata
from skeleformer.tuning import METHODS


@pytest.fixture
def saved(tmp_path: Path, small: Callable[..., SkeleFormer]) -> Path:
    path = tmp_path / "model.safetensors"
    small().save_pretrained(path, {"labels": ["wave", "walk"], "rate_hz": 15.0, "preprocess_version": "1"})
    return path


def _rewrite(path: Path, change: Callable[[dict, dict], object]) -> None:
    tensors, metadata = load_file(path), read_metadata(path)
    change(tensors, metadata)
    save_file(tensors, path, metadata)


def _configure(metadata: dict, **changes: object) -> None:
    metadata["config"] = json.dumps({**json.loads(metadata["config"]), **changes})


@pytest.mark.parametrize("method", [None, *METHODS])
def test_a_file_alone_brings_the_model_back(
    method: str | None, tmp_path: Path, small: Callable[..., SkeleFormer]
) -> None:
    model = small(head_hidden=6, fusion="input")
    if method:
        apply_tuning(model, TuningConfig(method, prompts=5))
        randomise(model)
    model.half().float()  # what a file holds
    path = tmp_path / "model.safetensors"
    model.save_pretrained(path)
    again = SkeleFormer.from_pretrained(path)
    x = random_features(model.config)
    assert again.config == model.config
    assert again.tuning == model.tuning
    assert not again.training
    assert torch.equal(again(x), model(x))
    assert {n for n, p in again.named_parameters() if p.requires_grad} == {
        n for n, p in model.named_parameters() if p.requires_grad
    }


def test_weights_are_stored_as_half_and_loaded_as_single(saved: Path) -> None:
    stored = load_file(saved)
    assert {v.dtype for v in stored.values() if v.is_floating_point()} == {torch.float16}
    model = SkeleFormer.from_pretrained(saved)
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert torch.equal(model.temporal.position, stored["temporal.position"].float())


def test_metadata_comes_along(saved: Path) -> None:
    metadata = SkeleFormer.from_pretrained(saved).metadata
    assert json.loads(metadata["labels"]) == ["wave", "walk"]
    assert float(metadata["rate_hz"]) == 15.0
    assert metadata["preprocess_version"] == "1"
    assert json.loads(read_metadata(saved)["config"])["parents"] == list(COCO_PARENTS)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t, m: t.pop("temporal.blocks.0.mlp.0.weight"), r"lacks .*'temporal.blocks.0.mlp.0.weight'"),
        (lambda t, m: t.update({"spatial.extra": torch.ones(2)}), "spatial.extra"),
        (lambda t, m: t.update({"head.classifier.bias": torch.ones(9)}), r"head.classifier.bias.*\(9,\).*\(7,\)"),
        (lambda t, m: m.pop("architecture"), "'architecture'.*head.classifier.bias"),
        (lambda t, m: m.update(architecture="resnet"), "'architecture'.*resnet"),
        (lambda t, m: m.pop("config"), "lacks the entry 'config'"),
        (lambda t, m: m.update(config="{"), "'config'"),
        (lambda t, m: m.update(config="[1]"), "'config'"),
        (lambda t, m: m.update(config=json.dumps({"classes": "many"})), "'classes' is 'many'"),
        (lambda t, m: m.update(config=json.dumps({"wings": 2})), "wings"),
        (lambda t, m: m.update(config=json.dumps({"parents": ["a"]})), "'config'"),
        (lambda t, m: m.update(config=json.dumps({"temporal_layers": 10**9})), "layers"),
        (lambda t, m: _configure(m, frames=10**12), r"'temporal.position' .*"),
        (lambda t, m: m.update(tuning=json.dumps({"method": "magic"})), "'tuning'.*magic"),
        (lambda t, m: m.update(tuning=json.dumps({"method": "vpt"})), "lacks .*tuner.prompts"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_name(saved: Path, change: Callable, words: str) -> None:
    _rewrite(saved, change)
    with pytest.raises(WeightsError, match=words):
        SkeleFormer.from_pretrained(saved)


def test_a_foreign_architecture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "stgcn.safetensors"
    save_file(STGCN(7, COCO_PARENTS).state_dict(), path)
    with pytest.raises(WeightsError, match=r"is no SkeleFormer.*'head.bias'"):
        SkeleFormer.from_pretrained(path)


class _Bomb:
    def __reduce__(self) -> tuple:
        return os.mkdir, ("exploded",)


def test_pickles_and_damaged_files_are_refused_unread(
    tmp_path: Path, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "foreign.pt").write_bytes(pickle.dumps(_Bomb()))
    (tmp_path / "cut.safetensors").write_bytes(saved.read_bytes()[:-100])
    (tmp_path / "empty.safetensors").write_bytes(b"")
    for name in ("foreign.pt", "cut.safetensors", "empty.safetensors", "absent.safetensors", "."):
        with pytest.raises(WeightsError, match=r"cannot read the weights"):
            SkeleFormer.from_pretrained(tmp_path / name)
    assert not (tmp_path / "exploded").exists()


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path, saved: Path, small: Callable[..., SkeleFormer]) -> None:
    before = saved.read_bytes()
    model = small()
    with pytest.raises(TypeError):
        model.save_pretrained(saved, {"labels": object()})
    with pytest.raises(WeightsError, match="cannot write"):
        model.save_pretrained(tmp_path / "no folder" / "model.safetensors")
    assert saved.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [saved.name]
