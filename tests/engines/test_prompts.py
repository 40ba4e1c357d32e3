"""Networks with skeleton prompts go through the same engines."""

from __future__ import annotations

import importlib.util
import json

import numpy as np
import pytest
import torch

from engines.action.reference import read_weights
from engines.action.window_set import load_windows
from engines.commands import main
from engines.nvidia.tensorrt_backend import engine_for


def test_prompts_change_the_result_and_survive_the_export(prompted, tmp_path):
    model, _ = read_weights(prompted.weights)
    assert model.tuning is not None
    name = str(prompted.spatial).removesuffix("-spatial.onnx")
    assert main(["check", "--model", name, "--json", str(tmp_path / "c.json"), "--backend", "onnx-cpu", "torch"]) == 0
    rows = json.loads((tmp_path / "c.json").read_text())
    assert {(row["backend"], row["precision"]) for row in rows} == {
        ("onnx-cpu", "fp32"), ("onnx-cpu", "fp16"), ("torch", "fp16"),
    }  # fmt: skip
    features = torch.from_numpy(load_windows().features[:4])[:, None]
    with torch.inference_mode():
        logits = model(features).numpy()
        for half in (model.spatial, model.temporal):
            for block in half.blocks:
                block.tuner = None
        assert np.abs(model(features).numpy() - logits).max() > 1e-2


@pytest.mark.skipif(importlib.util.find_spec("tensorrt_rtx") is None, reason="needs tensorrt-rtx-cu12")
@pytest.mark.parametrize("graph", ["spatial", "temporal"])
def test_engines_with_prompts_build(prompted, tmp_path, graph):
    engine, _, built = engine_for(getattr(prompted, graph), "tensorrt-rtx", capability="8.6", folder=tmp_path)
    assert built
    assert engine.metadata["graph"] == graph
