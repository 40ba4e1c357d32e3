"""``python -m training tune``: a trained model learns a new data set through a few parameters."""

import pytest
import torch

from skeleformer.pretrained import SkeleFormer
from skeleformer.tuning import apply_tuning
from tests.training.toy import SMALL, write_clips
from training.__main__ import main


@pytest.fixture
def trained(tmp_path):
    data = write_clips(tmp_path / "own.pkl")
    command = ["finetune", "--data", str(data), "--out", str(tmp_path / "run"), "--epochs", "2",
               "--windows-per-epoch", "32", "--batch", "16", *SMALL]  # fmt: skip
    assert main(command) == 0
    return data, tmp_path / "run" / "model.safetensors"


@pytest.mark.parametrize("method", ["skeleton-prompt", "lora", "linear-probing"])
def test_what_is_tuned_is_saved_and_the_rest_stays(tmp_path, trained, method, capsys):
    data, weights = trained
    command = ["tune", "--data", str(data), "--weights", str(weights), "--method", method, "--out",
               str(tmp_path / "tuned"), "--epochs", "8", "--windows-per-epoch", "64", "--batch", "16",
               "--device", "cpu", "--validate", "val"]  # fmt: skip
    assert main(command) == 0
    tuned = SkeleFormer.from_pretrained(tmp_path / "tuned" / "model.safetensors")
    plain = SkeleFormer.from_pretrained(weights)
    assert tuned.tuning is not None
    assert tuned.tuning.method == method
    own, before = tuned.state_dict(), plain.state_dict()
    kept = {k for k in before if not k.startswith("head.")}
    assert all(torch.equal(own[k], before[k]) for k in kept if k in own)
    assert not torch.equal(own["head.classifier.weight"], before["head.classifier.weight"])
    fresh = apply_tuning(SkeleFormer(plain.config), method).state_dict()
    assert {k for k in own if k not in before} == {k for k in fresh if k not in before}
    if method == "lora":
        assert all(v.any() for k, v in own.items() if k.endswith(".up")), "it starts from zero and learns"
    assert main(["evaluate", "--data", str(data), "--weights", str(tmp_path / "tuned" / "model.safetensors"),
                 "--device", "cpu"]) == 0  # fmt: skip
    assert "4 clips" in capsys.readouterr().out


def test_a_tuned_model_is_not_tuned_again(tmp_path, trained, capsys):
    data, weights = trained
    common = ["tune", "--data", str(data), "--epochs", "1", "--windows-per-epoch", "16", "--batch", "16",
              "--device", "cpu"]  # fmt: skip
    assert main([*common, "--weights", str(weights), "--out", str(tmp_path / "a")]) == 0
    capsys.readouterr()
    tuned = tmp_path / "a" / "model.safetensors"
    assert main([*common, "--weights", str(tuned), "--out", str(tmp_path / "b")]) == 2
    assert "tuned already" in capsys.readouterr().err
