"""Shipped weights; each file has a model card of the same name beside it."""

from pathlib import Path

_FOLDER = Path(__file__).resolve().parent


def model_path(name: str) -> Path:
    """Path of a shipped file, for example ``movenet-multipose.onnx``; it need not exist."""
    return _FOLDER / name
