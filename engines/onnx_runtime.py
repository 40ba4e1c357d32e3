"""ONNX Runtime, on the CPU and, where its CUDA provider is installed, on an NVIDIA GPU."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from core.errors import BackendUnavailable, EngineError, first_line
from engines.network import Arrays, Network, TensorSpec

log = logging.getLogger(__name__)

_DTYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(bool)": np.bool_,
    "tensor(uint8)": np.uint8,
    "tensor(int8)": np.int8,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
}


class OnnxNetwork(Network):
    """An ONNX model on ONNX Runtime.

    One thread a network is the default: the pipeline's stages already fill the cores, and a thread pool a network made
    them fight. Waiting threads sleep instead of spinning, for the same reason.

    Args:
        model: the model's file, or its bytes.
        name: what to call it in messages.
        backend: ``onnx-cpu`` or ``onnx-cuda``.
        precision: what the graph computes in, for the record.
        threads: threads within one operator.

    Raises:
        BackendUnavailable: ``onnx-cuda`` without the provider or without a device it can use.
        EngineError: the file is missing, damaged or no ONNX model.
    """

    def __init__(
        self, model: Path | bytes, name: str, backend: str = "onnx-cpu", precision: str = "fp32", threads: int = 1
    ) -> None:
        session = _session(model, name, backend, threads, half=precision == "fp16")
        meta = session.get_modelmeta()
        super().__init__(
            backend,
            precision,
            tuple(_spec(node) for node in session.get_inputs()),
            tuple(_spec(node) for node in session.get_outputs()),
            meta.custom_metadata_map,
        )
        self._name = name
        self._session: ort.InferenceSession | None = session
        self._output_names = [spec.name for spec in self.outputs]

    def _run(self, feeds: Arrays) -> Arrays:
        if self._session is None:
            raise EngineError(f"{self._name} is closed.")
        try:
            values = self._session.run(self._output_names, feeds)
        except Exception as error:  # the runtime's exceptions have no common base
            shapes = ", ".join(f"{key} {value.shape}" for key, value in feeds.items())
            raise EngineError(f"{self._name} failed on {shapes}: {first_line(error)}") from error
        return dict(zip(self._output_names, values, strict=True))

    def close(self) -> None:
        self._session = None


def cuda_available() -> bool:
    """Whether this build of ONNX Runtime has the CUDA provider; a device may still be missing."""
    return "CUDAExecutionProvider" in ort.get_available_providers()


def _session(model: Path | bytes, name: str, backend: str, threads: int, half: bool) -> ort.InferenceSession:
    if isinstance(model, Path) and not model.is_file():
        raise EngineError(f"There is no model file {model}.")
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.log_severity_level = 3
    providers: list[Any] = ["CPUExecutionProvider"]
    if backend == "onnx-cuda":
        if not cuda_available():
            raise BackendUnavailable("This ONNX Runtime has no CUDA provider: pip install onnxruntime-gpu.")
        providers.insert(0, ("CUDAExecutionProvider", {"cudnn_conv_algo_search": "HEURISTIC"}))
    try:
        session = ort.InferenceSession(
            model if isinstance(model, bytes) else str(model),
            options,
            providers=providers,
            # This pass ends in a segmentation fault on half-precision transformers, in every release tried, and has
            # nothing to do for the graphs here: it lays out convolutions.
            disabled_optimizers=["NchwcTransformer"] if half else None,
        )
    except Exception as error:  # the runtime's exceptions have no common base
        raise EngineError(f"{name} cannot be read as an ONNX model: {first_line(error)}") from error
    if backend == "onnx-cuda" and "CUDAExecutionProvider" not in session.get_providers():
        raise BackendUnavailable("ONNX Runtime found no CUDA device that it can use.")
    return session


def _spec(node: Any) -> TensorSpec:
    if node.type not in _DTYPES:
        raise EngineError(f"{node.name} is a {node.type}, which is not supported.")
    shape = tuple(n if isinstance(n, int) else None for n in node.shape)
    return TensorSpec(node.name, np.dtype(_DTYPES[node.type]), shape)
