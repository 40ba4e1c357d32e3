"""Other forms of the temporal graph than the shipped one: how fast they are on a CPU core, how far their logits move.

    python -m benchmarks.engine_variants --data ../shared/data

Measured in turns and in processor time, so others on the machine disturb little. `--data` adds int8 with scales found
beforehand, which needs calibration windows from recordings.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from benchmarks.shared.report import exit_code
from benchmarks.windows import labelled_windows
from engines import load
from engines.action.window_set import WindowSet, load_windows
from engines.onnx_file import read_model, restore_single
from engines.onnx_runtime import OnnxNetwork
from models import model_path

ROUNDS = 60


def merged_projections(model: onnx.ModelProto) -> onnx.ModelProto:
    """Query, key and value of each attention in one product, then split."""
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    users = defaultdict(list)
    for node in model.graph.node:
        for name in node.input:
            users[name].append(node)
    groups = defaultdict(list)
    for node in model.graph.node:
        after = users[node.output[0]]
        if node.op_type == "MatMul" and node.input[1] in weights and len(after) == 1 and after[0].op_type == "Add":
            bias = next((name for name in after[0].input if name in weights), None)
            if bias is not None:
                groups[node.input[0]].append((node, after[0], bias))
    nodes, skipped = [], set()
    for node in model.graph.node:
        group = groups.get(node.input[0], []) if node.op_type == "MatMul" else []
        if len(group) == 3 and node is group[0][0]:
            stem = f"merged.{node.output[0]}"
            model.graph.initializer.extend(
                [
                    numpy_helper.from_array(np.concatenate([weights[n.input[1]] for n, _, _ in group], 1), f"{stem}.w"),
                    numpy_helper.from_array(np.concatenate([weights[bias] for *_, bias in group]), f"{stem}.b"),
                    numpy_helper.from_array(np.array([len(weights[bias]) for *_, bias in group]), f"{stem}.sizes"),
                ]
            )
            outputs = [add.output[0] for _, add, _ in group]
            nodes += [
                helper.make_node("MatMul", [node.input[0], f"{stem}.w"], [f"{stem}.product"]),
                helper.make_node("Add", [f"{stem}.product", f"{stem}.b"], [f"{stem}.sum"]),
                helper.make_node("Split", [f"{stem}.sum", f"{stem}.sizes"], outputs, axis=-1),
            ]
            skipped |= {name for n, add, _ in group for name in (n.output[0], add.output[0])}
        if node.output[0] not in skipped:
            nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return model


def fused(source: Path, target: Path) -> None:
    """ONNX Runtime's own fusions for transformers."""
    from onnxruntime.transformers import optimizer

    logging.getLogger("onnxruntime.transformers").setLevel(logging.ERROR)
    optimizer.optimize_model(
        str(source), model_type="bert", num_heads=8, hidden_size=544, opt_level=0
    ).save_model_to_file(str(target))


def static_int8(source: Path, target: Path, feeds: Iterator[dict[str, NDArray]]) -> None:
    """Scales of activations found beforehand."""
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    class Reader(CalibrationDataReader):
        def get_next(self) -> dict[str, NDArray] | None:
            return next(feeds, None)

    quantize_static(
        source, target, Reader(), op_types_to_quantize=["MatMul", "Gemm"], per_channel=True, reduce_range=True,
        weight_type=QuantType.QInt8, activation_type=QuantType.QUInt8, extra_options={"MatMulConstBOnly": True},
    )  # fmt: skip


def tokens_of(windows: WindowSet) -> NDArray[np.float32]:
    with load(model_path("skeleformer-spatial.onnx"), "onnx-cpu") as network:
        tokens = network.run({"features": windows.features.reshape(-1, 17, 5)})["tokens"]
    return tokens.reshape(*windows.features.shape[:2], -1)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, metavar="DIR")
    args = parser.parse_args(argv)
    return exit_code(lambda: compare(args.data))


def compare(data: Path | None) -> None:
    """Print the table.

    Args:
        data: folder of annotation files for calibration windows; None leaves that form out.

    Raises:
        UserError, EngineError: the recordings or the shipped model cannot be used.
    """
    known = None if data is None else labelled_windows(data, "train", every=25)[0]
    shipped = model_path("skeleformer-temporal.onnx")
    windows = load_windows()
    inputs = {"tokens": tokens_of(windows), "mask": windows.mask}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = read_model(shipped)
        restore_single(model)
        onnx.save(model, folder / "full.onnx")
        onnx.save(merged_projections(model), folder / "merged.onnx")
        fused(folder / "full.onnx", folder / "fused.onnx")
        networks = {
            "as shipped, fp32": OnnxNetwork(shipped, "shipped"),
            "query, key and value in one product": OnnxNetwork(folder / "merged.onnx", "merged"),
            "ONNX Runtime's transformer fusions": OnnxNetwork(folder / "fused.onnx", "fused"),
            "as shipped, int8": load(shipped, "onnx-cpu", "int8"),
        }
        if known is not None:
            tokens = tokens_of(known)
            feeds = ({"tokens": tokens[i : i + 1], "mask": known.mask[i : i + 1]} for i in range(len(known)))
            static_int8(folder / "full.onnx", folder / "static.onnx", feeds)
            networks["int8, scales found beforehand"] = OnnxNetwork(folder / "static.onnx", "static")

        one = {key: value[:1] for key, value in inputs.items()}
        times: dict[str, list[float]] = {name: [] for name in networks}
        for _ in range(ROUNDS):
            for name, network in networks.items():
                began = time.process_time()
                network.run(one)
                times[name].append(1e3 * (time.process_time() - began))
        logits = {}
        for name, network in networks.items():
            parts = [network.run({k: v[i : i + 1] for k, v in inputs.items()}) for i in range(len(windows))]
            logits[name] = np.concatenate([part["logits"] for part in parts])
        reference = logits["as shipped, fp32"]
        print("| form of the temporal graph | CPU ms | max abs diff of a logit |\n|---|---|---|")
        for name in networks:
            print(f"| {name} | {np.median(times[name]):.2f} | {np.abs(logits[name] - reference).max():.1e} |")


if __name__ == "__main__":
    logging.getLogger().setLevel(logging.ERROR)  # the exporters talk a lot
    sys.exit(main())
