"""The action model as the pipeline uses it: two graphs, class names and a calibration that belong together."""

from __future__ import annotations

import json
import logging
import os
import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import engines
from calibration import Calibration
from core.errors import ModelError
from core.preprocess import PREPROCESS_VERSION, RATE_HZ
from core.skeleton import COCO_KEYPOINTS
from engines import Network
from models import model_path

log = logging.getLogger(__name__)

DEFAULT_MODEL = "skeleformer"
_SUFFIXES = ("-spatial.onnx", "-temporal.onnx", ".safetensors", ".calibration.json")


class ActionModel:
    """Spatial graph, temporal graph and calibration of one SkeleFormer. Several pipelines may share one.

    Args:
        spatial: ``features`` (N, 17, 5) to ``tokens`` (N, d).
        temporal: ``tokens`` (N, T, d) and ``mask`` (N, T) to ``logits`` (N, classes) and ``embedding`` (N, e).
        calibration: from logits to probabilities.
        name: for messages.

    Raises:
        EngineError: the graphs were made for another pre-processing or rate, or do not belong together.
        ModelError: the graphs are for another skeleton.
    """

    def __init__(
        self, spatial: Network, temporal: Network, calibration: Calibration | None = None, name: str = "the model"
    ) -> None:
        for network, graph in ((spatial, "spatial"), (temporal, "temporal")):
            engines.check_metadata(
                network.metadata,
                name=f"{name} ({graph})",
                rate_hz=RATE_HZ,
                preprocess_version=PREPROCESS_VERSION,
                graph=graph,
            )
        engines.check_pair(spatial.metadata, temporal.metadata)
        joints = len(json.loads(spatial.metadata["parents"]))
        if joints != len(COCO_KEYPOINTS):
            raise ModelError(
                f"{name} is for skeletons of {joints} joints, the pose models here give {len(COCO_KEYPOINTS)}."
            )
        self.name = name
        self.labels = engines.labels(temporal.metadata, name)
        self.frames = int(temporal.metadata["frames"])
        self.calibration = calibration or Calibration()
        self._spatial, self._temporal = spatial, temporal
        # A network serves one thread at a time, and pipelines that share the model are in different threads.
        self._spatial_lock, self._temporal_lock = threading.Lock(), threading.Lock()

    @classmethod
    def load(cls, model: str | Path | None = None, backend: str = "auto", precision: str | None = None) -> ActionModel:
        """Load a model by any of its files, their common beginning, or the folder of one named ``skeleformer``.

        Args:
            model: ``FOLDER/NAME`` of ``NAME-spatial.onnx``, ``NAME-temporal.onnx`` and ``NAME.calibration.json``;
                None for the shipped model.
            backend: as for ``engines.load``.
            precision: as for ``engines.load``.

        Raises:
            ModelError: there is no such model.
            EngineError: a graph cannot be loaded, or was made for another pre-processing or rate.
            CalibrationError: the calibration cannot be read.
        """
        stem = find_model(model)
        fit = stem.with_name(stem.name + ".calibration.json")
        if os.path.isfile(fit):
            calibration = Calibration.load(fit)
        else:
            log.warning("%s has no calibration: its probabilities are raw, and nobody is unknown to it", stem.name)
            calibration = Calibration()
        networks: list[Network] = []
        try:
            for file in _graphs(stem):
                networks.append(engines.load(file, backend, precision))
            return cls(networks[0], networks[1], calibration, stem.name)
        except BaseException:
            for network in networks:
                network.close()
            raise

    @property
    def dim(self) -> int | None:
        """Length of a frame's embedding; None where the graph does not say."""
        return self._spatial.outputs[0].shape[-1]

    @property
    def backend(self) -> str:
        """What runs the networks."""
        return self._temporal.backend

    def tokens(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Features (N, 17, 5) of N frames to their embeddings (N, d)."""
        with self._spatial_lock:
            return self._spatial.run({"features": features})["tokens"]

    def logits(
        self, tokens: NDArray[np.float32], mask: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Embeddings (N, T, d) and mask (N, T) of N windows to logits (N, classes) and pooled embeddings (N, e)."""
        with self._temporal_lock:
            out = self._temporal.run({"tokens": tokens, "mask": mask})
        return out["logits"], out["embedding"]

    def close(self) -> None:
        """Release the networks; calling it twice does no harm."""
        for lock, network in ((self._spatial_lock, self._spatial), (self._temporal_lock, self._temporal)):
            with lock:
                network.close()


def find_model(model: str | Path | None) -> Path:
    """The common beginning of a model's files, for what ``ActionModel.load`` takes.

    Raises:
        ModelError: one of the graphs is not there.
    """
    stem = _stem(model)
    for file in _graphs(stem):
        if not os.path.isfile(file):
            raise ModelError(f"There is no action model {stem}: the file {file.name} is missing.")
    return stem


def _graphs(stem: Path) -> list[Path]:
    return [stem.with_name(stem.name + suffix) for suffix in ("-spatial.onnx", "-temporal.onnx")]


def model_files(model: str | Path) -> tuple[Path, ...]:
    """The files that belong to a model, named as for ``ActionModel.load``; some may not exist."""
    stem = _stem(model)
    return tuple(stem.with_name(stem.name + suffix) for suffix in _SUFFIXES)


def _stem(model: str | Path | None) -> Path:
    if model is None:
        return model_path(DEFAULT_MODEL)
    path = Path(os.path.expanduser(model))
    if os.path.isdir(path):  # unlike the method of Path, for any name whatsoever
        return path / DEFAULT_MODEL
    for suffix in _SUFFIXES:
        if path.name.endswith(suffix):
            return path.with_name(path.name.removesuffix(suffix))
    return path
