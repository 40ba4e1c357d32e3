"""The device a user names is the one that is used, or one sentence says why not."""

import json
import os

import numpy as np
import pytest
import torch
from torch import nn

from core.errors import UserError
from skeleformer import SkeleFormer, SkeleFormerConfig
from tests.training.toy import SMALL, moving, write_clips
from training.__main__ import main
from training.finetune import FinetuneConfig, finetune, predictor
from training.run.checkpoint import load_checkpoint
from training.run.devices import Arithmetic, ask_for_repeatability, choose_device, half_type
from training.run.loop import prepare
from training.run.parallel import World
from training.tables.trial import Budget, train
from training.windows.source import Source


def pretend(monkeypatch, cuda=0, mps=False, bf16=True):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: bf16 or including_emulation)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(("cuda", "mps", "expected"), [(0, False, "cpu"), (0, True, "mps"), (2, True, "cuda:0")])
def test_auto_takes_the_fastest_there_is(monkeypatch, cuda, mps, expected):
    pretend(monkeypatch, cuda, mps)
    assert choose_device("auto") == torch.device(expected)
    assert choose_device("cpu") == torch.device("cpu")


def test_each_process_of_a_machine_takes_its_own_gpu(monkeypatch):
    pretend(monkeypatch, cuda=2)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert choose_device("cuda") == torch.device("cuda", 1)
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(UserError, match=r"process 2.*there are 2"):
        choose_device("cuda")


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_an_absent_device_is_one_sentence(monkeypatch, tmp_path, capsys, name):
    pretend(monkeypatch)
    data = str(write_clips(tmp_path / "own.pkl"))
    for command in (["evaluate", "--data", data], ["finetune", "--data", data, "--out", str(tmp_path / "run")]):
        assert main([*command, "--device", name]) == 2
        err = capsys.readouterr().err.strip()
        assert err.startswith(f"error: torch sees no device '{name}'")
        assert "\n" not in err
    assert not (tmp_path / "run").exists()


@pytest.fixture
def careless(monkeypatch):
    """torch as it may be before training; afterwards it is as before the test."""
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    yield
    torch.use_deterministic_algorithms(False)


class Moved(Exception):
    """A network was put on its device."""


class Network(nn.Module):
    """Goes nowhere, so that no GPU is needed."""

    def to(self, device):
        raise Moved(device)


@pytest.mark.parametrize(
    "begin",
    [
        lambda model: prepare(model, torch.device("cuda", 0), World()),
        lambda model: train(model, [], 0, Budget(device="cuda", amp=False), whole=True, seed=0),
    ],
    ids=["a run", "a table's trial"],
)
def test_a_gpu_is_asked_for_the_same_result_each_time(monkeypatch, careless, begin):
    pretend(monkeypatch, cuda=1)
    with pytest.raises(Moved, match="cuda:0"):
        begin(Network())
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.is_deterministic_algorithms_warn_only_enabled(), "what has no such algorithm is no reason to stop"
    assert not torch.backends.cudnn.benchmark
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"


def test_a_workspace_that_the_user_chose_is_left(monkeypatch, careless):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    ask_for_repeatability(torch.device("cuda"))
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"


@pytest.mark.parametrize("name", ["cpu", "mps"])
def test_other_devices_are_left_alone(careless, name):
    ask_for_repeatability(torch.device(name))
    assert not torch.are_deterministic_algorithms_enabled()
    assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ


def test_half_precision_is_bfloat16_unless_the_device_cannot(monkeypatch):
    assert half_type(torch.device("cpu")) == torch.bfloat16
    pretend(monkeypatch, cuda=1, bf16=True)
    assert half_type(torch.device("cuda")) == torch.bfloat16
    pretend(monkeypatch, cuda=1, bf16=False)
    assert half_type(torch.device("cuda")) == torch.float16
    monkeypatch.setattr(torch.backends.mps, "is_macos_or_newer", lambda major, minor: major < 14)
    assert half_type(torch.device("mps")) == torch.float16


def test_only_float16_scales_its_gradients():
    cpu = torch.device("cpu")
    assert not Arithmetic(cpu).scaler().is_enabled()
    assert not Arithmetic(cpu, torch.bfloat16).scaler().is_enabled()
    assert Arithmetic(cpu, torch.float16).scaler().is_enabled()


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_training_in_half_precision_stays_near_single(monkeypatch, tmp_path, half):
    """float16 with its scaled gradients runs on a CPU too, so the path of an older GPU is tried here."""
    monkeypatch.setattr("training.run.devices.half_type", lambda device: half)
    source = Source("toy", tuple(moving(i % 2, i) for i in range(8)), ((0,), (1,)))
    losses = {}
    for amp in (False, True):
        config = FinetuneConfig(
            out=str(tmp_path / str(amp)), epochs=2, windows_per_epoch=16, batch=8, frames=8, width=8, layers=1,
            dropout=0.0, idle_part=0.0, amp=amp,
        )  # fmt: skip
        finetune(config, [source], ("circle", "slide"))
        rows = (tmp_path / str(amp) / "metrics.jsonl").read_text().splitlines()
        losses[amp] = [json.loads(row)["loss"] for row in rows]
    assert losses[True] != losses[False]
    np.testing.assert_allclose(losses[True], losses[False], rtol=0.05)
    scaler = load_checkpoint(tmp_path / "True" / "last.ckpt")["scaler"]
    assert bool(scaler) == (half == torch.float16), "the scale goes on with the run"


def test_a_predictor_hands_windows_to_the_models_own_device():
    class Told(nn.Module):
        """Says where its input came from."""

        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(3, dtype=torch.float32, device="meta"))

        def forward(self, features):
            assert features.device.type == "meta"
            return torch.ones(len(features), 3)

    assert predictor(Told())(np.zeros((2, 1, 4, 17, 5), np.float32)).shape == (2, 3)


def test_evaluate_computes_in_the_arithmetic_asked_for(tmp_path):
    data = str(write_clips(tmp_path / "own.pkl"))
    torch.manual_seed(0)
    model = SkeleFormer(SkeleFormerConfig(classes=2, width=8, spatial_layers=1, temporal_layers=1, frames=8))
    weights = str(tmp_path / "m.safetensors")
    model.save_pretrained(weights, {"labels": ["circle", "slide"]})
    logits = {}
    for extra in ("--device=cpu", "--amp"):
        target = str(tmp_path / f"{extra}.npz")
        assert main(["evaluate", "--data", data, "--weights", weights, "--logits", target, extra]) == 0
        with np.load(target) as file:
            logits[extra] = file["logits"]
    difference = np.abs(logits["--device=cpu"] - logits["--amp"])
    assert 0 < difference.max() < 0.1


def test_sizes_that_no_network_can_have_are_one_sentence(tmp_path, capsys):
    data = str(write_clips(tmp_path / "own.pkl"))
    assert main(["finetune", "--data", data, "--out", str(tmp_path / "run"), *SMALL, "--width", "12"]) == 2
    assert capsys.readouterr().err.strip() == "error: width 12 cannot be shared by 8 heads"
