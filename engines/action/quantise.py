"""What accuracy int8 costs an action model, measured on labelled windows; it is not offered without."""

from __future__ import annotations

import json
import logging
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from core.errors import EngineError
from engines.action.decision import ActionModel
from engines.action.window_set import WindowSet
from engines.files import digest, write_whole
from engines.int8 import to_int8
from engines.onnx_file import read_model
from engines.precision import INT8_GATE, int8_record

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loss:
    """What quantisation costs on labelled windows.

    Attributes:
        model: digest of the temporal graph it was measured with.
        windows: how many there were.
        fp32_top1, int8_top1: part of them whose best class was right.
        agreement: part of them with the same best class in both.
    """

    model: str
    windows: int
    fp32_top1: float
    int8_top1: float
    agreement: float

    @property
    def points(self) -> float:
        """Percentage points of top-1 that are lost; negative when int8 happens to be better."""
        return 100 * (self.fp32_top1 - self.int8_top1)


def quantise(spatial: Path, temporal: Path, windows: WindowSet) -> tuple[Path, Loss]:
    """Measure the loss and write it beside the temporal graph, as ``NAME-temporal.int8.json``.

    The spatial graph stays as it is: its matrices are so small that converting activations costs more than it saves.

    Args:
        spatial, temporal: the shipped graphs.
        windows: labelled windows that the model was not trained on.

    Raises:
        EngineError: the windows have no labels or another pre-processing, or the loss is over the gate; then nothing is
            written, and a record of an earlier time is left alone.
    """
    if windows.right is None:
        raise EngineError("These windows have no labels: a loss of accuracy cannot be measured on them.")
    data = to_int8(read_model(temporal)).SerializeToString()
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / temporal.name
        trial.write_bytes(data)
        with ActionModel(spatial, temporal, "onnx-cpu", "fp32") as full:
            if full.temporal.metadata.get("preprocess_version") != windows.preprocess_version:
                raise EngineError("The windows were made by another pre-processing than the model's.")
            before = _logits(full, windows)
        with ActionModel(spatial, trial, "onnx-cpu", "fp32") as small:
            after = _logits(small, windows)
    same = float((before.argmax(1) == after.argmax(1)).mean())
    loss = Loss(digest(temporal.read_bytes()), len(windows), windows.top1(before), windows.top1(after), same)
    log.info("int8 loses %.2f points of top-1 on %d windows", loss.points, loss.windows)
    if not loss.points <= INT8_GATE:
        raise EngineError(
            f"In int8 {temporal.name} loses {loss.points:.2f} points of accuracy, more than the {INT8_GATE} allowed."
        )
    target = int8_record(temporal)
    record = {**asdict(loss), "loss_points": round(loss.points, 3)}
    write_whole(target, (json.dumps(record, indent=2) + "\n").encode())
    return target, loss


def _logits(model: ActionModel, windows: WindowSet) -> np.ndarray:
    """One window at a time, as the live pipeline mostly does: the scale of activations is found for each run."""
    return np.concatenate([model.logits(windows.features[i : i + 1]) for i in range(len(windows))])
