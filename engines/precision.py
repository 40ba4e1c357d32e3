"""The precisions of one shipped model: single as stored; half and int8 made from it when it is loaded."""

from __future__ import annotations

import json
from pathlib import Path

from core.errors import EngineError
from engines.files import digest

PRECISIONS = ("fp32", "fp16", "int8")

HALF_VERSION = 1
"""Of the rules in ``engines.half``; engines built by older rules are built again."""

INT8_GATE = 0.5
"""Percentage points of top-1 accuracy that an int8 model may lose and still be offered."""


def variant(path: Path, precision: str) -> Path | bytes:
    """The model in this precision: a file, or the bytes of a graph made here.

    Raises:
        EngineError: int8 is asked for and its loss was not measured or is too large; the graph cannot be turned into
            the precision; or the package onnx, which does that, is not installed (``BackendUnavailable``).
    """
    if precision == "int8":
        check_int8(path)
        from engines.int8 import to_int8
        from engines.onnx_file import read_model

        return bytes(to_int8(read_model(path)).SerializeToString())
    if precision == "fp16":
        from engines.half import to_half
        from engines.onnx_file import metadata_of, read_model

        model = read_model(path)
        if metadata_of(model).get("precision") == "fp16":
            return path
        return bytes(to_half(model).SerializeToString())
    return path


def int8_record(path: Path) -> Path:
    """Where the measured loss of ``NAME.onnx`` in int8 lies: ``NAME.int8.json`` beside it."""
    return path.with_suffix(".int8.json")


def check_int8(path: Path) -> float:
    """The measured loss of a model in int8, in percentage points of top-1.

    Raises:
        EngineError: there is no record, it is damaged or of another model, or the loss is over the gate.
    """
    record = int8_record(path)
    try:
        entries = json.loads(record.read_text())
        model, loss = str(entries["model"]), float(entries["loss_points"])
    except FileNotFoundError:
        raise EngineError(
            f"What accuracy {path.name} loses in int8 was not measured ({record.name} is missing), so int8 is not used."
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineError(f"{record.name} cannot be read as a record of int8's loss: {error}") from None
    if model != digest(path.read_bytes()):
        raise EngineError(f"{record.name} was measured with another model than {path.name}, so int8 is not used.")
    if not loss <= INT8_GATE:
        raise EngineError(f"{path.name} loses {loss:.1f} points in int8, more than the {INT8_GATE} allowed.")
    return loss
