"""Build mmpose models and say what kind they are."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.errors import EngineError, first_line
from engines.openmmlab.checkpoint import load_weights
from engines.openmmlab.config import find_config, published_weights, read_config
from engines.openmmlab.needs import require
from engines.openmmlab.standins import standing_in

KINDS = {"TopdownPoseEstimator": "top-down", "BottomupPoseEstimator": "one-stage"}
"""mmpose's estimator class -> how it looks at a picture: one person's box at a time, or the whole picture at once."""


def import_mmpose() -> None:
    """Import the parts of mmpose that running a model takes; a few seconds the first time.

    Raises:
        EngineError: mmpose, or something that it needs, is not installed or cannot be imported.
    """
    require()
    # Each forward pass of some backbones would remind the user of a newer name in torch.
    warnings.filterwarnings("ignore", category=FutureWarning, module=r"mmpose\.")
    with standing_in(), quietly():
        try:
            import mmpose.apis
            import mmpose.codecs
            import mmpose.datasets
            import mmpose.models  # noqa: F401
        except (ImportError, AssertionError) as error:  # mmpose checks its neighbours' versions with assertions
            raise EngineError(f"The installed mmpose cannot be imported: {first_line(error)}") from error


def build_model(config: Any, device: str = "cpu") -> Any:
    """An mmpose model with untrained weights, in evaluation mode.

    Args:
        config: an ``mmengine.Config``, which is kept unchanged.
        device: where torch puts it, ``cpu`` or ``cuda:0``.

    Raises:
        EngineError: mmpose cannot build it, because the configuration is wrong or needs a package that is not
            installed.
    """
    import_mmpose()
    with standing_in(), quietly():
        from mmpose.apis import init_model

        try:
            return init_model(config.copy(), None, device=device)
        except Exception as error:  # whatever the classes that the configuration names raise
            raise EngineError(f"mmpose cannot build this model: {first_line(error)}") from error


def load_model(name: str, weights: str | Path | None, *, device: str = "cpu", trusted: bool = False) -> Any:
    """An mmpose model with its weights, ready to run.

    Args:
        name: a configuration file, or a name that :func:`engines.openmmlab.config.find_config` knows.
        weights: the checkpoint's file.
        device: where torch puts it.
        trusted: see :func:`engines.openmmlab.checkpoint.read_checkpoint`.

    Raises:
        EngineError: no such configuration, no weights, or they do not belong together.
    """
    path = find_config(name)
    if weights is None:
        where = published_weights(path)
        hint = f"; mmpose publishes them at {where}" if where else ""
        raise EngineError(f"The mmpose model '{name}' needs its weights: name their file with --pose-weights{hint}.")
    model = build_model(read_config(path), device)
    kind_of(model)
    meta = load_weights(model, Path(weights), trusted=trusted)
    if isinstance(meta.get("dataset_meta"), dict) and "keypoint_id2name" in meta["dataset_meta"]:
        model.dataset_meta = meta["dataset_meta"]
    return model


def kind_of(model: Any) -> str:
    """``top-down`` or ``one-stage``.

    Raises:
        EngineError: the model is of another kind, such as one that lifts 2D poses to 3D.
    """
    kind = KINDS.get(type(model).__name__)
    if kind is None:
        raise EngineError(
            f"mmpose's {type(model).__name__} finds no people in a picture; only {', '.join(KINDS)} can be run."
        )
    return kind


def keypoint_names(model: Any) -> tuple[str, ...]:
    """What the model's keypoints are called, in the order of its output."""
    names = model.dataset_meta["keypoint_id2name"]
    ordered = tuple(str(names[index]) for index in sorted(names))
    chosen = output_indices(model)
    return tuple(ordered[index] for index in chosen) if chosen and len(chosen) != len(ordered) else ordered


def output_indices(model: Any) -> tuple[int, ...]:
    """Which of its head's keypoints the model gives, where it was trained on more; empty for all."""
    return tuple((model.test_cfg or {}).get("output_keypoint_indices") or ())


@contextmanager
def quietly() -> Iterator[None]:
    """Keep mmpose's advice to developers (registries, folders of configurations) off a user's screen."""
    from mmengine.logging import MMLogger

    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
