"""How a batch reaches an engine and comes back: filled up, run in parts, launches recorded once per shape.

Without a GPU a device in main memory stands in for the driver, and ONNX Runtime for the engine's kernels, so the
numbers that come back are the network's own.
"""

from __future__ import annotations

import ctypes
import enum
import types

import numpy as np
import pytest

from engines import EngineError, load
from engines.nvidia import tensorrt_network as module
from engines.nvidia.engine_cache import EngineKey, StoredEngine
from engines.nvidia.tensorrt_build import default_profile

KEY = EngineKey("tensorrt", "11.0", "a GPU 9.0", "fp16", "people 1-16", "0")


class Mode(enum.Enum):
    INPUT = 0
    OUTPUT = 1


def bytes_at(address: int, size: int) -> np.ndarray:
    return np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(address))


class MemoryDevice:
    """The interface of ``engines.nvidia.cuda.Device`` on main memory."""

    recordable = True

    def __init__(self) -> None:
        self.stream = 0
        self.kept: list[np.ndarray] = []
        self.recorded = 0
        self.replayed = 0
        self.closed = False

    def activate(self) -> None: ...

    def synchronize(self) -> None: ...

    def allocate(self, size: int) -> int:
        self.kept.append(np.full(size, 255, np.uint8))
        return self.kept[-1].ctypes.data

    def allocate_host(self, size: int) -> np.ndarray:
        return np.full(size, 255, np.uint8)

    def upload(self, address, source, size) -> None:
        bytes_at(address, size)[:] = source[:size]

    def download(self, target, address, size) -> None:
        target[:size] = bytes_at(address, size)

    def capture(self, work):
        if not self.recordable:
            raise EngineError("cuStreamEndCapture failed: CUDA_ERROR_STREAM_CAPTURE_INVALIDATED.")
        self.recorded += 1

        def launch() -> None:
            self.replayed += 1
            work()

        return types.SimpleNamespace(launch=launch, close=lambda: None)

    def close(self) -> None:
        self.closed = True


class Context:
    def __init__(self, engine) -> None:
        self.engine = engine
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.addresses: dict[str, int] = {}

    def set_input_shape(self, name, shape) -> bool:
        self.shapes[name] = tuple(shape)
        return True

    def get_tensor_shape(self, name):
        people = next(iter(self.shapes.values()))[0]
        spec = next(s for s in self.engine.network.outputs if s.name == name)
        return (people, *spec.shape[1:])

    def set_tensor_address(self, name, address) -> None:
        self.addresses[name] = address

    def execute_async_v3(self, stream) -> bool:
        feeds = {}
        for spec in self.engine.network.inputs:
            size = int(np.prod(self.shapes[spec.name])) * spec.dtype.itemsize
            values = bytes_at(self.addresses[spec.name], size).view(spec.dtype)
            feeds[spec.name] = values.reshape(self.shapes[spec.name])
        self.engine.runs.append(next(iter(feeds.values())).shape[0])
        for name, value in self.engine.network.run(feeds).items():
            bytes_at(self.addresses[name], value.nbytes)[:] = np.ascontiguousarray(value).reshape(-1).view(np.uint8)
        return True


class Engine:
    """A deserialised engine whose kernels are an ONNX Runtime network."""

    def __init__(self, network) -> None:
        self.network = network
        self.runs: list[int] = []
        self.specs = {spec.name: spec for spec in (*network.inputs, *network.outputs)}
        self.num_io_tensors = len(self.specs)
        frames = int(network.metadata["frames"]) if network.metadata["graph"] == "temporal" else None
        self.profile = default_profile({spec.name: spec.shape for spec in network.inputs}, frames)

    def get_tensor_name(self, index):
        return list(self.specs)[index]

    def get_tensor_dtype(self, name):
        return self.specs[name].dtype

    def get_tensor_shape(self, name):
        return tuple(-1 if n is None else n for n in self.specs[name].shape)

    def get_tensor_mode(self, name):
        return Mode.INPUT if name in {spec.name for spec in self.network.inputs} else Mode.OUTPUT

    def get_tensor_profile_shape(self, name, profile):
        return list(self.profile.shapes[name])

    def create_execution_context(self):
        return Context(self)


@pytest.fixture
def reference(exported):
    with load(exported.temporal, "onnx-cpu") as network:
        yield network


@pytest.fixture
def install(monkeypatch, reference):
    """Puts the device and a library that gives this engine in place; returns the engine and a maker of networks."""
    engine = Engine(reference)

    def prepare(found=engine):
        trt = types.SimpleNamespace(
            TensorIOMode=Mode,
            nptype=lambda dtype: dtype,
            Runtime=lambda logger: types.SimpleNamespace(deserialize_cuda_engine=lambda plan: found),
        )
        library = types.SimpleNamespace(trt=trt, logger=None, errors=lambda: "no driver")
        device = MemoryDevice()
        monkeypatch.setattr(module, "library", lambda backend: library)
        monkeypatch.setattr(module, "Device", lambda: device)
        return device

    return engine, prepare


@pytest.mark.parametrize("people", [1, 2, 3, 5, 16, 17, 40])
def test_any_number_of_people_gets_the_networks_numbers(install, reference, random_window, people):
    engine, prepare = install
    prepare()
    window = random_window(people, seed=people)
    with module.TensorRTNetwork(StoredEngine(KEY, reference.metadata, b"")) as network:
        engine.runs.clear()
        got = network.run(window)
        wanted = reference.run(window)
    for name in ("logits", "embedding"):
        assert got[name].shape == wanted[name].shape
        np.testing.assert_allclose(got[name], wanted[name], atol=1e-5)
    assert set(engine.runs) <= {1, 2, 4, 8, 16}


def test_each_shape_is_recorded_once_and_then_replayed(install, reference, random_window):
    _, prepare = install
    device = prepare()
    with module.TensorRTNetwork(StoredEngine(KEY, reference.metadata, b"")) as network:
        device.recorded = device.replayed = 0
        for turn in range(3):
            for people in (3, 4, 1):  # three and four people share the launch for four
                window = random_window(people, seed=turn)
                np.testing.assert_allclose(network.run(window)["logits"], reference.run(window)["logits"], atol=1e-5)
        assert device.recorded == 2
        assert device.replayed == 9
    assert device.closed
    network.close()
    with pytest.raises(EngineError, match="closed"):
        network.run(random_window(1))


def test_results_belong_to_the_caller(install, reference, random_window):
    _, prepare = install
    prepare()
    with module.TensorRTNetwork(StoredEngine(KEY, reference.metadata, b"")) as network:
        first = network.run(random_window(1, seed=1))["logits"]
        kept = first.copy()
        network.run(random_window(1, seed=2))
        np.testing.assert_array_equal(first, kept)


def test_launches_that_cannot_be_recorded_are_queued_each_time(install, reference, random_window):
    _, prepare = install
    device = prepare()
    device.recordable = False
    with module.TensorRTNetwork(StoredEngine(KEY, reference.metadata, b"")) as network:
        window = random_window(2)
        for _ in range(2):
            np.testing.assert_allclose(network.run(window)["logits"], reference.run(window)["logits"], atol=1e-5)


def test_inputs_that_disagree_are_refused(install, reference, random_window):
    _, prepare = install
    prepare()
    window = random_window(4)
    window["mask"] = window["mask"][:3]
    with (
        module.TensorRTNetwork(StoredEngine(KEY, reference.metadata, b"")) as network,
        pytest.raises(EngineError, match="disagree about the number of people"),
    ):
        network.run(window)


def test_an_engine_that_the_library_refuses_releases_the_device(install, reference):
    _, prepare = install
    device = prepare(None)
    with pytest.raises(EngineError, match="tensorrt refuses the engine: no driver"):
        module.TensorRTNetwork(StoredEngine(KEY, reference.metadata, b""))
    assert device.closed
