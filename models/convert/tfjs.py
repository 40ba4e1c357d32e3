"""Read a TensorFlow.js graph model as a plain TensorFlow ``GraphDef``.

A TensorFlow.js graph model is a JSON file (the graph, and a manifest of the weights) and a binary file (the weights in
a row). Its graphs hold operators that were fused for the browser; ONNX converters do not know these, so they are taken
apart again here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow.core.framework import graph_pb2, node_def_pb2

FUSED = {
    "_FusedConv2D": "Conv2D",
    "FusedDepthwiseConv2dNative": "DepthwiseConv2dNative",
    "_FusedMatMul": "MatMul",
}
"""Fused operator -> the operator at its heart."""

BASE_ATTRIBUTES = (
    "T", "strides", "padding", "data_format", "dilations", "explicit_paddings", "transpose_a", "transpose_b",
)  # fmt: skip
ACTIVATIONS = ("Relu", "Relu6", "Elu")


@dataclass(frozen=True)
class GraphModel:
    """A graph with its weights inside, and the tensor names that go in and come out."""

    graph: graph_pb2.GraphDef
    inputs: list[str]
    outputs: list[str]
    origin: str


def read_weights(manifest: list[dict], blob: bytes) -> dict[str, np.ndarray]:
    """Split the binary file into named arrays; half-precision and affine-quantised weights become float32.

    Raises:
        ValueError: when the manifest does not account for every byte of ``blob``.
    """
    arrays: dict[str, np.ndarray] = {}
    at = 0
    for group in manifest:
        for entry in group["weights"]:
            shape, quantisation = entry["shape"], entry.get("quantization")
            stored = np.dtype(quantisation["dtype"] if quantisation else entry["dtype"])
            count = int(np.prod(shape, dtype=np.int64))
            array = np.frombuffer(blob, stored, count, at)
            at += count * stored.itemsize
            if quantisation and stored != np.float16:
                array = array * np.float32(quantisation["scale"]) + np.float32(quantisation["min"])
            arrays[entry["name"]] = array.astype(entry["dtype"]).reshape(shape)
    if at != len(blob):
        raise ValueError(f"the weight manifest describes {at} bytes but the file has {len(blob)}")
    return arrays


def _constant(name: str, value: np.ndarray) -> node_def_pb2.NodeDef:
    node = node_def_pb2.NodeDef(name=name, op="Const")
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
    node.attr["dtype"].type = node.attr["value"].tensor.dtype
    return node


def _unfuse(node: node_def_pb2.NodeDef) -> list[node_def_pb2.NodeDef]:
    """The chain of plain operators that a fused one stands for; the last one keeps the fused node's name."""
    base = node_def_pb2.NodeDef(name=f"{node.name}/base", op=FUSED[node.op], input=node.input[:2])
    for key in BASE_ATTRIBUTES:
        if key in node.attr:
            base.attr[key].CopyFrom(node.attr[key])
    chain, extra = [base], iter(node.input[2:])
    steps = [step.decode() for step in node.attr["fused_ops"].list.s]
    for i, step in enumerate(steps):
        name = node.name if i == len(steps) - 1 else f"{node.name}/{i}"
        operands = [chain[-1].name]
        if step == "BiasAdd":
            operands.append(next(extra))
        elif step not in ACTIVATIONS:
            raise ValueError(f"{node.name}: fused step {step!r} is not known here")
        link = node_def_pb2.NodeDef(name=name, op=step, input=operands)
        link.attr["T"].type = node.attr["T"].type
        chain.append(link)
    return chain


def read_graph_model(description: bytes, weights: bytes) -> GraphModel:
    """Build the graph from the contents of the JSON and the binary file.

    Raises:
        ValueError: the two files do not belong together, or the graph has a fused step that is not known here.
    """
    document = json.loads(description)
    topology = {key: document["modelTopology"][key] for key in ("node", "library", "versions")}
    fused = json_format.ParseDict(topology, graph_pb2.GraphDef(), ignore_unknown_fields=True)
    arrays = read_weights(document["weightsManifest"], weights)

    graph = graph_pb2.GraphDef(versions=fused.versions)
    for node in fused.node:
        if node.op == "Const":
            graph.node.append(_constant(node.name, arrays[node.name]))
        elif node.op in FUSED:
            graph.node.extend(_unfuse(node))
        else:
            graph.node.append(node)

    consumed = {name.split(":")[0].lstrip("^") for node in graph.node for name in node.input}
    return GraphModel(
        graph=graph,
        inputs=[f"{node.name}:0" for node in graph.node if node.op == "Placeholder"],
        outputs=[f"{node.name}:0" for node in graph.node if node.name not in consumed and node.op != "Const"],
        origin=document["generatedBy"],
    )
