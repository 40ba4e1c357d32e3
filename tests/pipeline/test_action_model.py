from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from random_model import LABELS, Exported

from calibration import CalibrationError
from core.errors import ModelError
from engines import EngineError
from pipeline.recognition.model import ActionModel


@pytest.fixture
def copy(exported: Exported, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported.folder, tmp_path / "copy"))


def edit(path: Path, **entries: str) -> None:
    model = onnx.load(path)
    for entry in model.metadata_props:
        if entry.key in entries:
            entry.value = entries.pop(entry.key)
    assert not entries
    onnx.save(model, path)


@pytest.mark.parametrize(
    "name", ["", "skeleformer", "skeleformer-spatial.onnx", "skeleformer-temporal.onnx", "skeleformer.calibration.json"]
)
def test_is_found_by_its_folder_its_name_or_any_of_its_files(copy: Path, name: str) -> None:
    model = ActionModel.load(copy / name, backend="onnx-cpu")
    assert model.labels == LABELS
    assert (model.frames, model.dim, model.backend) == (32, 544, "onnx-cpu")
    assert model.calibration.threshold == 0.3
    model.close()
    model.close()


def test_gives_what_torch_gives(action_model: ActionModel, exported: Exported) -> None:
    import torch

    rng = np.random.default_rng(0)
    features = rng.normal(0, 0.5, (2, 1, 32, 17, 5)).astype(np.float32)
    features[..., 4] = 1
    features[1, :, :20] = 0
    tokens = action_model.tokens(features.reshape(-1, 17, 5)).reshape(2, 32, -1)
    logits, embedding = action_model.logits(tokens, features[:, 0, :, :, 4].any(-1))
    with torch.inference_mode():
        np.testing.assert_allclose(logits, exported.torch_model(torch.from_numpy(features)).numpy(), atol=1e-4)
        np.testing.assert_allclose(embedding, exported.torch_model.embed(torch.from_numpy(features)).numpy(), atol=1e-4)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"rate_hz": "30"}, "30 Hz"),
        ({"preprocess_version": "0"}, "preprocess_version"),
        ({"labels": "walk"}, "classes"),
        ({"skeleprompt": "99"}, "skeleprompt"),
        ({"model_id": "another"}, "two different models"),
        ({"parents": str([0] * 25)}, "25 joints"),
    ],
)
def test_refuses_a_model_made_for_something_else(copy: Path, entries: dict[str, str], words: str) -> None:
    for graph in ("spatial",) if "model_id" in entries else ("spatial", "temporal"):
        edit(copy / f"skeleformer-{graph}.onnx", **entries)
    with pytest.raises((EngineError, ModelError), match=words):
        ActionModel.load(copy, backend="onnx-cpu")


def test_refuses_graphs_in_each_others_place(copy: Path) -> None:
    shutil.copy(copy / "skeleformer-temporal.onnx", copy / "skeleformer-spatial.onnx")
    with pytest.raises(EngineError, match="graph"):
        ActionModel.load(copy, backend="onnx-cpu")


def test_says_which_file_is_missing_or_damaged(copy: Path) -> None:
    with pytest.raises(ModelError, match=r"nothing-spatial\.onnx is missing"):
        ActionModel.load(copy / "nothing")
    (copy / "skeleformer.calibration.json").write_text("{}")
    with pytest.raises(CalibrationError, match="no calibration"):
        ActionModel.load(copy, backend="onnx-cpu")
    (copy / "skeleformer.calibration.json").unlink()
    assert ActionModel.load(copy, backend="onnx-cpu").calibration.threshold == 0
    temporal = copy / "skeleformer-temporal.onnx"
    temporal.write_bytes(temporal.read_bytes()[:5000])
    with pytest.raises(EngineError, match="skeleformer-temporal"):
        ActionModel.load(copy, backend="onnx-cpu")


@pytest.mark.parametrize("name", ["~nobody-of-this-name/x", "x" * 300])
def test_a_name_that_the_system_cannot_have_is_a_missing_model(name: str) -> None:
    with pytest.raises(ModelError, match="There is no action model"):
        ActionModel.load(name)
