"""Loading: every wrong file, backend or input ends in one clear sentence."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from engines import BackendUnavailable, EngineError, load
from engines.onnx_runtime import cuda_available
from models import model_path


def test_auto_falls_through_to_the_cpu_and_the_log_says_so(exported, caplog):
    with caplog.at_level(logging.INFO, "engines"), load(exported.spatial) as network:
        assert network.backend in ("tensorrt", "tensorrt-rtx", "onnx-cuda", "onnx-cpu")
        assert f"runs on {network.backend} in {network.precision}" in caplog.text


@pytest.mark.parametrize(
    ("backend", "precision", "message"),
    [("gpu", None, "no backend 'gpu'"), ("auto", "fp8", "no precision 'fp8'")],
)
def test_unknown_names_list_the_known_ones(exported, backend, precision, message):
    with pytest.raises(EngineError, match=message):
        load(exported.spatial, backend, precision)


def test_missing_and_damaged_files(exported, tmp_path):
    with pytest.raises(EngineError, match="no model file"):
        load(tmp_path / "absent.onnx")
    with pytest.raises(EngineError, match="no model file"):
        load("x" * 300)
    data = exported.spatial.read_bytes()
    for name, content in {"empty": b"", "half": data[: len(data) // 2], "text": b"not a model" * 100}.items():
        path = tmp_path / f"{name}.onnx"
        path.write_bytes(content)
        with pytest.raises(EngineError, match=f"{name}.onnx cannot be read as an ONNX model"):
            load(path, "onnx-cpu")


@pytest.mark.skipif(cuda_available(), reason="this machine has the CUDA provider")
def test_cuda_without_its_provider_names_the_package(exported):
    with pytest.raises(BackendUnavailable, match="onnxruntime-gpu"):
        load(exported.spatial, "onnx-cuda")


def test_inputs_are_checked_by_name_shape_and_type(exported):
    good = np.zeros((2, 17, 5), np.float32)
    with load(exported.spatial, "onnx-cpu") as network:
        assert network.run({"features": good.astype(np.float64)})["tokens"].shape == (2, 544)
        for feeds, message in (
            ({}, "missing: \\['features'\\]"),
            ({"feature": good}, "unknown: \\['feature'\\]"),
            ({"features": good, "extra": good}, "unknown: \\['extra'\\]"),
            ({"features": good[0]}, "does not fit features"),
            ({"features": np.zeros((2, 16, 5), np.float32)}, "does not fit features"),
            ({"features": np.zeros((2, 17, 5), complex)}, "does not fit features"),
        ):
            with pytest.raises(EngineError, match=message):
                network.run(feeds)


def test_inputs_that_disagree_with_each_other(exported, random_window):
    window = random_window(2, 8)
    window["mask"] = window["mask"][:, :5]
    with load(exported.temporal, "onnx-cpu") as network, pytest.raises(EngineError, match="failed on tokens"):
        network.run(window)


def test_a_closed_network_says_so(exported):
    network = load(exported.spatial, "onnx-cpu")
    network.close()
    network.close()
    with pytest.raises(EngineError, match="closed"):
        network.run({"features": np.zeros((1, 17, 5), np.float32)})


@pytest.mark.parametrize("name", ["movenet-lightning.onnx", "movenet-multipose.onnx"])
def test_the_shipped_pose_networks_run_behind_the_same_interface(name):
    with load(model_path(name), "onnx-cpu") as network:
        (picture,) = network.inputs
        shape = [1, *(n or 192 for n in picture.shape[1:])]
        poses = network.run({picture.name: np.full(shape, 128, np.int32)})[network.outputs[0].name]
        assert np.isfinite(poses).all()
