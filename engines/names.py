"""What a user may call a model on the command line."""

from __future__ import annotations

import os
from pathlib import Path

from core.errors import EngineError


def model_files(name: str) -> list[Path]:
    """The ONNX files that a name stands for.

    Args:
        name: an ONNX file; a shipped graph (``skeleformer-temporal``, ``movenet-lightning``); or an action model,
            shipped (``skeleformer``) or one's own (``runs/mine/skeleformer``), which stands for both of its graphs.

    Raises:
        EngineError: there is no such file; the message lists the shipped graphs.
    """
    from models import model_path

    for stem in (Path(os.path.expanduser(name)), model_path(name)):
        candidates = [
            [stem],
            [stem.with_name(stem.name + ".onnx")],
            [stem.with_name(f"{stem.name}-spatial.onnx"), stem.with_name(f"{stem.name}-temporal.onnx")],
        ]
        for files in candidates:
            if all(os.path.isfile(file) and file.suffix == ".onnx" for file in files):
                return files
    shipped = sorted(file.stem for file in model_path("x").parent.glob("*.onnx") if ".int8" not in file.name)
    raise EngineError(f"There is no model {name!r}: give an ONNX file or one of {', '.join(shipped) or 'none'}.")
