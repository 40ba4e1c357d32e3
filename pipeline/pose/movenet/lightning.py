"""MoveNet lightning: the keypoints of one person, whose place is roughly known.

Source: Google, "MoveNet.SinglePose" model card (2021); input and output layout as published with the model.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.similarity import without_undefined
from core.types import Pose
from models import model_path
from pipeline.pose.movenet.network import BACKEND, PoseNetwork
from pipeline.pose.movenet.square import Square, box_around, cut

SIZE = 192
"""Pixels of a side of the network's input."""


class MoveNetLightning:
    """Looks at one square of a picture and says where the person in it has the joints.

    The network always answers, also for a picture of a wall; :func:`presence` tells whether somebody is there.
    """

    def __init__(self, backend: str = BACKEND) -> None:
        """Load the shipped network.

        Raises:
            PoseError: it cannot be loaded.
        """
        self._network = PoseNetwork(model_path("movenet-lightning.onnx"), backend)

    def look(self, image: NDArray[np.uint8], square: Square) -> Pose:
        """The pose of the person in ``square`` of a (H, W, 3) uint8 BGR picture, in the picture's pixels.

        The person's score is the mean of the keypoints' scores, which is also what multipose's score comes to.
        """
        table = self._network(cut(image, square, SIZE))[0, 0]  # (17, 3): y, x, score
        places = table[:, 1::-1] * square.side + np.array([square.left, square.top])
        keypoints, scores = without_undefined(places, table[:, 2])
        return Pose(keypoints, scores, box_around(keypoints, scores), float(scores.mean()))

    def close(self) -> None:
        """Release the network."""
        self._network.close()


def presence(pose: Pose) -> float:
    """How sure it is that somebody is there at all, in [0, 1]: the mean of the eight best keypoint scores.

    Half a body is enough: of somebody behind a desk the legs' scores are near zero.
    """
    return float(np.sort(pose.scores)[-8:].mean())
