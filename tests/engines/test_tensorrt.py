"""Real engines, built ahead of time for a GPU that need not be here; running them needs one."""

from __future__ import annotations

import dataclasses
import errno
import importlib.util
import logging
import multiprocessing
import sys
import types
from pathlib import Path

import numpy as np
import onnx
import pytest
from filelock import FileLock

from engines import BackendUnavailable, EngineError, load
from engines.commands import main
from engines.nvidia import tensorrt_library as libraries
from engines.nvidia.cuda import Gpu, find_gpu
from engines.nvidia.engine_cache import VARIABLE, StoredEngine, fetch, store
from engines.nvidia.tensorrt_backend import engine_for, prepare
from engines.nvidia.tensorrt_build import build_engine
from models import model_path

needs_rtx = pytest.mark.skipif(
    importlib.util.find_spec("tensorrt_rtx") is None,
    reason="needs tensorrt-rtx-cu12",
)


def has_gpu() -> bool:
    try:
        find_gpu()
    except BackendUnavailable:
        return False
    return True


@needs_rtx
@pytest.mark.parametrize("precision", ["fp16", "fp32"])
@pytest.mark.parametrize("graph", ["spatial", "temporal"])
def test_both_graphs_build_in_both_precisions(exported, tmp_path, graph, precision):
    path = getattr(exported, graph)
    engine, file, built = engine_for(path, "tensorrt-rtx", precision, capability="8.6", folder=tmp_path)
    assert built
    assert fetch(file) == engine
    assert engine.metadata["graph"] == graph
    parameters = 9_500_000 if graph == "temporal" else 50_000
    assert len(engine.plan) > parameters * (2 if precision == "fp16" else 4)


@needs_rtx
@pytest.mark.parametrize("name", ["movenet-lightning", "movenet-multipose"])
def test_the_shipped_pose_networks_build(name, tmp_path):
    engine, _, _ = engine_for(model_path(f"{name}.onnx"), "tensorrt-rtx", capability="8.9", folder=tmp_path)
    assert len(engine.plan) > 4_000_000


@needs_rtx
def test_the_oldest_and_the_newest_named_gpu_get_engines_of_their_own(exported, tmp_path):
    known = libraries.library("tensorrt-rtx").capabilities()
    assert {"7.5", "8.6", "8.9", "12.0"} <= set(known)
    for capability in ("7.5", "12.0"):
        engine_for(exported.spatial, "tensorrt-rtx", capability=capability, folder=tmp_path)
    assert len(list(tmp_path.glob("*.engine"))) == 2


@needs_rtx
def test_a_second_call_finds_the_first_ones_engine(exported, tmp_path):
    first, file, built = engine_for(exported.spatial, "tensorrt-rtx", capability="8.6", folder=tmp_path)
    again, same, rebuilt = engine_for(exported.spatial, "tensorrt-rtx", capability="8.6", folder=tmp_path)
    assert (built, rebuilt) == (True, False)
    assert (again, same) == (first, file)


@needs_rtx
@pytest.mark.parametrize("harm", ["truncated", "flipped"])
def test_a_damaged_engine_is_built_again_with_a_message(exported, tmp_path, caplog, harm):
    _, file, _ = engine_for(exported.spatial, "tensorrt-rtx", capability="8.6", folder=tmp_path)
    data = bytearray(file.read_bytes())
    data[-100] ^= 1
    file.write_bytes({"truncated": data[:-1000], "flipped": data}[harm])
    with caplog.at_level(logging.WARNING, "engines"):
        again, _, built = engine_for(exported.spatial, "tensorrt-rtx", capability="8.6", folder=tmp_path)
    assert built
    assert "built again" in caplog.text
    assert fetch(file) == again


@needs_rtx
@pytest.mark.parametrize(("field", "value"), [("version", "1.0.0"), ("gpu", "any 7.5")])
def test_an_engine_from_elsewhere_is_built_again_with_the_reason(exported, tmp_path, caplog, field, value):
    engine, file, _ = engine_for(exported.spatial, "tensorrt-rtx", capability="8.6", folder=tmp_path)
    foreign = dataclasses.replace(engine.key, **{field: value})
    store(file, StoredEngine(foreign, engine.metadata, engine.plan))
    with caplog.at_level(logging.WARNING, "engines"):
        again, _, built = engine_for(exported.spatial, "tensorrt-rtx", capability="8.6", folder=tmp_path)
    assert built
    assert f"{field} {value} instead of" in caplog.text
    assert again.key == engine.key


@needs_rtx
def test_another_model_gets_another_engine(exported, tmp_path):
    _, first, _ = engine_for(exported.spatial, "tensorrt-rtx", capability="8.6", folder=tmp_path)
    model = onnx.load(exported.spatial)
    model.graph.doc_string = "changed"
    onnx.save(model, tmp_path / exported.spatial.name)
    _, second, built = engine_for(tmp_path / exported.spatial.name, "tensorrt-rtx", capability="8.6", folder=tmp_path)
    assert built
    assert second != first


def _build_in_process(path: Path, folder: Path, results: multiprocessing.Queue) -> None:
    _, file, built = engine_for(path, "tensorrt-rtx", capability="8.6", folder=folder)
    results.put((file.name, built))


@needs_rtx
def test_two_processes_build_an_engine_once(exported, tmp_path):
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    workers = [context.Process(target=_build_in_process, args=(exported.spatial, tmp_path, results)) for _ in range(2)]
    for worker in workers:
        worker.start()
    answers = [results.get(timeout=120) for _ in workers]
    for worker in workers:
        worker.join(60)
    assert sorted(built for _, built in answers) == [False, True]
    assert len({name for name, _ in answers}) == 1
    assert len(list(tmp_path.glob("*.engine"))) == 1


@needs_rtx
def test_progress_grows_to_the_end_and_an_exception_in_it_stops_the_build(exported, tmp_path):
    seen: list[float] = []

    def note(part: float, phase: str) -> None:
        seen.append(part)

    engine_for(exported.spatial, "tensorrt-rtx", capability="8.6", folder=tmp_path, progress=note)
    assert len(seen) > 10
    assert seen == sorted(seen)
    assert seen[-1] == 1.0

    def stop(part: float, phase: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine_for(exported.spatial, "tensorrt-rtx", capability="8.9", folder=tmp_path, progress=stop)
    assert len(list(tmp_path.glob("*.engine"))) == 1


@needs_rtx
def test_a_network_the_library_cannot_read_is_a_message_with_its_reason(exported):
    library = libraries.library("tensorrt-rtx")
    profile = prepare(exported.spatial, "fp32").profile
    with pytest.raises(EngineError, match=r"tensorrt-rtx .* cannot read this network"):
        build_engine(library, b"no onnx at all", profile, capability="8.6")


@needs_rtx
@pytest.mark.filterwarnings("ignore:Use del obj instead")  # of the library, about any class derived from its own
def test_single_precision_is_not_rounded_to_tf32(exported):
    library = libraries.library("tensorrt-rtx")
    rounded: list[bool] = []

    class Builder(library.trt.Builder):
        def build_serialized_network(self, network, config):
            rounded.append(config.get_flag(library.trt.BuilderFlag.TF32))
            return super().build_serialized_network(network, config)

    watched = dataclasses.replace(library, trt=types.SimpleNamespace(**{**vars(library.trt), "Builder": Builder}))
    prepared = prepare(exported.spatial, "fp32")
    plan, _ = build_engine(watched, prepared.model, prepared.profile, capability="8.6")
    assert plan
    assert rounded == [False]


@needs_rtx
def test_an_unsupported_compute_capability_lists_the_supported_ones(exported, tmp_path):
    with pytest.raises(EngineError, match=r"compute capability 9\.9, only 7\.5"):
        engine_for(exported.spatial, "tensorrt-rtx", capability="9.9", folder=tmp_path)
    assert not list(tmp_path.glob("*.engine"))


@needs_rtx
def test_auto_goes_on_where_the_cache_cannot_be_used(exported, tmp_path, monkeypatch, caplog):
    def no_locks(lock: FileLock, blocking: bool = True) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setenv(VARIABLE, str(tmp_path))
    monkeypatch.setattr("filelock.FileLock.acquire", no_locks)
    monkeypatch.setattr("engines.nvidia.tensorrt_backend.find_gpu", lambda: Gpu("NVIDIA GeForce RTX 3060", "8.6", 1))
    with caplog.at_level(logging.INFO, "engines"), load(exported.spatial) as network:
        assert network.backend in ("onnx-cuda", "onnx-cpu")
    assert "not on tensorrt-rtx: The folder" in caplog.text


@needs_rtx
def test_the_command_builds_both_graphs_and_names_the_files(exported, tmp_path, capsys):
    name = str(exported.spatial)[: -len("-spatial.onnx")]
    arguments = ["build", "--model", name, "--backend", "tensorrt-rtx", "--compute-capability", "8.6"]
    assert main([*arguments, "--out", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["built", "built"]
    assert all(Path(line.split()[1].rstrip(",")).is_file() for line in lines)
    assert main([*arguments, "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out.count("already built") == 2


@pytest.mark.parametrize("command", ["build", "export"])
def test_a_file_in_the_place_of_the_folder_is_one_sentence(command, exported, tmp_path, capsys):
    (tmp_path / "file").touch()
    options = {"build": ["--model", str(exported.spatial)], "export": ["--weights", str(exported.weights)]}[command]
    assert main([command, *options, "--out", str(tmp_path / "file")]) == 2
    assert "file cannot be made" in capsys.readouterr().err


@pytest.mark.parametrize(
    "option", [("--batch", "0"), ("--batch", "1", "-1"), ("--seconds", "nan"), ("--seconds", "0"), ("--threads", "-5")]
)
def test_what_cannot_be_timed_is_refused(option, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["bench", *option])
    assert caught.value.code == 2
    assert f"{option[-1]!r} is no" in capsys.readouterr().err


def test_an_unknown_model_name_lists_the_shipped_ones(capsys):
    assert main(["build", "--model", "nothing"]) == 2
    assert "movenet-lightning" in capsys.readouterr().err


@pytest.mark.parametrize("backend", ["tensorrt", "tensorrt-rtx"])
def test_a_missing_library_names_the_install_command(exported, monkeypatch, backend):
    libraries.library.cache_clear()
    monkeypatch.setitem(sys.modules, backend.replace("-", "_"), None)
    with pytest.raises(BackendUnavailable, match="pip install tensorrt"):
        load(exported.spatial, backend)
    libraries.library.cache_clear()


def test_a_tensorrt_that_is_too_old_is_refused(monkeypatch):
    severity = types.SimpleNamespace(INTERNAL_ERROR=0, ERROR=1, WARNING=2, INFO=3)
    old = types.SimpleNamespace(__version__="10.3.0", ILogger=type("ILogger", (), {"Severity": severity}))
    libraries.library.cache_clear()
    monkeypatch.setitem(sys.modules, "tensorrt", old)
    with pytest.raises(BackendUnavailable, match=r"10\.3\.0 is too old"):
        libraries.library("tensorrt")
    libraries.library.cache_clear()


@needs_rtx
@pytest.mark.skipif(has_gpu(), reason="this machine has a GPU")
def test_without_a_gpu_the_reason_is_said_and_auto_goes_on(exported, caplog):
    with pytest.raises(BackendUnavailable, match="NVIDIA"):
        load(exported.spatial, "tensorrt-rtx")
    with caplog.at_level(logging.INFO, "engines"), load(exported.spatial) as network:
        assert network.backend == "onnx-cpu"
    assert "not on tensorrt-rtx" in caplog.text


@pytest.mark.gpu
@pytest.mark.skipif(not has_gpu(), reason="needs an NVIDIA GPU")
@pytest.mark.parametrize("backend", ["tensorrt", "tensorrt-rtx"])
def test_an_engine_gives_the_same_numbers_for_every_batch(exported, random_window, backend):
    try:
        network = load(exported.temporal, backend, "fp16")
    except EngineError as error:
        pytest.skip(str(error))
    with network, load(exported.temporal, "onnx-cpu") as reference:
        for people in (1, 2, 3, 16, 17, 40, 1):
            window = random_window(people, seed=people)
            np.testing.assert_allclose(network.run(window)["logits"], reference.run(window)["logits"], atol=2e-2)
