"""What a model file says about itself, and whether that agrees with the program that loads it.

The action model's graphs carry these ONNX metadata properties, all strings:

- ``skeleprompt``: version of this list, ``FORMAT_VERSION``;
- ``graph``: ``spatial`` or ``temporal``;
- ``labels``: JSON list of class names, in the order of the logits;
- ``rate_hz``: frames a second of the windows;
- ``frames``: length of the windows it was trained on;
- ``preprocess_version``: version of the function that makes the features;
- ``parents``: JSON list, parent of each joint (the root is its own parent);
- ``model_id``: the same in both graphs of one model and in no other model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from core.errors import EngineError

FORMAT_VERSION = "1"
REQUIRED = ("skeleprompt", "graph", "labels", "rate_hz", "frames", "preprocess_version", "parents", "model_id")


def check_metadata(
    metadata: Mapping[str, str], *, name: str, rate_hz: float, preprocess_version: str, graph: str
) -> None:
    """Refuse a model that was made for another pre-processing, rate or role, instead of giving wrong labels.

    Args:
        metadata: ``Network.metadata``.
        name: what to call the file in the message.
        rate_hz, preprocess_version: the pipeline's.
        graph: ``spatial`` or ``temporal``, whichever is wanted here.

    Raises:
        EngineError: a property is missing or differs; the message says which, the file's value and the expected one.
    """
    missing = [key for key in REQUIRED if key not in metadata]
    if missing:
        raise EngineError(f"{name} is no action model of this project: its metadata lacks {', '.join(missing)}.")
    expected = {"skeleprompt": FORMAT_VERSION, "graph": graph, "preprocess_version": preprocess_version}
    for key, value in expected.items():
        if metadata[key] != value:
            raise EngineError(
                f"{name} has {key} {metadata[key]!r}, this program needs {value!r}: export the model again."
            )
    try:
        rate = float(metadata["rate_hz"])
    except ValueError:
        raise EngineError(f"{name} has rate_hz {metadata['rate_hz']!r}, which is not a number.") from None
    if abs(rate - rate_hz) > 1e-6:
        raise EngineError(f"{name} was trained at {rate:g} Hz, the pipeline gives {rate_hz:g} Hz.")
    labels(metadata, name)


def check_pair(spatial: Mapping[str, str], temporal: Mapping[str, str]) -> None:
    """Refuse a spatial and a temporal graph that were not exported from the same weights.

    Raises:
        EngineError: they belong to two models.
    """
    if spatial.get("model_id") != temporal.get("model_id"):
        raise EngineError("The spatial and the temporal graph come from two different models: export both together.")


def check_length(metadata: Mapping[str, str], frames: int) -> None:
    """Refuse a window longer than the temporal graph has positions for; it would be run with wrong ones.

    Raises:
        EngineError: the window is longer than ``frames`` in the metadata.
    """
    longest = int(metadata["frames"])
    if frames > longest:
        raise EngineError(f"A window has {frames} frames, this model takes at most {longest}.")


def labels(metadata: Mapping[str, str], name: str = "The model") -> tuple[str, ...]:
    """The class names, in the order of the logits.

    Raises:
        EngineError: there are none, or they are no JSON list of strings.
    """
    try:
        names = json.loads(metadata.get("labels", ""))
    except json.JSONDecodeError:
        names = None
    if not isinstance(names, list) or not names or not all(isinstance(label, str) for label in names):
        raise EngineError(f"{name} does not name its classes: the metadata 'labels' is no JSON list of names.")
    return tuple(names)
