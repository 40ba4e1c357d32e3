"""The commands that hold every backend against the reference, and the int8 variant with its gate."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from engines import EngineError, load
from engines.action.decision import ActionModel
from engines.action.parity import GATES, compare
from engines.action.quantise import quantise
from engines.action.window_set import WindowSet, load_windows
from engines.commands import main
from engines.files import digest
from engines.half import to_half
from engines.onnx_file import read_model
from engines.precision import int8_record


@pytest.fixture(scope="session")
def windows() -> WindowSet:
    """The bundled windows: people in clips that may be passed on."""
    return load_windows()


@pytest.fixture
def model(exported, tmp_path) -> str:
    """A copy of the exported model that a test may add files to; its name for the commands."""
    for path in (exported.weights, exported.spatial, exported.temporal):
        shutil.copy(path, tmp_path)
    return str(tmp_path / "skeleformer")


def labelled(windows: WindowSet, logits: np.ndarray, right: float) -> WindowSet:
    """The windows with labels of which a model that gives these logits has about a part right."""
    target = np.zeros(logits.shape, bool)
    order = np.argsort(logits, axis=1)
    chosen = np.where(np.arange(len(logits)) < right * len(logits), order[:, -1], order[:, 0])
    target[np.arange(len(logits)), chosen] = True
    return WindowSet(windows.features, windows.preprocess_version, target, np.ones(logits.shape, bool))


def test_the_bundled_windows_are_of_moving_people_seen_well(windows):
    assert len(windows) >= 100
    assert windows.features.shape[1:] == (32, 17, 5)
    seen = windows.features[..., 4] > 0.5
    assert seen.mean() > 0.4
    assert windows.mask[:, -1].mean() > 0.9
    speed = np.linalg.norm(windows.features[..., 2:4], axis=-1)[seen]
    assert 0.05 < np.median(speed) < 3.0  # body heights a second


def test_check_compares_every_backend_here_and_all_are_within_the_gates(model, tmp_path, capsys):
    assert main(["check", "--model", model, "--json", str(tmp_path / "check.json")]) == 0
    rows = json.loads((tmp_path / "check.json").read_text())
    assert all(
        {"model", "backend", "precision", "max_abs_diff", "label_agreement", "ok"} <= row.keys() and row["ok"] is True
        for row in rows
    )
    found = {(row["backend"], row["precision"]): row for row in rows}
    assert {("onnx-cpu", "fp32"), ("onnx-cpu", "fp16"), ("torch", "fp16")} <= found.keys()
    assert found["onnx-cpu", "fp32"]["max_abs_diff"] < 1e-4
    assert 0 < found["torch", "fp16"]["max_abs_diff"] < GATES["fp16"]
    out = capsys.readouterr().out
    assert "reference: torch fp32" in out
    assert "tensorrt fp16 is not available: " in out or ("tensorrt", "fp16") in found


def test_half_precision_throughout_stays_within_the_gate_on_real_windows(exported, windows):
    features = windows.features[::16]
    spatial = ReferenceEvaluator(to_half(read_model(exported.spatial)))
    temporal = ReferenceEvaluator(to_half(read_model(exported.temporal)))
    (tokens,) = spatial.run(["tokens"], {"features": features.reshape(-1, 17, 5)})
    mask = (features[..., 4] > 0).any(-1)
    (logits,) = temporal.run(["logits"], {"tokens": tokens.reshape(len(features), 32, -1), "mask": mask})
    with ActionModel(exported.spatial, exported.temporal, "onnx-cpu", "fp32") as single:
        assert compare("m", "reference", "fp16", logits, single.logits(features)).ok


def test_a_wrong_backend_is_found():
    rng = np.random.default_rng(0)
    reference = rng.standard_normal((50, 8)).astype(np.float32)
    assert compare("m", "b", "fp32", reference + np.float32(5e-4), reference).ok
    assert not compare("m", "b", "fp32", reference + np.float32(2e-3), reference).ok
    assert compare("m", "b", "fp16", reference + np.float32(2e-3), reference).ok
    assert not compare("m", "b", "fp16", np.full_like(reference, np.nan), reference).ok
    swapped = reference.copy()
    swapped[0] = swapped[0, ::-1]
    assert compare("m", "b", "fp32", swapped, reference).label_agreement < 1.0
    tie = np.array([[1.0, 1.0005, 0.0]], np.float32)
    other = np.array([[1.0005, 1.0, 0.0]], np.float32)
    assert compare("m", "b", "fp32", other, tie).ok  # neither label is wrong


def test_weights_that_the_graphs_were_not_made_from_are_refused(model, exported):
    from engines.action.reference import read_weights

    network, metadata = read_weights(exported.weights)
    network.temporal.position.data += 0.1
    network.save_pretrained(Path(model + ".safetensors"), metadata)
    with pytest.raises(EngineError, match="was not made from the weights"):
        load(Path(model + "-temporal.onnx"), "torch")


def test_int8_is_offered_once_its_loss_is_measured(model, windows, capsys):
    spatial, temporal = Path(model + "-spatial.onnx"), Path(model + "-temporal.onnx")
    with pytest.raises(EngineError, match="was not measured"):
        load(temporal, "onnx-cpu", "int8")
    with ActionModel(spatial, temporal, "onnx-cpu", "fp32") as full:
        logits = np.concatenate([full.logits(windows.features[i : i + 1]) for i in range(len(windows))])
        file = spatial.with_name("labelled.npz")
        labelled(windows, logits, 0.8).save(file)
        code = main(["quantise", "--model", model, "--windows", str(file)])
        if code:  # random weights have near ties everywhere; the gate then has to hold
            assert "more than the 0.5 allowed" in capsys.readouterr().err
            assert not int8_record(temporal).exists()
            return
        with ActionModel(spatial, temporal, "onnx-cpu", "int8") as small:
            assert (small.spatial.precision, small.temporal.precision) == ("fp32", "int8")
            assert json.loads(int8_record(temporal).read_text())["loss_points"] <= 0.5
            assert 0 < np.abs(small.logits(windows.features[:16]) - logits[:16]).max() < 0.3


def test_int8_that_loses_too_much_is_not_offered(model, windows, monkeypatch):
    spatial, temporal = Path(model + "-spatial.onnx"), Path(model + "-temporal.onnx")
    with ActionModel(spatial, temporal, "onnx-cpu", "fp32") as full:
        logits = np.concatenate([full.logits(windows.features[i : i + 1]) for i in range(len(windows))])
    monkeypatch.setattr("engines.int8.quantised_bytes", lambda network: _shuffled_head(network))
    with pytest.raises(EngineError, match=r"loses .* points of accuracy, more than the 0\.5 allowed"):
        quantise(spatial, temporal, labelled(windows, logits, 1.0))
    assert not int8_record(temporal).exists()


def _shuffled_head(network: onnx.ModelProto) -> bytes:
    """A model that is wrong: the classes in another order."""
    for tensor in network.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.shape == (30,):
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.linspace(9, -9, 30, dtype=np.float32), tensor.name))
    return network.SerializeToString()


def test_int8_without_a_small_loss_measured_with_this_model_is_refused(model):
    temporal = Path(model + "-temporal.onnx")
    own = digest(temporal.read_bytes())
    for text, message in (
        ("no record", "cannot be read as a record"),
        (json.dumps({"model": own}), "cannot be read as a record"),
        (json.dumps({"model": "0123456789abcdef", "loss_points": 0.1}), "measured with another model"),
        (json.dumps({"model": own, "loss_points": 1.2}), "loses 1.2 points"),
        (json.dumps({"model": own, "loss_points": float("nan")}), "more than the 0.5 allowed"),
    ):
        int8_record(temporal).write_text(text)
        with pytest.raises(EngineError, match=message):
            load(temporal, "onnx-cpu", "int8")


def test_files_that_are_no_windows_are_refused(tmp_path, capsys):
    (tmp_path / "text.npz").write_text("no windows")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    for name, message in (("absent", "no file of windows"), ("text", "is no file of"), ("other", "is no file of")):
        with pytest.raises(EngineError, match=message):
            load_windows(tmp_path / f"{name}.npz")


def test_windows_of_another_pre_processing_are_refused(model, windows, tmp_path, capsys):
    WindowSet(windows.features, "0").save(tmp_path / "old.npz")
    assert main(["check", "--model", model, "--windows", str(tmp_path / "old.npz")]) == 2
    assert "another pre-processing" in capsys.readouterr().err


def test_bench_times_what_it_says_and_writes_json(model, tmp_path, capsys):
    out = tmp_path / "bench.json"
    arguments = ["bench", "--model", model, "--backend", "onnx-cpu", "tensorrt", "--precision", "fp32"]
    assert main([*arguments, "--batch", "1", "2", "--seconds", "0.05", "--json", str(out)]) == 0
    rows = json.loads(out.read_text())
    assert {(row["what"], row["batch"]) for row in rows if row["backend"] == "onnx-cpu"} == {
        (what, batch) for what in ("temporal", "spatial", "streaming", "whole") for batch in (1, 2)
    }
    assert all(0 < row["p50_ms"] <= row["p95_ms"] for row in rows)
    assert "times as fast as recomputing" in capsys.readouterr().out


def test_the_work_of_the_graphs_is_counted(exported):
    from engines.nvidia.roofline import peak_of, work_of

    one = work_of(exported.temporal, N=1, T=32)
    block = 4 * 544 * 544 + 2 * 544 * 1088
    attention = 2 * 32 * 544
    assert one.flops == pytest.approx(2 * 32 * 4 * (block + attention), rel=0.01)
    assert one.weights == pytest.approx(4 * block, rel=0.02)
    assert work_of(exported.temporal, N=16, T=32).flops == pytest.approx(16 * one.flops, rel=1e-3)
    assert peak_of("NVIDIA H200").gb_s == 4800
    assert peak_of("some other device") is None


def test_the_shipped_files_belong_together_and_fit_the_pipeline():
    from core.preprocess import PREPROCESS_VERSION, RATE_HZ
    from engines import check_metadata, check_pair
    from models import model_path

    spatial, temporal = model_path("skeleformer-spatial.onnx"), model_path("skeleformer-temporal.onnx")
    with load(spatial, "onnx-cpu") as first:
        for precision in ("fp32", "int8"):
            with load(temporal, "onnx-cpu", precision) as second:
                check_pair(first.metadata, second.metadata)
                check_metadata(
                    second.metadata,
                    name=temporal.name,
                    rate_hz=RATE_HZ,
                    preprocess_version=PREPROCESS_VERSION,
                    graph="temporal",
                )
    assert load_windows().preprocess_version == PREPROCESS_VERSION
