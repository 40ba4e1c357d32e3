"""Half precision, made from the shipped single-precision file without torch."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from engines import EngineError, load
from engines.half import to_half
from engines.onnx_file import read_model, restore_single, store_half
from models import model_path


def test_half_precision_computes_within_its_gate(exported, random_window):
    """ONNX Runtime's CPU kernels compute in fp32 between fp16 roundings; the reference evaluator is fp16 throughout."""
    window = random_window(2, 32, seed=3)
    half = ReferenceEvaluator(to_half(read_model(exported.temporal)))
    logits, embedding = half.run(["logits", "embedding"], window)
    with load(exported.temporal, "onnx-cpu") as network:
        wanted = network.run(window)
    assert logits.dtype == np.float32
    difference = np.abs(logits - wanted["logits"]).max()
    assert 1e-6 < difference < 2e-2
    np.testing.assert_allclose(embedding, wanted["embedding"], atol=2e-2)


def test_features_at_the_clipping_limits_stay_finite_and_close(exported):
    rng = np.random.default_rng(0)
    features = np.ones((8, 17, 5), np.float32)
    features[..., :2] = rng.choice([-2.0, 0.0, 2.0], (8, 17, 2))
    features[..., 2:4] = rng.choice([-10.0, 0.0, 10.0], (8, 17, 2))
    with load(exported.spatial, "onnx-cpu") as network:
        wanted = network.run({"features": features})["tokens"]
    half = ReferenceEvaluator(to_half(read_model(exported.spatial)))
    (tokens,) = half.run(["tokens"], {"features": features})
    assert np.isfinite(tokens).all()
    assert np.abs(tokens - wanted).mean() < 5e-3


@pytest.mark.parametrize("name", ["spatial", "temporal"])
def test_matrix_products_are_half_and_sums_single(exported, name):
    half = to_half(read_model(getattr(exported, name)))
    typed = onnx.shape_inference.infer_shapes(half, strict_mode=True)
    values = [*typed.graph.value_info, *typed.graph.input, *typed.graph.output]
    kinds = {value.name: value.type.tensor_type.elem_type for value in values}
    kinds |= {t.name: t.data_type for t in typed.graph.initializer}
    products = [n for n in half.graph.node if n.op_type in ("MatMul", "Gemm")]
    assert len(products) > 30
    assert {kinds[i] for n in products for i in n.input} == {TensorProto.FLOAT16}
    sums = [n for n in half.graph.node if n.op_type in ("LayerNormalization", "Softmax", "ReduceSum")]
    assert {kinds[n.input[0]] for n in sums} <= {TensorProto.FLOAT, TensorProto.INT64}
    assert {kinds[v.name] for v in half.graph.output} == {TensorProto.FLOAT}


@pytest.mark.parametrize("name", ["movenet-lightning", "movenet-multipose"])
def test_pose_networks_decode_coordinates_in_single_precision(name):
    half = to_half(read_model(model_path(f"{name}.onnx")))
    onnx.checker.check_model(half, full_check=True)
    last_heavy = max(i for i, node in enumerate(half.graph.node) if node.op_type == "Conv")
    after = [n for n in half.graph.node[last_heavy + 1 :] if n.op_type == "Cast"]
    assert not any(n.attribute[0].i == TensorProto.FLOAT16 for n in after)
    kernels = {node.input[1] for node in half.graph.node if node.op_type == "Conv"}
    assert {t.data_type for t in half.graph.initializer if t.name in kernels} == {TensorProto.FLOAT16}


def test_loaded_in_half_precision_on_the_cpu_without_a_crash(exported, random_window):
    with load(exported.temporal, "onnx-cpu", "fp16") as half, load(exported.temporal, "onnx-cpu") as single:
        assert half.precision == "fp16"
        window = random_window(3)
        np.testing.assert_allclose(half.run(window)["logits"], single.run(window)["logits"], atol=2e-2)


def test_half_storage_is_undone_exactly():
    weights = np.random.default_rng(0).standard_normal((32, 32)).astype(np.float16).astype(np.float32)
    large = np.full(300, 1e6, np.float32)  # does not fit into half precision
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 32])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 32])],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(large, "big")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    store_half(model)
    onnx.checker.check_model(model, full_check=True)
    assert {t.name: t.data_type for t in model.graph.initializer} == {
        "w.half": TensorProto.FLOAT16,
        "big": TensorProto.FLOAT,
    }
    restore_single(model)
    assert not any(node.op_type == "Cast" for node in model.graph.node)
    np.testing.assert_array_equal(numpy_helper.to_array(model.graph.initializer[0]), weights)


def test_a_graph_with_branches_is_refused():
    c, x, y, z = (
        helper.make_tensor_value_info(name, kind, [1])
        for name, kind in zip("cxyz", (TensorProto.BOOL, *[TensorProto.FLOAT] * 3), strict=True)
    )
    branch = helper.make_graph([helper.make_node("Identity", ["x"], ["z"])], "b", [], [z])
    graph = helper.make_graph(
        [helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)],
        "g",
        [c, x],
        [y],
    )
    with pytest.raises(EngineError, match="branches or loops"):
        to_half(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]))


def linear_graph(nodes: list, weights: dict[str, np.ndarray]) -> onnx.ModelProto:
    """``x`` (N, 4) to ``y`` (N, 4), checked."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 4]) for name in "xy")
    stored = [numpy_helper.from_array(values, name) for name, values in weights.items()]
    graph = helper.make_graph(nodes, "g", [x], [y], stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def cast(source: str, target: str) -> onnx.NodeProto:
    return helper.make_node("Cast", [source], [target], to=TensorProto.FLOAT)


HALF_WEIGHT = np.arange(16, dtype=np.float16).reshape(4, 4) / 16
FOREIGN = {
    "a weight with two casts": (
        [cast("w", "a"), cast("w", "b"), helper.make_node("MatMul", ["x", "a"], ["xa"]),
         helper.make_node("MatMul", ["xa", "b"], ["y"])],
        {"w": HALF_WEIGHT},
    ),
    "a weight that is read as it is, too": (
        [cast("w", "a"), helper.make_node("MatMul", ["x", "a"], ["xa"]), helper.make_node("ReduceMax", ["w"], ["m"]),
         cast("m", "most"), helper.make_node("Div", ["xa", "most"], ["y"])],
        {"w": HALF_WEIGHT},
    ),
    "an integer that is a factor and a side": (
        [cast("k", "factor"), helper.make_node("MatMul", ["x", "w"], ["xw"]),
         helper.make_node("Div", ["xw", "factor"], ["z"]), helper.make_node("Concat", ["any", "k"], ["shape"], axis=0),
         helper.make_node("Reshape", ["z", "shape"], ["y"])],
        {"k": np.array([4]), "any": np.array([-1]), "w": HALF_WEIGHT.astype(np.float32)},
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", FOREIGN)
def test_graphs_of_others_keep_their_meaning(what):
    model = linear_graph(*FOREIGN[what])
    x = np.linspace(-1, 1, 8, dtype=np.float32).reshape(2, 4)
    (wanted,) = ReferenceEvaluator(model).run(None, {"x": x})
    np.testing.assert_allclose(ReferenceEvaluator(to_half(model)).run(None, {"x": x})[0], wanted, atol=5e-3)
    restore_single(model)
    onnx.checker.check_model(model, full_check=True)
    np.testing.assert_array_equal(ReferenceEvaluator(model).run(None, {"x": x})[0], wanted)


def test_a_weight_too_large_for_half_precision_keeps_its_product_single():
    weight = np.full((4, 4), 1e5, np.float32)
    model = linear_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], {"w": weight})
    x = np.array([[1, 0, 0, 0], [0.5, 0.25, 0, 0]], np.float32)
    np.testing.assert_allclose(ReferenceEvaluator(to_half(model)).run(None, {"x": x})[0], x @ weight, rtol=1e-3)


def test_what_the_checker_refuses_is_one_sentence(monkeypatch):
    model = linear_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], {"w": np.eye(4, dtype=np.float32)})

    def refuse(model: onnx.ModelProto, full_check: bool) -> None:
        raise onnx.checker.ValidationError("no opset\nand more")

    monkeypatch.setattr(onnx.checker, "check_model", refuse)
    with pytest.raises(EngineError, match=r"cannot be turned into half precision: no opset$"):
        to_half(model)
