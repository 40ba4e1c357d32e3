"""Pictures into a network's input, and a network run over any number of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.errors import EngineError, PoseError
from engines.network import Network
from engines.pose_card import PoseCard

MAX_BATCH = 16
"""People in one run; engines that are built ahead of time are built for 1 to 16."""


def normalise(pictures: Sequence[NDArray[np.uint8]], card: PoseCard) -> NDArray[np.float32]:
    """Pictures of one size as a network's input.

    Args:
        pictures: N pictures (H, W, 3) uint8 BGR.
        card: says which order of channels, mean and deviation.

    Returns:
        (N, 3, H, W) float32.
    """
    batch = np.stack(pictures).astype(np.float32)
    if card.rgb:
        batch = batch[..., ::-1]
    scaled = (batch - np.array(card.mean, np.float32)) / np.array(card.std, np.float32)
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2), np.float32)


def run_batched(network: Network, batch: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Run a network with one input over (N, ...) of any N >= 1, in as few runs as its batch size allows.

    Raises:
        PoseError: the run failed.
    """
    spec = network.inputs[0]
    step = spec.shape[0] or MAX_BATCH
    parts = []
    try:
        for start in range(0, len(batch), step):
            part = batch[start : start + step]
            filled = len(part)
            if spec.shape[0] and filled < step:  # a fixed batch is filled up with the last picture
                part = np.concatenate([part, np.repeat(part[-1:], step - filled, axis=0)])
            outputs = network.run({spec.name: part})
            parts.append({name: np.asarray(value[:filled]) for name, value in outputs.items()})
    except EngineError as error:
        raise PoseError(str(error)) from error
    return {name: np.concatenate([part[name] for part in parts]).astype(np.float32) for name in parts[0]}
