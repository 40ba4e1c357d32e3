"""Give an ONNX graph an order and names that depend on the graph alone: every conversion then gives the same bytes."""

from __future__ import annotations

import onnx


def make_canonical(model: onnx.ModelProto) -> None:
    """Sort and rename nodes and tensors in place, by a depth-first walk from the outputs.

    The graph's inputs and outputs keep their names. What the computation does not need is left out: node names,
    documentation strings, shapes of inner tensors.
    """
    graph = model.graph
    producers = {name: node for node in graph.node for name in node.output if name}
    weights = {tensor.name: tensor for tensor in graph.initializer}
    outside = {value.name for value in (*graph.input, *graph.output)}
    nodes: list[onnx.NodeProto] = []
    tensors: list[onnx.TensorProto] = []
    done: set[str] = set()
    stack = [(value.name, False) for value in reversed(graph.output)]
    while stack:
        name, inputs_done = stack.pop()
        if name in done:
            continue
        if name in weights:
            tensors.append(weights[name])
        elif name in producers:
            node = producers[name]
            if not inputs_done:
                stack.append((name, True))
                stack.extend((source, False) for source in reversed(node.input) if source)
                continue
            nodes.append(node)
            done.update(node.output)
        done.add(name)

    names: dict[str, str] = {"": ""}
    for name in [output for node in nodes for output in node.output] + [tensor.name for tensor in tensors]:
        if name not in outside:
            names.setdefault(name, f"t{len(names)}")
    for node in nodes:
        node.name = node.doc_string = ""
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for tensor in tensors:
        tensor.name = names[tensor.name]
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(tensors)
    graph.doc_string = ""
