"""The int8 variant of a temporal graph for CPUs, written only when its measured loss of accuracy is small.

Weights are quantised to 7 bits with one scale an output channel, activations to 8 bits with a scale found at each run
(ONNX Runtime's dynamic quantisation). Seven bits, because processors without VNNI add pairs of products in 16 bits and
would saturate with eight. Scales found beforehand on calibration windows are no faster and move the logits further: a
few large activations decide them (``python -m benchmarks.engine_variants``).
"""

from __future__ import annotations

import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from engines.action import ActionModel
from engines.errors import EngineError
from engines.files import write_whole
from engines.onnx_file import parse_model, read_model, restore_single, set_metadata
from engines.precision import INT8_GATE, INT8_LOSS, int8_path
from engines.windows import WindowSet

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loss:
    """What quantisation costs on labelled windows.

    Attributes:
        windows: how many there were.
        fp32_top1, int8_top1: part of them whose best class was right.
        agreement: part of them with the same best class in both.
    """

    windows: int
    fp32_top1: float
    int8_top1: float
    agreement: float

    @property
    def points(self) -> float:
        """Percentage points of top-1 that are lost; negative when int8 happens to be better."""
        return 100 * (self.fp32_top1 - self.int8_top1)


def quantise(spatial: Path, temporal: Path, windows: WindowSet) -> tuple[Path, Loss]:
    """Write ``NAME-temporal.int8.onnx`` beside the temporal graph, its loss in the metadata.

    The spatial graph is left as it is: its matrices are so small that converting activations costs more than it saves.

    Args:
        spatial, temporal: the shipped graphs.
        windows: labelled windows that the model was not trained on.

    Raises:
        EngineError: the windows have no labels or another pre-processing, or the loss is over the gate; then nothing is
            written, and an int8 file of an earlier time is left alone.
    """
    if windows.right is None:
        raise EngineError("These windows have no labels: a loss of accuracy cannot be measured on them.")
    model = read_model(temporal)
    restore_single(model)
    data = _quantised(model)

    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / temporal.name
        trial.write_bytes(data)
        with ActionModel(spatial, temporal, "onnx-cpu", "fp32") as full:
            if full.temporal.metadata.get("preprocess_version") != windows.preprocess_version:
                raise EngineError("The windows were made by another pre-processing than the model's.")
            before = _logits(full, windows)
        with ActionModel(spatial, trial, "onnx-cpu", "fp32") as small:
            after = _logits(small, windows)
    loss = Loss(
        len(windows), windows.top1(before), windows.top1(after), float((before.argmax(1) == after.argmax(1)).mean())
    )
    log.info("int8 loses %.2f points of top-1 on %d windows", loss.points, loss.windows)
    if not loss.points <= INT8_GATE:
        raise EngineError(
            f"In int8 {temporal.name} loses {loss.points:.2f} points of accuracy, more than the {INT8_GATE} allowed."
        )
    quantised = parse_model(data)
    set_metadata(
        quantised,
        {
            "precision": "int8",
            INT8_LOSS: f"{loss.points:.2f}",
            "int8_windows": str(loss.windows),
            "int8_top1": f"{loss.int8_top1:.4f}",
            "fp32_top1": f"{loss.fp32_top1:.4f}",
            "int8_agreement": f"{loss.agreement:.4f}",
        },
    )
    target = int8_path(temporal)
    write_whole(target, quantised.SerializeToString())
    return target, loss


def _logits(model: ActionModel, windows: WindowSet) -> np.ndarray:
    """One window at a time, as the live pipeline mostly does: the scale of activations is found for each run."""
    return np.concatenate([model.logits(windows.features[i : i + 1]) for i in range(len(windows))])


def _quantised(model: onnx.ModelProto) -> bytes:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # it recommends a preparation that changes nothing for graphs without convolutions
    try:
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder) / "full.onnx", Path(folder) / "int8.onnx"
            onnx.save(model, source)
            quantize_dynamic(
                source,
                target,
                op_types_to_quantize=["MatMul", "Gemm"],
                per_channel=True,
                reduce_range=True,
                weight_type=QuantType.QInt8,
                extra_options={"MatMulConstBOnly": True},
            )
            return target.read_bytes()
    finally:
        root.setLevel(level)
