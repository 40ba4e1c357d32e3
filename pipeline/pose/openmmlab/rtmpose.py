"""RTMPose and its relatives from ONNX files, without mmpose or torch: numpy and OpenCV around an inference engine.

Files exported by ``python -m engines export-pose`` describe themselves; published RTMPose (``simcc_x``, ``simcc_y``)
and RTMO (``dets``, ``keypoints``) files are recognised by their outputs.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.skeleton import MIRROR
from engines.network import Network
from engines.pose_card import PoseCard
from pipeline.pose.base import PoseEstimator
from pipeline.pose.openmmlab.affine import centers_and_scales, crop, crop_matrix, to_image
from pipeline.pose.openmmlab.batch import normalise, run_batched
from pipeline.pose.openmmlab.detector import Boxes, create_detector
from pipeline.pose.openmmlab.heatmap import decode_heatmaps, unflip_heatmaps
from pipeline.pose.openmmlab.onestage import OneStage
from pipeline.pose.openmmlab.published import card_of, load_network
from pipeline.pose.openmmlab.reduce import coco_indices
from pipeline.pose.openmmlab.simcc import decode_simcc, unflip_simcc
from pipeline.pose.openmmlab.topdown import DETECT_EVERY_S, PERSON_SCORE, TopDown


def create_rtmpose(
    path: str | Path,
    *,
    detector: str = "movenet",
    flip_test: bool = False,
    detect_every_s: float = DETECT_EVERY_S,
    person_score: float = PERSON_SCORE,
    backend: str = "auto",
    threads: int = 1,
) -> PoseEstimator:
    """A pose estimator from one ONNX file.

    Args:
        path: the file.
        detector: where boxes come from, see :func:`pipeline.pose.openmmlab.detector.create_detector`; a one-stage
            model needs
            none.
        flip_test: also look at each crop in the mirror and take the mean: surer, and twice the time.
        detect_every_s: seconds between two runs of the detector.
        person_score: poses below it are left out.
        backend, threads: see :func:`engines.load`.

    Raises:
        PoseError: a file cannot be used.
    """
    path = Path(path)
    network = load_network(path, backend, threads)
    try:
        card = card_of(network, path.name)
        if card.kind == "one-stage":
            return OneStage(network, card, path.name)
        crops = CropNetwork(network, card, path.name, flip_test=flip_test)
        return TopDown(
            crops,
            create_detector(detector, backend=backend, threads=threads),
            detect_every_s=detect_every_s,
            person_score=person_score,
        )
    except BaseException:
        network.close()
        raise


class CropNetwork:
    """A network that finds one person's keypoints in a crop, as SimCC distributions or heatmaps."""

    def __init__(self, network: Network, card: PoseCard, name: str, *, flip_test: bool = False) -> None:
        """Take a loaded network.

        Args:
            network: closed with this object.
            card: how it is fed and read.
            name: what to call it in messages.
            flip_test: see :func:`create_rtmpose`.

        Raises:
            PoseError: the network does not find all of COCO's 17 keypoints.
        """
        self._network = network
        self._card = card
        self._joints = coco_indices(card.keypoints, name)
        self._flip_test = flip_test

    def keypoints_in(self, image: NDArray[np.uint8], boxes: Boxes) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Keypoints (N, 17, 2) in image pixels and scores (N, 17) of the people in (N, 4) boxes, N >= 1."""
        card = self._card
        centers, scales = centers_and_scales(boxes, card.size, card.padding)
        crops = [
            crop(image, crop_matrix(center, scale, card.size, card.udp), card.size)
            for center, scale in zip(centers, scales, strict=True)
        ]
        batch = normalise(crops, card)
        keypoints, scores = self._decode(batch)
        return to_image(keypoints, centers, scales, card.size), scores

    def _decode(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Keypoints in pixels of the crops, and scores, from the (N, 3, H, W) input."""
        card = self._card
        outputs = self._outputs(batch)
        if self._flip_test:
            mirrored = self._outputs(np.ascontiguousarray(batch[..., ::-1]))
            back: tuple[NDArray[np.float32], ...]
            if card.kind == "simcc":
                back = unflip_simcc(mirrored[0], mirrored[1], MIRROR)
            else:
                back = (unflip_heatmaps(mirrored[0], MIRROR, card.shift_heatmap),)
            outputs = tuple((straight + other) * np.float32(0.5) for straight, other in zip(outputs, back, strict=True))
        if card.kind == "simcc":
            return decode_simcc(outputs[0], outputs[1], card.split_ratio)
        return decode_heatmaps(outputs[0], card.size, refine=card.refine, blur=card.blur)

    def _outputs(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """The network's outputs for COCO's 17 keypoints."""
        outputs = run_batched(self._network, batch)
        names = ("simcc_x", "simcc_y") if self._card.kind == "simcc" else ("heatmaps",)
        return tuple(outputs[name][:, self._joints] for name in names)

    def close(self) -> None:
        """Release the network."""
        self._network.close()
