"""Store the weights of an ONNX graph in half precision without changing what it computes."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SMALL = 64
"""Arrays up to this many values stay as they are: a Cast node would cost more bytes than it saves."""


def store_half(model: onnx.ModelProto) -> tuple[int, int]:
    """Replace every float32 weight that float16 holds exactly by its float16 copy and a Cast back, in place.

    The runtime folds the Cast when it loads the graph, so the network computes in float32 with the very same weights.

    Returns:
        How many weights were stored in half precision, and how many could not be (they stay float32).
    """
    graph = model.graph
    kept, casts, exact, inexact = [], [], 0, 0
    for tensor in graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype == np.float32 and array.size > SMALL:
            with np.errstate(over="ignore"):
                half = array.astype(np.float16)
            if np.array_equal(half.astype(np.float32), array):
                kept.append(numpy_helper.from_array(half, f"{tensor.name}/half"))
                casts.append(helper.make_node("Cast", [f"{tensor.name}/half"], [tensor.name], to=TensorProto.FLOAT))
                exact += 1
                continue
            inexact += 1
        kept.append(tensor)
    nodes = casts + list(graph.node)  # the Casts read only initializers, so in front they keep the graph sorted
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes)
    onnx.checker.check_model(model, full_check=True)
    return exact, inexact
