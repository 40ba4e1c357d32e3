"""MoveNet multipose: up to six people in one pass over the whole frame.

Source: Google, "MoveNet.MultiPose" model card (2021); input and output layout as published with the model.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.errors import PoseError
from core.similarity import suppress_duplicates, without_undefined
from core.types import Frame, Pose
from models import model_path
from pipeline.pose.base import PoseEstimator
from pipeline.pose.movenet.network import BACKEND, PoseNetwork
from pipeline.pose.picture import STRIDE, View, as_bgr, letterbox, whole

LONG_SIDE = 256
"""Default length of the input's longer side: people who fill the frame are found best at 256 to 320."""

PERSON_SCORE = 0.2
"""People below this score are noise more often than people."""

DUPLICATE_OKS = 0.6
"""Two poses of one picture more similar than this are one body, reported twice."""


def decode_multipose(
    table: NDArray[np.float32], factors: NDArray[np.float32], corner: NDArray[np.float32], person_score: float
) -> list[Pose]:
    """Turn the network's table into poses.

    Args:
        table: (1, 6, 56): 17 x (y, x, score), then ymin, xmin, ymax, xmax, score, normalised to the padded picture.
        factors: (2,) x and y factors from normalised coordinates to image pixels, from :func:`letterbox`.
        corner: (2,) x and y of the upper left corner of what the network saw, in image pixels.
        person_score: people below it are left out.

    Returns:
        Poses in image pixels, surest first.
    """
    poses = []
    for row in table[0]:
        if not (row[55] >= person_score and np.isfinite(row[51:]).all()):
            continue
        joints = row[:51].reshape(17, 3)
        y1, x1, y2, x2 = row[51:55]
        keypoints, scores = without_undefined(joints[:, 1::-1] * factors + corner, joints[:, 2])
        poses.append(
            Pose(
                keypoints=keypoints,
                scores=scores,
                box=(np.array([x1, y1, x2, y2]) * np.tile(factors, 2) + np.tile(corner, 2)).astype(np.float32),
                score=float(row[55]),
            )
        )
    return sorted(poses, key=lambda pose: pose.score, reverse=True)


class MoveNetMultipose(PoseEstimator):
    """Finds up to six people in every frame; keeps no state between frames."""

    def __init__(
        self,
        *,
        long_side: int = LONG_SIDE,
        person_score: float = PERSON_SCORE,
        duplicate_oks: float = DUPLICATE_OKS,
        backend: str = BACKEND,
    ) -> None:
        """Load the shipped network.

        Args:
            long_side: pixels of the input's longer side, a multiple of 32; more finds smaller people and takes longer.
            person_score: people below this score are left out.
            duplicate_oks: of two poses more similar than this only the surer one is kept.
            backend: the engine that runs the network, see :func:`engines.load`.

        Raises:
            PoseError: an option is out of range, or the network cannot be loaded.
        """
        if long_side < STRIDE or long_side % STRIDE:
            raise PoseError(f"The pose input size must be a positive multiple of {STRIDE}, not {long_side}.")
        self.long_side = long_side
        self.person_score = person_score
        self.duplicate_oks = duplicate_oks
        self._network = PoseNetwork(model_path("movenet-multipose.onnx"), backend)

    def estimate(self, frame: Frame) -> tuple[Pose, ...]:
        """Everybody in the frame, in image pixels, surest first."""
        image = as_bgr(frame.image)
        return self.detect(image, whole(image, self.long_side))

    def detect(self, image: NDArray[np.uint8], view: View) -> tuple[Pose, ...]:
        """Everybody in one part of a (H, W, 3) uint8 BGR picture, in pixels of the whole picture, surest first."""
        picture, factors = letterbox(view.cut(image), view.long_side)
        poses = decode_multipose(self._network(picture), factors, view.corner, self.person_score)
        return tuple(suppress_duplicates(poses, self.duplicate_oks))

    def close(self) -> None:
        """Release the network."""
        self._network.close()
