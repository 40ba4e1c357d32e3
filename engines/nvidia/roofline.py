"""How fast a graph could run on a device at best: by its arithmetic and by the memory that it must read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Peak:
    """Published limits of a device.

    Attributes:
        tflops: 10^12 operations a second in fp16 on the matrix units, without sparsity.
        gb_s: 10^9 bytes a second of memory.
    """

    tflops: float
    gb_s: float


PEAKS = {
    "H200": Peak(989, 4800), "H100 PCIe": Peak(756, 2000), "H100": Peak(989, 3350), "A100": Peak(312, 1935),
    "L40S": Peak(362, 864), "L4": Peak(121, 300), "A10": Peak(125, 600), "T4": Peak(65, 320),
    "RTX 4090": Peak(165, 1008), "RTX 4070": Peak(58, 504), "RTX 4060": Peak(30, 272),
    "RTX 3090": Peak(71, 936), "RTX 3080": Peak(59, 760), "RTX 3060": Peak(25, 360),
    "RTX 5090": Peak(210, 1792), "Orin": Peak(42, 204),
}  # fmt: skip
"""By a part of the device's name, the longest match first; the makers' data sheets."""


def peak_of(name: str) -> Peak | None:
    """Limits of a device, None when they are not known here."""
    found = [key for key in PEAKS if key.lower() in name.lower()]
    return PEAKS[max(found, key=len)] if found else None


@dataclass(frozen=True)
class Work:
    """What one run of a graph takes.

    Attributes:
        flops: operations of its matrix products and convolutions, a multiplication and an addition being two.
        weights: numbers that have to be read.
    """

    flops: int
    weights: int

    def bound_ms(self, peak: Peak, bytes_each: int) -> float:
        """Milliseconds that a run takes at least."""
        return 1e3 * max(self.flops / (peak.tflops * 1e12), self.weights * bytes_each / (peak.gb_s * 1e9))


def work_of(path: Path, **sizes: int) -> Work:
    """Count a graph's work.

    Args:
        path: ONNX file.
        sizes: value of each dimension that the graph leaves open, by its name (``N``, ``T``).

    Raises:
        BackendUnavailable: the package onnx is not installed.
        EngineError: the file is missing or damaged.
    """
    from engines.onnx_file import onnx, read_model, restore_single

    model = read_model(path)
    restore_single(model)
    for value in [*model.graph.input, *model.graph.output]:
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param in sizes:
                dim.dim_value = sizes[dim.dim_param]
    typed = onnx.shape_inference.infer_shapes(model, data_prop=True)
    shapes = {
        v.name: [d.dim_value for d in v.type.tensor_type.shape.dim]
        for v in [*typed.graph.input, *typed.graph.value_info, *typed.graph.output]
    }
    shapes |= {tensor.name: list(tensor.dims) for tensor in typed.graph.initializer}
    flops = 0
    for node in typed.graph.node:
        if node.op_type in ("MatMul", "Gemm"):
            flops += 2 * math.prod(shapes[node.output[0]]) * shapes[node.input[0]][-1]
        elif node.op_type == "Conv":
            flops += 2 * math.prod(shapes[node.output[0]]) * math.prod(shapes[node.input[1]][1:])
    return Work(flops, sum(math.prod(tensor.dims) for tensor in typed.graph.initializer))
