"""From a model file to an engine: out of the cache when one fits, built and kept otherwise."""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path

from core.errors import EngineError
from engines.files import digest, write_whole
from engines.nvidia.cuda import Gpu, find_gpu
from engines.nvidia.engine_cache import EngineKey, StoredEngine, cache_folder, differences, fetch, locked, store
from engines.nvidia.tensorrt_build import PEOPLE, PIXELS, Profile, Progress, build_engine, default_profile
from engines.nvidia.tensorrt_library import Library, library
from engines.precision import HALF_VERSION, variant

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """A model in the wanted precision with the profile it will be built for."""

    model: bytes
    metadata: dict[str, str]
    profile: Profile


def prepare(path: Path, precision: str) -> Prepared:
    """Read a model and bring it into the precision that an engine of it shall compute in.

    Raises:
        EngineError: missing, damaged, or not to be had in this precision.
    """
    from engines.onnx_file import metadata_of, parse_model, read_model

    found = variant(path, precision)
    model = parse_model(found) if isinstance(found, bytes) else read_model(found)
    metadata = metadata_of(model)
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs: dict[str, tuple[int | None, ...]] = {
        value.name: tuple(d.dim_value if d.HasField("dim_value") else None for d in value.type.tensor_type.shape.dim)
        for value in model.graph.input
        if value.name not in weights
    }
    frames = int(metadata["frames"]) if metadata.get("graph") == "temporal" else None
    data = found if isinstance(found, bytes) else found.read_bytes()
    return Prepared(data, metadata, default_profile(inputs, frames))


def engine_for(
    path: Path,
    backend: str,
    precision: str = "fp16",
    *,
    capability: str | None = None,
    folder: Path | None = None,
    progress: Progress | None = None,
) -> tuple[StoredEngine, Path, bool]:
    """An engine of a model, from the cache or built now.

    A file in the cache that is damaged, or was built for something else, is built again with a message. Two processes
    that want the same engine build it once.

    Args:
        path: the shipped ONNX file.
        backend: ``tensorrt`` or ``tensorrt-rtx``.
        precision: ``fp16`` or ``fp32``.
        capability: compute capability to build for; None for the GPU in this machine.
        folder: where engines are kept; None for the user's cache folder.
        progress: told while building.

    Returns:
        The engine, the file it lies in, and whether it was built now.

    Raises:
        BackendUnavailable: no library, or no GPU where one is needed.
        EngineError: the model or the build failed.
    """
    lib = library(backend)
    gpu = find_gpu() if capability is None else None
    if gpu is not None:
        _check_supported(lib, gpu)
    if not path.is_file():
        raise EngineError(f"There is no model file {path}.")
    key = EngineKey(
        library=backend,
        version=lib.version,
        gpu=f"{gpu.name} {gpu.capability}" if gpu is not None else f"any {capability}",
        precision=precision,
        profile=f"people {PEOPLE}, pixels {PIXELS}, rules {HALF_VERSION}",
        model=digest(path.read_bytes()),
    )
    place = cache_folder() if folder is None else folder
    target = place / key.file_name(path.stem)
    known = _usable(target, key)
    if known is not None:
        return known, target, False
    with locked(target):
        known = _usable(target, key)  # another process may have built it meanwhile
        if known is not None:
            return known, target, False
        log.info("building %s for %s in %s with %s %s", path.name, key.gpu, precision, backend, lib.version)
        started = time.perf_counter()
        prepared = prepare(path, precision)
        timing_file = place / f"timing-{backend}-{digest(lib.version, key.gpu)}.cache"
        timing = timing_file.read_bytes() if timing_file.is_file() else b""
        plan, timing_after = build_engine(
            lib, prepared.model, prepared.profile, capability=capability, timing=timing, progress=progress
        )
        engine = StoredEngine(key, prepared.metadata, plan)
        store(target, engine)
        if timing_after and timing_after != timing:
            write_whole(timing_file, timing_after)
        seconds = time.perf_counter() - started
        log.info("built %s in %.1f s, %.1f MB", target.name, seconds, len(plan) / 1e6)
    return engine, target, True


def _usable(target: Path, key: EngineKey) -> StoredEngine | None:
    """The engine in this file if it is whole and was built for just this, else None, with the reason logged."""
    if not os.path.isfile(target):  # unlike the path's own method, also in a folder that may not be entered
        return None
    try:
        engine = fetch(target)
    except EngineError as error:
        log.warning("%s It is built again.", error)
        return None
    different = differences(engine.key, key)
    if different:
        log.warning("The engine %s was built for another set-up (%s) and is built again.", target.name, different)
        return None
    return engine


def _check_supported(lib: Library, gpu: Gpu) -> None:
    if lib.capabilities() and gpu.capability not in lib.capabilities():
        log.info(
            "%s does not list compute capability %s (%s), only %s: it may refuse",
            lib.name, gpu.capability, gpu.name, ", ".join(lib.capabilities()),
        )  # fmt: skip
