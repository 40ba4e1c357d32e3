"""int8 arithmetic for CPUs, made from the shipped graph.

Weights are quantised to 7 bits with one scale an output channel, activations to 8 bits with a scale found at each run
(ONNX Runtime's dynamic quantisation). Seven bits, because processors without VNNI add pairs of products in 16 bits and
would saturate with eight. Scales found beforehand on calibration windows are no faster and move the logits further: a
few large activations decide them (``python -m benchmarks.engine_variants``).
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from engines.onnx_file import metadata_of, onnx, parse_model, restore_single, set_metadata

PREPARED = {"onnx.quant.pre_process": "onnxruntime.quant"}
"""How ONNX Runtime marks a graph as prepared. Without the mark it logs a recommendation to prepare it, which would
change nothing for graphs without convolutions; and log levels are the whole process's, not this thread's to change."""


def to_int8(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with its matrix products in int8; it takes two seconds. The given model's weights become fp32."""
    restore_single(model)
    quantised = parse_model(quantised_bytes(model))
    del quantised.metadata_props[:]
    set_metadata(quantised, {**metadata_of(model), "precision": "int8"})
    return quantised


def quantised_bytes(model: onnx.ModelProto) -> bytes:
    """ONNX Runtime's quantisation of a graph with fp32 weights."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    marked = onnx.ModelProto()
    marked.CopyFrom(model)
    set_metadata(marked, PREPARED)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "full.onnx", Path(folder) / "int8.onnx"
        onnx.save(marked, source)
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
