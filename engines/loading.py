"""Choosing a backend: the one that was asked for, or the fastest that works here."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from core.errors import EngineError
from engines.network import Network
from engines.precision import PRECISIONS, variant

log = logging.getLogger(__name__)

BACKENDS = ("tensorrt", "tensorrt-rtx", "onnx-cuda", "onnx-cpu", "torch")
"""Every backend; ``auto`` tries all but torch in this order."""

AUTO_ORDER = BACKENDS[:-1]


def load(path: str | Path, backend: str = "auto", precision: str | None = None, *, threads: int = 1) -> Network:
    """Load a model file for running.

    Args:
        path: an ONNX file. For the backend ``torch``, one of the two graphs of an action model, whose safetensors file
            lies beside it.
        backend: one of ``BACKENDS``, or ``auto`` for the first of tensorrt, tensorrt-rtx, onnx-cuda, onnx-cpu that
            works on this machine; why the others do not is logged.
        precision: ``fp32``, ``fp16`` or ``int8``; None for what suits the backend (fp16 on TensorRT, fp32 elsewhere).
            ``int8`` is for ONNX Runtime on the CPU and for models whose loss was measured
            (``engines.action.quantise``); of an
            action model only the temporal graph computes in it, the small spatial graph stays in fp32.
        threads: threads within one operator, on the CPU.

    Returns:
        The network; ``Network.backend`` and the log say which backend runs it.

    Raises:
        EngineError: unknown backend or precision, a missing or damaged file, or the backend does not work here
            (``BackendUnavailable``).
    """
    path = Path(path)
    if backend not in ("auto", *BACKENDS):
        raise EngineError(f"There is no backend {backend!r}: choose auto, {', '.join(BACKENDS)}.")
    if precision not in (None, *PRECISIONS):
        raise EngineError(f"There is no precision {precision!r}: choose {', '.join(PRECISIONS)}.")
    if not os.path.isfile(path):  # unlike the path's own method, also for a name too long for the system
        raise EngineError(f"There is no model file {path}.")
    if backend != "auto":
        network = _open(path, backend, precision, threads)
        log.info("%s runs on %s in %s", path.name, network.backend, network.precision)
        return network
    *faster, last = AUTO_ORDER
    for name in faster:
        try:
            network = _open(path, name, precision, threads)
        except EngineError as error:
            log.info("%s: not on %s: %s", path.name, name, error)
            continue
        break
    else:
        network = _open(path, last, precision, threads)
    log.info("%s runs on %s in %s", path.name, network.backend, network.precision)
    return network


def _open(path: Path, backend: str, precision: str | None, threads: int) -> Network:
    """One backend, or an EngineError. Imports happen here: what a backend needs may not be installed."""
    if backend in ("tensorrt", "tensorrt-rtx"):
        if precision == "int8":
            raise EngineError(f"int8 is for the CPU, not for {backend}: choose fp16.")
        from engines.nvidia.tensorrt_backend import engine_for
        from engines.nvidia.tensorrt_library import library
        from engines.nvidia.tensorrt_network import TensorRTNetwork

        library(backend)
        engine, _, _ = engine_for(path, backend, precision or "fp16", progress=_LoggedProgress(path.name))
        return TensorRTNetwork(engine)
    if backend == "torch":
        from engines.torch_network import TorchNetwork

        return TorchNetwork(path, precision or "fp32", threads)
    from engines.onnx_runtime import OnnxNetwork

    chosen = precision or "fp32"
    if chosen == "int8" and backend == "onnx-cuda":
        raise EngineError("int8 is for the CPU, not for onnx-cuda: choose fp16.")
    if chosen == "int8" and path.stem.endswith("-spatial"):
        chosen = "fp32"
    return OnnxNetwork(variant(path, chosen), path.name, backend, chosen, threads)


class _LoggedProgress:
    """Says how far a build is, a line every tenth."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tenths = 0

    def __call__(self, part: float, phase: str) -> None:
        if int(part * 10) > self._tenths:
            self._tenths = int(part * 10)
            log.info("building %s: %d %%, %s", self._name, self._tenths * 10, phase.lower())
