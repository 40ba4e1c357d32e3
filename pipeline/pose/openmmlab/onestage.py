"""RTMO: boxes and keypoints of everybody in one pass over the whole picture.

Source: Lu et al., "RTMO: Towards High-Performance One-Stage Real-Time Multi-Person Pose Estimation", CVPR 2024.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.similarity import suppress_boxes, without_undefined
from core.types import Frame, Pose
from engines.network import Network
from engines.pose_card import PoseCard
from pipeline.pose.base import PoseEstimator
from pipeline.pose.openmmlab.affine import crop, crop_matrix, to_image
from pipeline.pose.openmmlab.batch import normalise, run_batched
from pipeline.pose.openmmlab.reduce import coco_indices
from pipeline.pose.picture import as_bgr

PAD = (114, 114, 114)
"""Grey around a picture of another shape, as in training."""


class OneStage(PoseEstimator):
    """A one-stage network as a pose estimator."""

    def __init__(self, network: Network, card: PoseCard, name: str) -> None:
        """Take a loaded network.

        Args:
            network: closed with this object.
            card: how it is fed and read.
            name: what to call it in messages.

        Raises:
            PoseError: the network does not find all of COCO's 17 keypoints.
        """
        self._network = network
        self._card = card
        self._joints = coco_indices(card.keypoints, name)

    def estimate(self, frame: Frame) -> tuple[Pose, ...]:
        """Everybody in the frame, in image pixels, surest first."""
        card = self._card
        image = as_bgr(frame.image)
        center, scale = fit(image.shape[1], image.shape[0], card.size)
        picture = crop(image, crop_matrix(center, scale, card.size, udp=False), card.size, PAD)
        outputs = run_batched(self._network, normalise([picture], card))
        dets, people = outputs["dets"][0], outputs["keypoints"][0][:, self._joints]  # (N, 5), (N, 17, 3)
        likely = (dets[:, 4] >= card.score_threshold) & np.isfinite(dets).all(axis=1)
        dets, people = dets[likely], people[likely]
        kept = suppress_boxes(dets[:, :4], dets[:, 4], card.nms_iou)
        dets, people = dets[kept], people[kept]
        corners = np.clip(dets[:, :4].reshape(-1, 2, 2), 0, np.array(card.size, np.float32))
        boxes = to_image(corners, center[None], scale[None], card.size).reshape(-1, 4)
        keypoints = to_image(people[..., :2], center[None], scale[None], card.size)
        return tuple(
            Pose(*without_undefined(places, scores), box, score)
            for places, scores, box, score in zip(keypoints, people[..., 2], boxes, dets[:, 4].tolist(), strict=True)
        )

    def close(self) -> None:
        """Release the network."""
        self._network.close()


def fit(width: int, height: int, size: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Centre and sides, in image pixels, of the crop of the shape ``size`` that just holds the whole picture."""
    factor = min(size[0] / width, size[1] / height)
    scale = np.array(size, np.float64) / factor
    return np.array([width / 2, height / 2], np.float32), scale.astype(np.float32)
