"""From people's boxes to poses, for every network that looks at one person at a time."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.similarity import suppress_duplicates, without_undefined
from core.types import Frame, Pose
from pipeline.pose.base import PoseEstimator
from pipeline.pose.openmmlab.detector import Boxes, PersonDetector
from pipeline.pose.picture import as_bgr

DETECT_EVERY_S = 0.25
"""Seconds between two looks at the whole frame; in between each person's box follows the keypoints."""

PERSON_SCORE = 0.2
"""A box whose keypoints have a lower mean score holds nobody."""

SURE = 0.3
"""Keypoints above this score say where the body is."""

MARGIN = 0.1
"""A body reaches this part of its keypoints' extent beyond them: head, hands and feet end after the last keypoint."""

DUPLICATE_OKS = 0.7
"""Boxes that slide onto one body give poses more similar than this."""


class KeypointNetwork(Protocol):
    """Finds one person's 17 COCO keypoints in each box."""

    def keypoints_in(self, image: NDArray[np.uint8], boxes: Boxes) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Keypoints (N, 17, 2) in image pixels and their scores (N, 17), for N >= 1 boxes, in one batch."""
        ...

    def close(self) -> None:
        """Release the network."""
        ...


class TopDown(PoseEstimator):
    """A person detector and a keypoint network, as one pose estimator."""

    def __init__(
        self,
        network: KeypointNetwork,
        detector: PersonDetector,
        *,
        detect_every_s: float = DETECT_EVERY_S,
        person_score: float = PERSON_SCORE,
    ) -> None:
        """Both are closed with this estimator.

        Args:
            network: finds the keypoints.
            detector: finds the boxes.
            detect_every_s: seconds between two runs of the detector; 0 runs it on every frame.
            person_score: poses whose keypoints have a lower mean score are left out.
        """
        self._network = network
        self._detector = detector
        self._every_s = detect_every_s
        self._person_score = person_score
        self._detected_s: float | None = None
        self._last: tuple[Pose, ...] = ()

    def estimate(self, frame: Frame) -> tuple[Pose, ...]:
        """Everybody in the frame, in image pixels, surest first."""
        image = as_bgr(frame.image)
        elapsed = None if self._detected_s is None else frame.time_s - self._detected_s
        if not self._last or elapsed is None or not 0 <= elapsed < self._every_s:
            boxes = self._detector.detect(image)
            self._detected_s = frame.time_s
        else:
            boxes = np.stack([pose.box for pose in self._last])
        self._last = self.estimate_in(image, boxes)
        return self._last

    def estimate_in(self, image: NDArray[np.uint8], boxes: Boxes) -> tuple[Pose, ...]:
        """The people in given boxes.

        Args:
            image: (H, W, 3) uint8 BGR.
            boxes: (N, 4) x1, y1, x2, y2 in image pixels; N may be 0.

        Returns:
            A pose for each box that holds somebody, surest first.
        """
        boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
        if not len(boxes):
            return ()
        keypoints, scores = self._network.keypoints_in(image, boxes)
        poses = [make_pose(*person) for person in zip(keypoints, scores, boxes, strict=True)]
        surest = [pose for pose in poses if pose.score >= self._person_score]
        return tuple(suppress_duplicates(surest, DUPLICATE_OKS))

    def close(self) -> None:
        """Release both networks."""
        self._network.close()
        self._detector.close()


def make_pose(keypoints: NDArray[np.float32], scores: NDArray[np.float32], box: NDArray[np.float32]) -> Pose:
    """A pose whose box is drawn around its sure keypoints; around too few of them ``box`` stays as it is.

    Args:
        keypoints: (17, 2) in image pixels.
        scores: (17,) as the network gives them; brought into [0, 1].
        box: (4,) in which the person was looked for.
    """
    keypoints, scores = without_undefined(keypoints, scores)
    sure = keypoints[scores >= SURE]
    if len(sure) >= 4:
        low, high = sure.min(axis=0), sure.max(axis=0)
        margin = MARGIN * max((high - low).max(), 1.0)
        box = np.concatenate([low - margin, high + margin])
    return Pose(keypoints, scores, box.astype(np.float32), float(scores.mean()))
