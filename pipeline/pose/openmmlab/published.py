"""Load pose networks from ONNX files: this project's own exports, and those that OpenMMLab and its users publish."""

from __future__ import annotations

import os
from pathlib import Path

import engines
from core.errors import EngineError, PoseError
from engines.network import Network
from engines.pose_card import PoseCard
from pipeline.pose.openmmlab.reduce import names_by_count


def load_network(path: Path, backend: str, threads: int) -> Network:
    """Load an ONNX file; ``~`` is the user's home.

    Raises:
        PoseError: the file is missing or damaged, or the backend does not work here.
    """
    try:
        return engines.load(os.path.expanduser(path), backend=backend, threads=threads)
    except EngineError as error:
        raise PoseError(str(error)) from error


def card_of(network: Network, name: str) -> PoseCard:
    """How to feed and read a pose network.

    A file that was exported by this project says so itself. Published files say nothing, but the names and shapes of
    their inputs and outputs tell them apart, and all are normalised as their configurations are: RTMPose by ImageNet's
    mean and deviation (RGB), RTMO not at all (BGR).

    Args:
        network: the loaded file.
        name: what to call it in messages.

    Raises:
        PoseError: it is no pose network, or of a kind that is not known.
    """
    try:
        card = PoseCard.from_metadata(network.metadata, name)
    except EngineError as error:
        raise PoseError(str(error)) from error
    if card is not None:
        return card
    outputs = {spec.name: spec.shape for spec in network.outputs}
    if outputs.keys() >= {"simcc_x", "simcc_y"}:
        return _simcc_card(network, outputs, name)
    if outputs.keys() >= {"dets", "keypoints"}:
        size = input_size(network) or (640, 640)
        count = outputs["keypoints"][2] if len(outputs["keypoints"]) == 4 else None
        names = names_by_count(count or 17, name)
        return PoseCard("one-stage", size, names, mean=(0, 0, 0), std=(1, 1, 1), rgb=False)
    if outputs.keys() >= {"dets", "labels"}:
        raise PoseError(f"{name} finds boxes, not keypoints: name it as the detector beside a pose model.")
    raise PoseError(
        f"{name} gives {', '.join(outputs)}; a pose model gives simcc_x and simcc_y (RTMPose) "
        "or dets and keypoints (RTMO)."
    )


def _simcc_card(network: Network, outputs: dict[str, tuple[int | None, ...]], name: str) -> PoseCard:
    _, count, bins_x = outputs["simcc_x"]
    _, _, bins_y = outputs["simcc_y"]
    if not count or not bins_x or not bins_y:
        raise PoseError(f"{name} does not say how many keypoints it finds; export it with a fixed input size.")
    names = names_by_count(count, name)
    size = input_size(network) or (bins_x // 2, bins_y // 2)  # two bins a pixel is what every published model has
    return PoseCard("simcc", size, names, split_ratio=bins_x / size[0])


def input_size(network: Network) -> tuple[int, int] | None:
    """(width, height) that a network with one picture input takes; None where it takes any.

    Raises:
        PoseError: the network does not take one (N, 3, height, width) picture.
    """
    spec = network.inputs[0]
    if len(network.inputs) != 1 or len(spec.shape) != 4 or spec.shape[1] not in (3, None):
        raise PoseError(f"A pose model takes one picture (N, 3, height, width), this one takes {spec}.")
    height, width = spec.shape[2:]
    return (width, height) if width and height else None
