"""ONNX to a TensorRT engine: a strongly typed network, one optimisation profile, one code path for both libraries."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import EngineError
from engines.nvidia.tensorrt_library import Library

log = logging.getLogger(__name__)

PEOPLE = (1, 4, 16)
"""Smallest, usual and largest number of people in one run; more are run in several."""

PIXELS = (64, 256, 640)
"""Smallest, usual and largest side of a picture whose size the graph leaves open."""

Progress = Callable[[float, str], None]
"""Called while building with the part that is done, 0 to 1, and the name of the phase."""

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """Smallest, usual and largest shape of each input, by name."""

    shapes: Mapping[str, tuple[Shape, Shape, Shape]]


def default_profile(inputs: Mapping[str, tuple[int | None, ...]], frames: int | None) -> Profile:
    """1 to 16 people, windows of 1 to ``frames`` frames, pictures of 64 to 640 pixels a side.

    Args:
        inputs: shape of each input by name, None for what may vary.
        frames: of the action model, or None for another network.
    """
    shapes = {}
    for name, shape in inputs.items():
        open_ranges = [
            PEOPLE if axis == 0 else (1, frames, frames) if frames is not None and axis == 1 else PIXELS
            for axis in range(len(shape))
        ]
        low, usual, high = (
            tuple(size if size is not None else span[which] for size, span in zip(shape, open_ranges, strict=True))
            for which in range(3)
        )
        shapes[name] = (low, usual, high)
    return Profile(shapes)


def build_engine(
    library: Library,
    model: bytes,
    profile: Profile,
    *,
    capability: str | None = None,
    timing: bytes = b"",
    progress: Progress | None = None,
) -> tuple[bytes, bytes]:
    """Build an engine.

    Args:
        library: which of the two.
        model: ONNX bytes; every operation runs in the type that the graph gives it.
        profile: shapes to build for.
        capability: compute capability to build for without such a GPU, for example ``8.6`` (TensorRT-RTX only); None
            for the GPU in this machine.
        timing: timing cache of earlier builds; empty for none.
        progress: told while building.

    Returns:
        The serialised engine and the timing cache after the build (empty where the library keeps none).

    Raises:
        EngineError: the graph has something that the library does not know, the compute capability is not supported, or
            the build fails; the message gives the library's own reason.
    """
    trt = library.trt
    library.errors()
    builder = trt.Builder(library.logger)
    if builder is None or not hasattr(builder, "create_network"):
        raise EngineError(f"{library.name} cannot build here: {library.errors()}.")
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, library.logger)
    if not parser.parse(model):
        reasons = "; ".join(parser.get_error(i).desc().strip() for i in range(parser.num_errors))
        raise EngineError(f"{library.name} cannot read this network: {reasons or library.errors()}.")

    config = builder.create_builder_config()
    shapes = builder.create_optimization_profile()
    for name, (low, usual, high) in profile.shapes.items():
        shapes.set_shape(name, low, usual, high)
    config.add_optimization_profile(shapes)
    config.clear_flag(trt.BuilderFlag.TF32)  # fp32 means fp32: the parity gate is below what TF32 rounds to
    if capability is not None:
        known = library.capabilities()
        if not known:
            raise EngineError(f"{library.name} builds for the GPU in this machine only; tensorrt-rtx can name another.")
        if capability not in known:
            offered = ", ".join(known)
            raise EngineError(f"{library.name} cannot build for compute capability {capability}, only {offered}.")
        config.num_compute_capabilities = 1
        config.set_compute_capability(known[capability], 0)
    keeps_timings = library.backend == "tensorrt"  # TensorRT-RTX tunes on the user's machine, at the first run
    if keeps_timings:
        _use_timing_cache(config, timing)
    monitor = _monitor(trt, progress) if progress is not None else None
    if monitor is not None:
        config.progress_monitor = monitor

    plan = builder.build_serialized_network(network, config)
    if monitor is not None and monitor.stopped is not None:
        raise monitor.stopped
    if plan is None:
        raise EngineError(f"{library.name} could not build the engine: {library.errors()}.")
    cache = config.get_timing_cache() if keeps_timings else None
    return bytes(plan), bytes(cache.serialize()) if cache is not None else b""


def _use_timing_cache(config: Any, timing: bytes) -> None:
    cache = config.create_timing_cache(timing)
    if cache is None and timing:
        cache = config.create_timing_cache(b"")  # written by another version, or damaged: begin anew
    if cache is not None:
        config.set_timing_cache(cache, False)


def _monitor(trt: Any, progress: Progress) -> Any:
    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]  # the library is known only when it runs
        """Turns the library's tree of phases into one number: each level divides a step of the one above it."""

        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.phases: dict[str, tuple[str | None, int, int]] = {}  # name -> parent, steps, steps done
            self.stopped: BaseException | None = None
            self.most = 0.0

        def done(self, name: str) -> float:
            _, steps, finished = self.phases[name]
            inside = max((self.done(child) for child, (p, _, _) in self.phases.items() if p == name), default=0.0)
            return min(1.0, (finished + inside) / max(steps, 1))

        def report(self, name: str) -> bool:
            # An exception must not pass through the library's own frames: it is kept, and the build told to stop.
            try:
                roots = [phase for phase, (parent, _, _) in self.phases.items() if parent is None]
                if roots and self.stopped is None:
                    self.most = max(self.most, self.done(roots[0]))  # a phase that ends may count for less
                    progress(self.most, name)
            except BaseException as error:
                self.stopped = error
            return self.stopped is None

        def phase_start(self, name: str, parent: str | None, steps: int) -> None:
            self.phases[name] = (parent if parent in self.phases else None, steps, 0)
            self.report(name)

        def step_complete(self, name: str, step: int) -> bool:
            if name in self.phases:
                parent, steps, _ = self.phases[name]
                self.phases[name] = (parent, steps, step + 1)
            return self.report(name)

        def phase_finish(self, name: str) -> None:
            self.phases.pop(name, None)
            if not self.phases and self.stopped is None:
                self.phases[name] = (None, 1, 1)
                self.report(name)
                self.phases.clear()

    return Monitor()
