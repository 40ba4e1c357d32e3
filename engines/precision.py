"""The variants of one shipped model: single precision as stored, half precision made from it, int8 from beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from engines.errors import EngineError

PRECISIONS = ("fp32", "fp16", "int8")

HALF_VERSION = 1
"""Of the rules in ``engines.half``; engines built by older rules are built again."""

INT8_GATE = 0.5
"""Percentage points of top-1 accuracy that an int8 model may lose and still be offered."""

INT8_LOSS = "int8_loss_points"
"""Metadata property with the measured loss, in percentage points on labelled windows."""


def variant(path: Path, precision: str) -> Path | bytes:
    """The model in this precision: a file, or the bytes of a graph made here.

    Raises:
        EngineError: there is no int8 file beside the model, or the graph cannot be turned into half precision.
    """
    if precision == "int8":
        quantised = int8_path(path)
        if not quantised.is_file():
            raise EngineError(f"There is no int8 variant of {path.name}: {quantised.name} is missing.")
        return quantised
    if precision == "fp16":
        from engines.half import to_half
        from engines.onnx_file import metadata_of, read_model

        model = read_model(path)
        if metadata_of(model).get("precision") == "fp16":
            return path
        return to_half(model).SerializeToString()
    return path


def int8_path(path: Path) -> Path:
    """Where the int8 variant of a model lies: ``NAME.int8.onnx`` beside ``NAME.onnx``."""
    return path.with_suffix(".int8.onnx")


def check_int8(metadata: Mapping[str, str], name: str) -> None:
    """Refuse an int8 model whose loss was not measured or is too large.

    Raises:
        EngineError: there is no figure in the metadata, or it is over the gate.
    """
    try:
        loss = float(metadata[INT8_LOSS])
    except (KeyError, ValueError):
        raise EngineError(f"{name} does not say what accuracy it loses, so it is not used.") from None
    if not loss <= INT8_GATE:
        raise EngineError(f"{name} loses {loss:.1f} points of accuracy, more than the {INT8_GATE} allowed.")
