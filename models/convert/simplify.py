"""Take work out of an ONNX graph that cannot change a single bit of its output."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper


def simplify(model: onnx.ModelProto) -> None:
    """Remove nodes that do nothing and make uniform constants scalars, in place.

    The published graphs subtract a mean of three zeros from the picture and multiply it by three equal factors, one a
    channel. Broadcasting over the innermost axis is slow, with a scalar it is not.
    """
    _make_scalars(model.graph)
    _bypass_idle_nodes(model.graph)


def _make_scalars(graph: onnx.GraphProto) -> None:
    """Constants of equal values that are only broadcast (all dimensions but the last are 1) become scalars."""
    elementwise = {name for node in graph.node if node.op_type in ("Add", "Sub", "Mul", "Div") for name in node.input}
    elsewhere = {name for node in graph.node if node.op_type not in ("Add", "Sub", "Mul", "Div") for name in node.input}
    for tensor in graph.initializer:
        array = numpy_helper.to_array(tensor)
        broadcast = array.ndim == 4 and array.size == array.shape[-1] and array.size > 1
        if broadcast and tensor.name in elementwise - elsewhere and (array == array.flat[0]).all():
            tensor.CopyFrom(numpy_helper.from_array(array.reshape(-1)[0].reshape(()), tensor.name))


def _bypass_idle_nodes(graph: onnx.GraphProto) -> None:
    """Splits into one part and subtractions of a scalar zero give their input."""
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    outputs = {value.name for value in graph.output}
    instead: dict[str, str] = {}
    kept = []
    for node in graph.node:
        node.input[:] = [instead.get(name, name) for name in node.input]
        zero = node.op_type == "Sub" and _is_zero(constants.get(node.input[1]))
        idle = zero or (node.op_type == "Split" and len(node.output) == 1)
        if idle and node.output[0] not in outputs:
            instead[node.output[0]] = node.input[0]
        else:
            kept.append(node)
    del graph.node[:]
    graph.node.extend(kept)


def _is_zero(constant: np.ndarray | None) -> bool:
    """Whether a constant is a scalar floating-point zero; x - 0 is x for every x, negative zero included."""
    return constant is not None and constant.ndim == 0 and constant.dtype == np.float32 and float(constant) == 0.0
