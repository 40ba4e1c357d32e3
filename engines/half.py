"""A graph that computes in half precision, made from one that computes in single precision.

Strongly typed TensorRT networks run every operation in the type that the graph gives it, so the graph decides where
half precision is safe:

- inputs and outputs keep their types, so a network is fed alike in every precision;
- sums over many terms and exponentials (layer norm, softmax, means, variances) stay in single precision;
- whatever no matrix product or convolution follows stays in single precision: the decoding of a pose network works with
  coordinates that half precision would round to a quarter of a pixel, and costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from core.errors import EngineError, first_line
from engines.onnx_file import (
    HALF_MAX,
    NodeProto,
    TensorProto,
    helper,
    numpy_helper,
    onnx,
    restore_single,
    set_metadata,
    shape_inference,
)

HEAVY = frozenset({"Conv", "ConvTranspose", "MatMul", "Gemm", "Einsum"})
SINGLE = frozenset(
    {
        "LayerNormalization", "InstanceNormalization", "GroupNormalization", "Softmax", "LogSoftmax", "Exp", "Log",
        "Pow", "Sqrt", "Reciprocal", "ReduceSum", "ReduceMean", "ReduceL2", "ReduceSumSquare", "CumSum",
        "GlobalAveragePool", "Range", "Resize", "TopK", "NonMaxSuppression", "GridSample",
    }
)  # fmt: skip
"""Operations that stay in single precision wherever they are."""


def to_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """A new model that computes in half precision where that is safe; the given one is not changed.

    Raises:
        EngineError: the graph has branches or loops, whose insides this does not follow, or cannot be typed.
    """
    half = onnx.ModelProto()
    half.CopyFrom(model)
    restore_single(half)
    inner = (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS)
    if any(attribute.type in inner for node in half.graph.node for attribute in node.attribute):
        raise EngineError("This model has branches or loops and cannot be turned into half precision: use fp32.")
    try:
        typed = shape_inference.infer_shapes(half, strict_mode=True, data_prop=True)
    except Exception as error:  # the inference raises several unrelated types
        raise EngineError(f"The types in this model cannot be inferred: {first_line(error)}") from error
    _Rewriter(half, typed).rewrite()
    del half.graph.value_info[:]
    set_metadata(half, {"precision": "fp16"})
    try:
        onnx.checker.check_model(half, full_check=True)
    except Exception as error:  # the checker raises several unrelated types
        raise EngineError(f"This model cannot be turned into half precision: {first_line(error)}") from error
    return half


class _Rewriter:
    """One pass over the nodes in their order, so that the result is in topological order as the source was."""

    def __init__(self, model: onnx.ModelProto, typed: onnx.ModelProto) -> None:
        self.graph = model.graph
        self.weights = {tensor.name: tensor for tensor in self.graph.initializer}
        self.single = {v.name for v in _values(typed) if v.type.tensor_type.elem_type == TensorProto.FLOAT}
        self.single |= {name for name, t in self.weights.items() if t.data_type == TensorProto.FLOAT}
        self.is_half: set[str] = set()  # original names whose tensor is now half
        self.made: set[str] = set()  # converted twins that exist already
        self.nodes: list[NodeProto] = []
        self.new_weights: dict[str, TensorProto] = {}

    def rewrite(self) -> None:
        wanted = self._half_nodes()
        outputs = {value.name for value in self.graph.output}
        for node, half in zip(list(self.graph.node), wanted, strict=True):
            node.input[:] = [self._as(name, half) if name in self.single else name for name in node.input]
            if half:
                self._retype(node, outputs)
            self.nodes.append(node)
        for name in outputs & self.is_half:
            self.nodes.append(helper.make_node("Cast", [_twin(name, True)], [name], to=TensorProto.FLOAT))
        used = {name for node in self.nodes for name in node.input}
        weights = [t for name, t in {**self.weights, **self.new_weights}.items() if name in used]
        del self.graph.initializer[:]
        self.graph.initializer.extend(weights)
        del self.graph.node[:]
        self.graph.node.extend(self.nodes)

    def _half_nodes(self) -> list[bool]:
        """For each node, whether it computes in half precision: heavy, or a heavy one needs what it makes."""
        needed: set[str] = set()
        wanted = []
        for node in reversed(self.graph.node):
            leads = node.op_type in HEAVY or any(name in needed for name in node.output)
            if leads:
                needed.update(node.input)
            floats = any(name in self.single for name in node.output)
            wanted.append(leads and floats and node.op_type not in SINGLE and self._fits(node))
        return wanted[::-1]

    def _fits(self, node: NodeProto) -> bool:
        """Whether the node's weights can be held in half precision."""
        return all(
            np.abs(numpy_helper.to_array(self.weights[name])).max(initial=0.0) <= HALF_MAX
            for name in node.input
            if name in self.weights and name in self.single
        )

    def _retype(self, node: NodeProto, outputs: set[str]) -> None:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT:
                attribute.i = TensorProto.FLOAT16
            elif attribute.type == onnx.AttributeProto.TENSOR and attribute.t.data_type == TensorProto.FLOAT:
                values = numpy_helper.to_array(attribute.t).astype(np.float16)
                attribute.t.CopyFrom(numpy_helper.from_array(values, attribute.t.name))
        for index, name in enumerate(node.output):
            if name in self.single:
                self.is_half.add(name)
                if name in outputs:  # a cast at the end gives the output its own name back
                    node.output[index] = _twin(name, True)
                    self.made.add(_twin(name, True))

    def _as(self, name: str, half: bool) -> str:
        """The name of this tensor in the wanted precision; a cast or converted weight is added where missing."""
        if name in self.weights:
            if not half:
                return name
            twin = _twin(name, True)
            if twin not in self.new_weights:
                values = numpy_helper.to_array(self.weights[name]).astype(np.float16)
                self.new_weights[twin] = numpy_helper.from_array(values, twin)
            return twin
        now = name in self.is_half
        current = _twin(name, True) if now and _twin(name, True) in self.made else name
        if now == half:
            return current
        twin = _twin(name, half)
        if twin not in self.made:
            self.made.add(twin)
            to = TensorProto.FLOAT16 if half else TensorProto.FLOAT
            self.nodes.append(helper.make_node("Cast", [current], [twin], to=to))
        return twin


def _values(model: onnx.ModelProto) -> Iterable[onnx.ValueInfoProto]:
    return [*model.graph.input, *model.graph.value_info, *model.graph.output]


def _twin(name: str, half: bool) -> str:
    return f"{name}/{'half' if half else 'single'}"
