"""Small real ONNX networks with the inputs and outputs of published pose models, that find a bright spot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = [helper.make_opsetid("", 17)]


def _save(path: Path, nodes: list, inputs: list, outputs: list, constants: dict[str, np.ndarray]) -> Path:
    graph = helper.make_graph(
        nodes, path.stem, inputs, outputs, [numpy_helper.from_array(value, name) for name, value in constants.items()]
    )
    model = helper.make_model(graph, opset_imports=OPSET, ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def _info(name: str, *shape: int | str, kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def simcc_model(path: Path, joints: int = 17, size: tuple[int, int] = (192, 256), batch: int | str = "batch") -> Path:
    """As RTMPose: ``input`` (N, 3, H, W) to ``simcc_x`` and ``simcc_y``, two bins a pixel; every joint at the brightest
    place."""
    width, height = size
    nodes = []
    for axis, (name, length, across) in enumerate((("simcc_x", width, 2), ("simcc_y", height, 3))):
        nodes += [
            helper.make_node("ReduceMax", ["input"], [f"{name}_line"], axes=[1, across], keepdims=0),  # (N, length)
            helper.make_node("Unsqueeze", [f"{name}_line", "inner"], [f"{name}_wide"]),  # (N, 1, length, 1)
            helper.make_node("Expand", [f"{name}_wide", f"{name}_both"], [f"{name}_bins"]),  # (N, joints, length, 2)
            helper.make_node("Reshape", [f"{name}_bins", f"{name}_shape"], [name]),
        ]
        assert length == size[axis]
    constants = {"inner": np.array([1, 3])}
    for name, length in (("simcc_x", width), ("simcc_y", height)):
        constants[f"{name}_both"] = np.array([1, joints, length, 2])
        constants[f"{name}_shape"] = np.array([0, 0, 2 * length])
    outputs = [_info("simcc_x", batch, joints, 2 * width), _info("simcc_y", batch, joints, 2 * height)]
    return _save(path, nodes, [_info("input", batch, 3, height, width)], outputs, constants)


def detector_model(path: Path, size: int = 320, threshold: float = 0.9, label: int = 0) -> Path:
    """As RTMDet with its post-processing inside: ``dets`` (1, 2, 5), ``labels`` (1, 2). The first box, of score 0.9, is
    drawn around every pixel above ``threshold``; the second, of score 0.1, is noise."""
    column = np.arange(size, dtype=np.float32)
    nodes = [
        helper.make_node("ReduceMax", ["input"], ["grey"], axes=[1], keepdims=0),  # (1, H, W)
        helper.make_node("Greater", ["grey", "threshold"], ["bright"]),
        helper.make_node("Cast", ["bright"], ["mask"], to=TensorProto.FLOAT),
    ]
    for name, axis in (("x", 1), ("y", 2)):
        nodes += [
            helper.make_node("ReduceMax", ["mask"], [f"{name}_any"], axes=[axis], keepdims=0),  # (1, size)
            helper.make_node("Mul", [f"{name}_any", "place"], [f"{name}_places"]),
            helper.make_node("ReduceMax", [f"{name}_places"], [f"{name}_last"], axes=[1], keepdims=1),
            helper.make_node("Mul", [f"{name}_any", "backwards"], [f"{name}_reversed"]),
            helper.make_node("ReduceMax", [f"{name}_reversed"], [f"{name}_from_end"], axes=[1], keepdims=1),
            helper.make_node("Sub", ["end", f"{name}_from_end"], [f"{name}_first"]),
        ]
    nodes += [
        helper.make_node("Concat", ["x_first", "y_first", "x_last", "y_last", "score"], ["row"], axis=1),  # (1, 5)
        helper.make_node("Unsqueeze", ["row", "one"], ["rows"]),
        helper.make_node("Concat", ["rows", "noise"], ["dets"], axis=1),
        helper.make_node("Identity", ["label"], ["labels"]),
    ]
    constants = {
        "threshold": np.array(threshold, np.float32), "place": column + 1, "backwards": size - column,
        "end": np.array([[size]], np.float32), "score": np.array([[0.9]], np.float32), "one": np.array([1]),
        "noise": np.array([[[5, 5, 50, 50, 0.1]]], np.float32), "label": np.array([[label, label]]),
    }  # fmt: skip
    outputs = [_info("dets", 1, 2, 5), _info("labels", 1, 2, kind=TensorProto.INT64)]
    return _save(path, nodes, [_info("input", 1, 3, size, size)], outputs, constants)


def one_stage_model(path: Path, people: np.ndarray, size: int = 640) -> Path:
    """As RTMO: ``dets`` (1, N, 5) and ``keypoints`` (1, N, 17, 3), here always those of ``people`` (N, 5 + 51), moved
    by the mean of the picture's pixels so that the input matters."""
    count = len(people)
    nodes = [
        helper.make_node("ReduceMean", ["input"], ["mean"], axes=[0, 1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "weight"], ["shift"]),
        helper.make_node("Add", ["boxes", "shift"], ["dets"]),
        helper.make_node("Identity", ["points"], ["keypoints"]),
    ]
    weight = np.zeros((1, count, 5), np.float32)
    weight[..., 4] = 1e-3
    constants = {
        "weight": weight, "boxes": people[None, :, :5].astype(np.float32),
        "points": people[None, :, 5:].reshape(1, count, 17, 3).astype(np.float32),
    }  # fmt: skip
    outputs = [_info("dets", 1, count, 5), _info("keypoints", 1, count, 17, 3)]
    return _save(path, nodes, [_info("input", 1, 3, size, size)], outputs, constants)
