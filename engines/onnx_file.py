"""Reading and rewriting ONNX files. Needs the ``onnx`` package, which running a network does not.

All of this package takes ``onnx`` from here, so that its absence is an ``EngineError`` everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from core.errors import BackendUnavailable, EngineError, first_line

try:
    import onnx
    from onnx import NodeProto, TensorProto, helper, numpy_helper, shape_inference
except ImportError as error:
    raise BackendUnavailable("Looking into a model or changing it needs the package onnx: pip install onnx.") from error

__all__ = [
    "HALF_MAX", "NodeProto", "TensorProto", "helper", "metadata_of", "numpy_helper", "onnx", "parse_model",
    "read_model", "restore_single", "set_metadata", "shape_inference", "store_half",
]  # fmt: skip

HALF_MAX = float(np.finfo(np.float16).max)


def read_model(path: Path) -> onnx.ModelProto:
    """An ONNX file, checked.

    Raises:
        EngineError: it is missing, damaged or breaks the ONNX rules.
    """
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except FileNotFoundError:
        raise EngineError(f"There is no model file {path}.") from None
    except Exception as error:  # protobuf and the checker raise unrelated types
        raise EngineError(f"{path.name} cannot be read as an ONNX model: {first_line(error)}") from error
    return model


def parse_model(data: bytes) -> onnx.ModelProto:
    """A model from bytes that were made here."""
    return onnx.load_from_string(data)


def metadata_of(model: onnx.ModelProto) -> dict[str, str]:
    """The metadata properties."""
    return {entry.key: entry.value for entry in model.metadata_props}


def set_metadata(model: onnx.ModelProto, entries: Mapping[str, str]) -> None:
    """Add or replace metadata properties."""
    merged = {**metadata_of(model), **entries}
    del model.metadata_props[:]
    helper.set_model_props(model, merged)


def store_half(model: onnx.ModelProto, smallest: int = 256) -> None:
    """Store the weights in half precision, each behind a Cast, in place: half the file, the same fp32 graph.

    ONNX Runtime and TensorRT fold the casts away while loading.

    Args:
        smallest: tensors with fewer elements keep their precision.
    """
    casts = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < smallest or np.abs(values).max() > HALF_MAX:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], name=f"{name}.cast", to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def restore_single(model: onnx.ModelProto) -> None:
    """Undo ``store_half``: fold every Cast of a weight stored in half precision into a weight of its own, in place.

    A stored weight that is read elsewhere, too, which happens in other people's graphs, stays beside it.
    """
    graph = model.graph
    outside = {value.name for value in [*graph.input, *graph.output]}  # what others name is not ours to fold
    stored = {tensor.name for tensor in graph.initializer if tensor.data_type == TensorProto.FLOAT16} - outside
    folded: dict[str, list[str]] = {}  # stored weight -> what casts make of it
    kept = []
    for node in graph.node:
        to_single = node.op_type == "Cast" and any(a.name == "to" and a.i == TensorProto.FLOAT for a in node.attribute)
        if to_single and node.input[0] in stored and node.output[0] not in outside:
            folded.setdefault(node.input[0], []).append(node.output[0])
        else:
            kept.append(node)
    read = set(_read_by(kept))
    weights = []
    for tensor in graph.initializer:
        for name in folded.get(tensor.name, ()):
            weights.append(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), name))
        if tensor.name not in folded or tensor.name in read:
            weights.append(tensor)
    del graph.node[:]
    graph.node.extend(kept)
    del graph.initializer[:]
    graph.initializer.extend(weights)


def _read_by(nodes: Iterable[NodeProto]) -> Iterator[str]:
    """Names of all tensors that nodes read, in their branches and loops as well."""
    for node in nodes:
        yield from node.input
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                yield from _read_by(graph.node)
                yield from (value.name for value in graph.output)
