"""Checkpoints: weights are read, code is not run, and weights of another model are refused."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import EngineError
from engines.openmmlab.checkpoint import load_weights, read_checkpoint

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.mmpose


def small_model() -> Any:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))


class Trap:
    """Unpickling it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (Path.write_text, (self.path, "run"))


class Harmless:
    """An object of a class that no reader knows."""


def test_training_checkpoint_of_mmengine_is_read_without_trust(tmp_path: Path) -> None:
    from mmengine.logging import HistoryBuffer

    model = small_model()
    history = HistoryBuffer([0.5, 0.25], [1, 1])
    content = {
        "meta": {"epoch": 3, "seed": np.int64(7), "best": np.float32(0.5), "sizes": np.arange(3)},
        "state_dict": {f"module.{name}": value for name, value in model.state_dict().items()},
        "message_hub": {"log_scalars": {"train/loss": history}},
    }
    torch.save(content, tmp_path / "epoch_3.pth")
    state, meta = read_checkpoint(tmp_path / "epoch_3.pth")
    assert state.keys() == model.state_dict().keys()
    assert torch.equal(state["0.weight"], model.state_dict()["0.weight"])
    assert meta["epoch"] == 3
    assert meta["sizes"].tolist() == [0, 1, 2]


def test_checkpoint_that_would_run_code_is_refused_and_does_not(tmp_path: Path) -> None:
    trace = tmp_path / "trace.txt"
    torch.save({"state_dict": small_model().state_dict(), "hook": Trap(trace)}, tmp_path / "trap.pth")
    with pytest.raises(EngineError, match=r"could run code from the file.*--trust-weights"):
        read_checkpoint(tmp_path / "trap.pth")
    assert not trace.exists()


def test_refusal_names_the_object(tmp_path: Path) -> None:
    torch.save({"state_dict": small_model().state_dict(), "extra": Harmless()}, tmp_path / "odd.pth")
    with pytest.raises(EngineError, match=r"holds the Python object '[\w.]*Harmless'"):
        read_checkpoint(tmp_path / "odd.pth")


def test_trusted_checkpoint_is_read(tmp_path: Path) -> None:
    model = small_model()
    torch.save({"state_dict": model.state_dict(), "extra": Harmless()}, tmp_path / "odd.pth")
    state, _ = read_checkpoint(tmp_path / "odd.pth", trusted=True)
    assert state.keys() == model.state_dict().keys()


def test_bare_pickle_is_refused_too(tmp_path: Path) -> None:
    trace = tmp_path / "trace.txt"
    (tmp_path / "old.pth").write_bytes(pickle.dumps({"state_dict": Trap(trace)}, protocol=2))
    with pytest.raises(EngineError):
        read_checkpoint(tmp_path / "old.pth")
    assert not trace.exists()


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04" + b"\0" * 64, bytes(range(256)) * 8])
def test_damaged_file_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.pth").write_bytes(content)
    with pytest.raises(EngineError, match=r"bad\.pth") as caught:
        read_checkpoint(tmp_path / "bad.pth")
    assert "\n" not in str(caught.value)


def test_truncated_checkpoint_is_refused(tmp_path: Path) -> None:
    torch.save({"state_dict": small_model().state_dict()}, tmp_path / "whole.pth")
    whole = (tmp_path / "whole.pth").read_bytes()
    (tmp_path / "cut.pth").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(EngineError, match="no checkpoint that torch can read"):
        read_checkpoint(tmp_path / "cut.pth")


def test_missing_file_and_foreign_content(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="There is no weights file"):
        read_checkpoint(tmp_path / "none.pth")
    torch.save([1, 2, 3], tmp_path / "list.pth")
    with pytest.raises(EngineError, match="holds no dictionary of weights"):
        read_checkpoint(tmp_path / "list.pth")


def test_safetensors_is_read(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    model = small_model()
    save_file(model.state_dict(), tmp_path / "weights.safetensors")
    fresh = small_model()
    with torch.no_grad():
        fresh[0].weight.zero_()
    load_weights(fresh, tmp_path / "weights.safetensors")
    assert torch.equal(fresh[0].weight, model[0].weight)


def test_weights_of_another_model_are_refused_by_name(tmp_path: Path) -> None:
    state = small_model().state_dict()
    torch.save({name: value for name, value in state.items() if name != "0.bias"}, tmp_path / "lacks.pth")
    with pytest.raises(EngineError, match=r"lacks the weight '0\.bias'"):
        load_weights(small_model(), tmp_path / "lacks.pth")
    torch.save({**state, "0.weight": torch.zeros(5, 3)}, tmp_path / "shape.pth")
    with pytest.raises(EngineError, match=r"belongs to another model.*0\.weight"):
        load_weights(small_model(), tmp_path / "shape.pth")


def test_weights_that_only_training_needs_are_left_out(tmp_path: Path) -> None:
    torch.save({**small_model().state_dict(), "auxiliary.weight": torch.zeros(2)}, tmp_path / "more.pth")
    load_weights(small_model(), tmp_path / "more.pth")


def test_history_cannot_be_used_to_reach_other_attributes(tmp_path: Path) -> None:
    from mmengine.logging import HistoryBuffer

    class Reach:
        def __reduce__(self) -> Any:
            return (getattr, (HistoryBuffer, "__init__"))

    torch.save({"state_dict": small_model().state_dict(), "reach": Reach()}, tmp_path / "reach.pth")
    with pytest.raises(EngineError, match=r"builtins\.getattr"):
        read_checkpoint(tmp_path / "reach.pth")
