"""Where the people are: boxes for pose networks that look at one person at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import PoseError
from core.similarity import suppress_boxes
from core.types import Frame
from engines.network import Network
from pipeline.pose.movenet.multipose import MoveNetMultipose
from pipeline.pose.openmmlab.published import input_size, load_network
from pipeline.pose.picture import as_bgr

Boxes = NDArray[np.float32]
"""(N, 4) x1, y1, x2, y2 in image pixels."""

PERSON_SCORE = 0.3
"""Boxes of a detector network below this score are left out, as in the published demos."""

NMS_IOU = 0.6


class PersonDetector(Protocol):
    """Finds people's boxes in a picture."""

    def detect(self, image: NDArray[np.uint8]) -> Boxes:
        """Boxes of everybody in a (H, W, 3) uint8 BGR picture, surest first."""
        ...

    def close(self) -> None:
        """Release the network; calling it twice does no harm."""
        ...


def create_detector(spec: str, *, backend: str = "auto", threads: int = 1) -> PersonDetector:
    """Make a person detector.

    Args:
        spec: ``movenet`` for the shipped model, or an ONNX file of RTMDet or YOLOX with its post-processing inside
            (outputs ``dets`` and ``labels``). ``rtmdet:FILE`` and ``yolox:FILE`` say which; otherwise the file's name
            does.
        backend, threads: see :func:`engines.load`.

    Raises:
        PoseError: the spec or its file cannot be used.
    """
    if spec == "movenet":
        return MoveNetDetector()
    kind, _, file = spec.partition(":") if spec.startswith(("rtmdet:", "yolox:")) else ("", "", spec)
    if not file.endswith(".onnx"):
        raise PoseError(
            f"The person detector '{spec}' is not known; choose movenet, rtmdet:FILE.onnx or yolox:FILE.onnx."
        )
    return DetectorNetwork(
        Path(file),
        yolox=(kind == "yolox") or (not kind and "yolox" in Path(file).name.lower()),
        backend=backend,
        threads=threads,
    )


class MoveNetDetector:
    """The boxes of the shipped MoveNet multipose: up to six people."""

    def __init__(self) -> None:
        self._movenet = MoveNetMultipose()

    def detect(self, image: NDArray[np.uint8]) -> Boxes:
        """Boxes of everybody, surest first."""
        poses = self._movenet.estimate(
            Frame(0, 0.0, image)
        )  # it keeps no state, so the number and the time do not matter
        return np.array([pose.box for pose in poses], np.float32).reshape(-1, 4)

    def close(self) -> None:
        """Release the network."""
        self._movenet.close()


class DetectorNetwork:
    """A published RTMDet or YOLOX: a padded square in, ``dets`` (1, N, 5) and ``labels`` (1, N) out, class 0 a
    person."""

    PAD = 114  # grey; both families are trained with it

    def __init__(self, path: Path, *, yolox: bool = False, backend: str = "auto", threads: int = 1) -> None:
        """Load ``path``.

        Args:
            path: the ONNX file.
            yolox: the pixels go in as they are; RTMDet wants them normalised.
            backend, threads: see :func:`engines.load`.

        Raises:
            PoseError: the file cannot be used.
        """
        self._network: Network = load_network(path, backend, threads)
        try:
            outputs = {spec.name for spec in self._network.outputs}
            if "dets" not in outputs:
                given = ", ".join(sorted(outputs))
                raise PoseError(f"{path} gives {given}, but a detector with its post-processing inside gives dets.")
            self._size = input_size(self._network) or (640, 640)
        except BaseException:
            self._network.close()
            raise
        self._mean = np.array([0, 0, 0] if yolox else [103.53, 116.28, 123.675], np.float32)  # BGR
        self._std = np.array([1, 1, 1] if yolox else [57.375, 57.12, 58.395], np.float32)

    def detect(self, image: NDArray[np.uint8]) -> Boxes:
        """Boxes of everybody, surest first."""
        image = as_bgr(image)
        height, width = image.shape[:2]
        factor = min(self._size[0] / width, self._size[1] / height)
        inner_w, inner_h = max(1, int(width * factor + 0.5)), max(1, int(height * factor + 0.5))
        canvas = np.full((self._size[1], self._size[0], 3), self.PAD, np.uint8)
        canvas[:inner_h, :inner_w] = cv2.resize(image, (inner_w, inner_h), interpolation=cv2.INTER_LINEAR)
        picture = ((canvas.astype(np.float32) - self._mean) / self._std).transpose(2, 0, 1)[None]
        outputs = self._network.run({self._network.inputs[0].name: picture})
        found = np.asarray(outputs["dets"], np.float32).reshape(-1, 5)
        people = (found[:, 4] >= PERSON_SCORE) & np.isfinite(found).all(axis=1)
        if "labels" in outputs:
            people &= np.asarray(outputs["labels"]).reshape(-1) == 0
        found = found[people]
        found = found[suppress_boxes(found[:, :4], found[:, 4], NMS_IOU)]
        boxes = found[:, :4] / np.array([inner_w / width, inner_h / height] * 2, np.float32)
        return np.clip(boxes, 0, [width, height, width, height]).astype(np.float32)

    def close(self) -> None:
        """Release the network."""
        self._network.close()
