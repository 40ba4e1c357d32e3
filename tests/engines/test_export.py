"""Exported graphs give torch's numbers, describe themselves, and appear whole or not at all."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
import torch

from engines import EngineError, check_metadata, check_pair, labels, load
from engines.action.export import export_skeleformer
from engines.action.reference import read_weights
from engines.commands import main
from skeleformer.split import SpatialGraph, TemporalGraph
from tests.engines.conftest import LABELS


def test_both_files_follow_the_onnx_rules_and_hold_half_the_bytes(exported):
    parameters = sum(p.numel() for p in read_weights(exported.weights)[0].parameters())
    size = 0
    for path in (exported.spatial, exported.temporal):
        onnx.checker.check_model(onnx.load(path), full_check=True)
        size += path.stat().st_size
    assert 2 * parameters < size < 2.1 * parameters


@pytest.mark.parametrize("people", [1, 2, 7, 16, 300])
def test_spatial_graph_equals_torch_for_any_number_of_people(exported, people):
    model, _ = read_weights(exported.weights)
    features = np.random.default_rng(people).standard_normal((people, 17, 5)).astype(np.float32)
    with load(exported.spatial, "onnx-cpu") as network, torch.inference_mode():
        got = network.run({"features": features})["tokens"]
        np.testing.assert_allclose(got, SpatialGraph(model)(torch.from_numpy(features)).numpy(), atol=1e-4)


@pytest.mark.parametrize(("people", "frames"), [(1, 1), (1, 32), (3, 20), (16, 32), (5, 31)])
def test_temporal_graph_equals_torch_for_any_window_up_to_the_trained_length(exported, random_window, people, frames):
    model, _ = read_weights(exported.weights)
    window = random_window(people, frames)
    with load(exported.temporal, "onnx-cpu") as network, torch.inference_mode():
        got = network.run(window)
        logits, embedding = TemporalGraph(model)(torch.from_numpy(window["tokens"]), torch.from_numpy(window["mask"]))
    np.testing.assert_allclose(got["logits"], logits.numpy(), atol=1e-4)
    np.testing.assert_allclose(got["embedding"], embedding.numpy(), atol=1e-4)


def test_the_two_graphs_together_equal_the_whole_model(exported):
    model, _ = read_weights(exported.weights)
    rng = np.random.default_rng(1)
    features = rng.standard_normal((4, 32, 17, 5)).astype(np.float32)
    features[..., 4] = 1.0
    features[0, :9] = 0.0  # came into view late
    with load(exported.spatial, "onnx-cpu") as spatial, load(exported.temporal, "onnx-cpu") as temporal:
        tokens = spatial.run({"features": features.reshape(-1, 17, 5)})["tokens"].reshape(4, 32, 544)
        got = temporal.run({"tokens": tokens, "mask": (features[..., 4] > 0).any(-1)})["logits"]
    with torch.inference_mode():
        wanted = model(torch.from_numpy(features)[:, None]).numpy()
    np.testing.assert_allclose(got, wanted, atol=1e-4)


@pytest.mark.parametrize("frames", [33, 40, 64])
def test_a_window_longer_than_the_model_has_positions_for_is_refused(exported, random_window, frames):
    refused = pytest.raises(EngineError, match=f"{frames} frames.*at most 32")
    with load(exported.temporal, "onnx-cpu") as network, refused:
        network.run(random_window(1, frames))


def test_files_explain_themselves(exported):
    for path, graph in ((exported.spatial, "spatial"), (exported.temporal, "temporal")):
        with load(path, "onnx-cpu") as network:
            assert labels(network.metadata) == LABELS
            assert json.loads(network.metadata["parents"])[15] == 13
            check_metadata(network.metadata, name=path.name, rate_hz=15.0, preprocess_version="1", graph=graph)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rate_hz": 30.0}, "15 Hz, the pipeline gives 30 Hz"),
        ({"preprocess_version": "2"}, "preprocess_version '1', this program needs '2'"),
        ({"graph": "spatial"}, "graph 'temporal', this program needs 'spatial'"),
    ],
)
def test_a_model_made_for_something_else_is_an_error_at_load(exported, change, message):
    expected = {"name": "m.onnx", "rate_hz": 15.0, "preprocess_version": "1", "graph": "temporal"} | change
    with load(exported.temporal, "onnx-cpu") as network, pytest.raises(EngineError, match=message):
        check_metadata(network.metadata, **expected)


def test_metadata_that_is_missing_or_damaged_is_named():
    with pytest.raises(EngineError, match="lacks skeleprompt"):
        check_metadata({}, name="m.onnx", rate_hz=15.0, preprocess_version="1", graph="temporal")
    for text in ("", "{}", "[]", "[1]", "not json"):
        with pytest.raises(EngineError, match="does not name its classes"):
            labels({"labels": text})


def test_graphs_of_two_models_are_not_mixed(exported):
    with load(exported.spatial, "onnx-cpu") as spatial, load(exported.temporal, "onnx-cpu") as temporal:
        check_pair(spatial.metadata, temporal.metadata)
        with pytest.raises(EngineError, match="two different models"):
            check_pair(spatial.metadata, temporal.metadata | {"model_id": "another"})


def test_nothing_appears_when_the_labels_do_not_match(exported, tmp_path):
    model, _ = read_weights(exported.weights)
    with pytest.raises(EngineError, match="30 classes but 2 labels"):
        export_skeleformer(model, tmp_path, labels=["a", "b"], rate_hz=15.0, preprocess_version="1")
    assert not list(tmp_path.iterdir())


def test_bad_weights_end_in_one_sentence_and_code_2(exported, tmp_path, capsys):
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(exported.weights.read_bytes()[:5000])
    for path in (damaged, tmp_path / "absent.safetensors"):
        assert main(["export", "--weights", str(path), "--out", str(tmp_path / "out")]) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert str(path) in error
        assert error.count("\n") == 1
    assert not list((tmp_path).glob("**/*.onnx"))
