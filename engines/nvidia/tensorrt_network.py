"""Running an engine: buffers and CUDA graphs through the driver, no torch."""

from __future__ import annotations

import logging
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import EngineError
from engines.network import Arrays, Network, TensorSpec
from engines.nvidia.cuda import Device
from engines.nvidia.engine_cache import StoredEngine
from engines.nvidia.tensorrt_library import library

log = logging.getLogger(__name__)

BATCHES = (1, 2, 4, 8, 16)
"""Numbers of people that launches are recorded for; others are filled up to the next one."""

RECORDED = 64
"""Recorded launches kept, the least recently used ones go first."""


@dataclass(frozen=True)
class _Plan:
    """One set of shapes: what is launched for it, and the shapes of its outputs."""

    launch: Callable[[], None]
    forget: Callable[[], None]
    outputs: dict[str, tuple[int, ...]]
    context: Any  # a recorded launch is valid only as long as its context keeps its shapes


class TensorRTNetwork(Network):
    """An engine on the first GPU.

    Every set of shapes gets its own execution context and a CUDA graph of copies in, launch and copies out; a run is
    one graph launch. A batch is filled up with zeros to the next of ``BATCHES``, and one larger than the engine's
    profile is run in parts.

    Args:
        engine: built by the library version installed here, for this GPU.

    Raises:
        BackendUnavailable: no library, driver or GPU.
        EngineError: the library refuses the engine.
    """

    def __init__(self, engine: StoredEngine) -> None:
        lib = library(engine.key.library)
        trt = lib.trt
        self._lib = lib
        self._device = Device()
        try:
            lib.errors()
            self._runtime = trt.Runtime(lib.logger)
            self._engine = self._runtime.deserialize_cuda_engine(engine.plan)
            if self._engine is None:  # without a driver, or for a foreign engine, the library returns None
                raise EngineError(f"{engine.key.library} refuses the engine: {lib.errors()}.")
            super().__init__(
                engine.key.library,
                engine.key.precision,
                self._specs(trt.TensorIOMode.INPUT),
                self._specs(trt.TensorIOMode.OUTPUT),
                engine.metadata,
            )
            self._ranges = {
                spec.name: tuple(tuple(s) for s in self._engine.get_tensor_profile_shape(spec.name, 0))
                for spec in self.inputs
            }
            self._batched = all(spec.shape and spec.shape[0] is None for spec in (*self.inputs, *self.outputs))
            self._plans: OrderedDict[tuple[tuple[int, ...], ...], _Plan] = OrderedDict()
            self._memory: dict[str, tuple[int, NDArray[np.uint8]]] = {}
            self._closed = False
            # An engine may load and still not run on this GPU; better known now, while another backend can be taken.
            self._once({spec.name: np.zeros(self._ranges[spec.name][0], spec.dtype) for spec in self.inputs})
        except BaseException:
            self._device.close()
            raise

    def _specs(self, mode: Any) -> tuple[TensorSpec, ...]:
        trt, engine = self._lib.trt, self._engine
        names = (engine.get_tensor_name(i) for i in range(engine.num_io_tensors))
        return tuple(
            TensorSpec(
                name,
                np.dtype(trt.nptype(engine.get_tensor_dtype(name))),
                tuple(None if n < 0 else int(n) for n in engine.get_tensor_shape(name)),
            )
            for name in names
            if engine.get_tensor_mode(name) == mode
        )

    def _run(self, feeds: Arrays) -> Arrays:
        if self._closed:
            raise EngineError("The network is closed.")
        self._device.activate()
        if not self._batched:
            return self._once(feeds)
        count = next(iter(feeds.values())).shape[0]
        if any(value.shape[0] != count for value in feeds.values()):
            shapes = ", ".join(f"{name} {value.shape}" for name, value in feeds.items())
            raise EngineError(f"The inputs disagree about the number of people: {shapes}.")
        most = min(high[0] for _, _, high in self._ranges.values())
        parts = [
            self._filled({name: value[start : start + most] for name, value in feeds.items()}, most)
            for start in range(0, max(count, 1), most)
        ]
        return {spec.name: np.concatenate([part[spec.name] for part in parts])[:count] for spec in self.outputs}

    def _filled(self, feeds: Arrays, most: int) -> Arrays:
        """Run a batch of at most ``most`` people, filled up so that a recorded launch fits."""
        count = next(iter(feeds.values())).shape[0]
        size = next((n for n in BATCHES if count <= n <= most), most)
        missing = size - count
        if missing:
            feeds = {k: np.concatenate([v, np.zeros((missing, *v.shape[1:]), v.dtype)]) for k, v in feeds.items()}
        return {name: value[:count] for name, value in self._once(feeds).items()}

    def _once(self, feeds: Arrays) -> Arrays:
        key = tuple(feeds[spec.name].shape for spec in self.inputs)
        plan = self._plans.get(key)
        for spec in self.inputs:
            self._check_fits(spec.name, feeds[spec.name].shape)
        if plan is None:
            plan = self._prepare(feeds)
            self._plans[key] = plan
            while len(self._plans) > RECORDED:
                self._plans.popitem(last=False)[1].forget()
        else:
            self._plans.move_to_end(key)
        for spec in self.inputs:
            value = feeds[spec.name]
            self._memory[spec.name][1][: value.nbytes] = value.reshape(-1).view(np.uint8)
        plan.launch()
        self._device.synchronize()
        outputs = {}
        for spec in self.outputs:
            shape = plan.outputs[spec.name]
            size = math.prod(shape) * spec.dtype.itemsize
            outputs[spec.name] = self._memory[spec.name][1][:size].view(spec.dtype).reshape(shape).copy()
        return outputs

    def _check_fits(self, name: str, shape: tuple[int, ...]) -> None:
        low, _, high = self._ranges[name]
        if not all(a <= n <= b for a, n, b in zip(low, shape, high, strict=True)):
            raise EngineError(f"{name} of shape {shape} is outside what the engine was built for, {low} to {high}.")

    def _prepare(self, feeds: Arrays) -> _Plan:
        """A context for these shapes, run once, then recorded."""
        if not self._memory:
            self._allocate()
        context = self._engine.create_execution_context()
        if context is None:
            raise EngineError(f"{self.backend} gave no execution context: {self._lib.errors()}.")
        for spec in self.inputs:
            if not context.set_input_shape(spec.name, feeds[spec.name].shape):
                raise EngineError(f"{self.backend} refuses the shape {feeds[spec.name].shape} of {spec.name}.")
        outputs = {spec.name: tuple(int(n) for n in context.get_tensor_shape(spec.name)) for spec in self.outputs}
        sizes = {spec.name: feeds[spec.name].nbytes for spec in self.inputs}
        sizes |= {spec.name: math.prod(outputs[spec.name]) * spec.dtype.itemsize for spec in self.outputs}
        for name in sizes:
            context.set_tensor_address(name, self._memory[name][0])

        def enqueue() -> None:
            for spec in self.inputs:
                address, host = self._memory[spec.name]
                self._device.upload(address, host, sizes[spec.name])
            if not context.execute_async_v3(int(self._device.stream)):
                raise EngineError(f"{self.backend} failed to run: {self._lib.errors()}.")
            for spec in self.outputs:
                address, host = self._memory[spec.name]
                self._device.download(host, address, sizes[spec.name])

        for spec in self.inputs:
            self._memory[spec.name][1][: sizes[spec.name]] = 0
        enqueue()  # the first run loads kernels and allocates, which cannot be recorded
        self._device.synchronize()
        try:
            recorded = self._device.capture(enqueue)
        except EngineError as error:
            log.info("%s: launches of shape %s are not recorded: %s", self.backend, tuple(outputs.values()), error)
            return _Plan(enqueue, lambda: None, outputs, context)
        return _Plan(recorded.launch, recorded.close, outputs, context)

    def _allocate(self) -> None:
        """Buffers for the largest shapes of the profile; one pair, on the device and page-locked, for each tensor."""
        context = self._engine.create_execution_context()
        for name, (_, _, high) in self._ranges.items():
            context.set_input_shape(name, high)
        for spec in (*self.inputs, *self.outputs):
            shape = self._ranges[spec.name][2] if spec.name in self._ranges else context.get_tensor_shape(spec.name)
            size = math.prod(shape) * spec.dtype.itemsize
            self._memory[spec.name] = (self._device.allocate(size), self._device.allocate_host(size))

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._device.activate()
            for plan in self._plans.values():
                plan.forget()
            self._plans.clear()
            self._engine = None
            self._runtime = None
            self._memory.clear()
            self._device.close()
