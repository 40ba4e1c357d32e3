"""The mean of several models is one model, which remembers what all of them have seen."""

import pytest
import torch

from skeleformer.config import SkeleFormerConfig
from skeleformer.pretrained import SkeleFormer
from skeleformer.tuning import TuningConfig, apply_tuning
from training.__main__ import main
from training.run.saved import load_model, save_model, validation_seen

SIZES = {"classes": 2, "width": 8, "spatial_layers": 1, "temporal_layers": 1, "frames": 8}
WORDS = ("walk", "wave")


def saved(path, seed=0, words=WORDS, seen=(), method=None, **sizes):
    torch.manual_seed(seed)
    model = SkeleFormer(SkeleFormerConfig(**{**SIZES, **sizes}))
    if method:
        model = apply_tuning(model, TuningConfig(method))
    save_model(model, path, words, seen)
    return str(path)


def test_the_mean_of_three_models(tmp_path, capsys):
    paths = [saved(tmp_path / f"{seed}.safetensors", seed, seen=seen) for seed, seen in enumerate(((), ("b",), ("a",)))]
    out = tmp_path / "new" / "mean.safetensors"
    assert main(["soup", *paths, "--out", str(out)]) == 0
    assert "the mean of 3 models" in capsys.readouterr().out
    model, words = load_model(str(out))
    parts = [load_model(path)[0].state_dict() for path in paths]
    assert words == WORDS
    assert validation_seen(model) == ("a", "b")
    for name, weight in model.state_dict().items():
        expected = torch.stack([part[name] for part in parts]).double().mean(0).to(weight.dtype)
        torch.testing.assert_close(weight, expected, rtol=1e-3, atol=1e-5)  # saved in half precision
    assert any(not torch.equal(weight, parts[0][name]) for name, weight in model.state_dict().items())


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"words": ("walk", "sit")}, "knows other words than"),
        ({"width": 16}, "is of another shape than"),
        ({"pooling": "mean+max"}, "is of another shape than"),
        ({"method": "lora"}, "is of another shape than"),
    ],
)
def test_models_that_have_no_mean_are_refused(tmp_path, capsys, other, said):
    paths = [saved(tmp_path / "a.safetensors"), saved(tmp_path / "b.safetensors", **other)]
    assert main(["soup", *paths, "--out", str(tmp_path / "mean.safetensors")]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "mean.safetensors").exists()


def test_one_model_is_no_mean(tmp_path, capsys):
    path = saved(tmp_path / "a.safetensors")
    assert main(["soup", path, "--out", str(tmp_path / "mean.safetensors")]) == 2
    assert "two models at least" in capsys.readouterr().err
