"""int8 arithmetic for CPUs, made from the shipped graph.

Weights are quantised to 7 bits with one scale an output channel, activations to 8 bits with a scale found at each run
(ONNX Runtime's dynamic quantisation). Seven bits, because processors without VNNI add pairs of products in 16 bits and
would saturate with eight. Scales found beforehand on calibration windows are no faster and move the logits further: a
few large activations decide them (``python -m benchmarks.engine_variants``).
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import onnx

from engines.onnx_file import parse_model, restore_single, set_metadata


def to_int8(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with its matrix products in int8; it takes two seconds. The given model's weights become fp32."""
    restore_single(model)
    quantised = parse_model(quantised_bytes(model))
    set_metadata(quantised, {"precision": "int8"})
    return quantised


def quantised_bytes(model: onnx.ModelProto) -> bytes:
    """ONNX Runtime's quantisation of a graph with fp32 weights."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # it recommends a preparation that changes nothing for graphs without convolutions
    try:
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder) / "full.onnx", Path(folder) / "int8.onnx"
            onnx.save(model, source)
            quantize_dynamic(
                source,
                target,
                op_types_to_quantize=["MatMul", "Gemm"],
                per_channel=True,
                reduce_range=True,
                weight_type=QuantType.QInt8,
                extra_options={"MatMulConstBOnly": True},
            )
            return target.read_bytes()
    finally:
        root.setLevel(level)
