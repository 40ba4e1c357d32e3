"""int8 made from a graph in single precision, while other threads of the process go on."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnx
import onnxruntime.quantization as quantization
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.int8 import to_int8
from engines.onnx_file import metadata_of


@pytest.fixture
def product() -> onnx.ModelProto:
    """One matrix product (N, 64) x (64, 64), with metadata."""
    weights = np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 64])],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    helper.set_model_props(model, {"labels": '["wave"]'})
    return model


def test_warnings_of_other_threads_are_not_lost_meanwhile(product, monkeypatch, caplog):
    quantize = quantization.quantize_dynamic

    def while_a_camera_warns(*args, **kwargs):
        with ThreadPoolExecutor(1) as other:
            other.submit(logging.getLogger("pipeline.sources").warning, "the camera is gone").result()
        quantize(*args, **kwargs)

    monkeypatch.setattr(quantization, "quantize_dynamic", while_a_camera_warns)
    level = logging.getLogger().level
    to_int8(product)
    assert caplog.messages == ["the camera is gone"]  # and no recommendation of ONNX Runtime's
    assert logging.getLogger().level == level


def test_the_metadata_are_the_model_s_own(product):
    quantised = to_int8(product)
    assert metadata_of(quantised) == {"labels": '["wave"]', "precision": "int8"}
    assert metadata_of(product) == {"labels": '["wave"]'}
    assert {node.op_type for node in quantised.graph.node} >= {"MatMulInteger", "DynamicQuantizeLinear"}
