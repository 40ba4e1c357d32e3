"""SkeleFormer with its files: what the package hands out under that name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from skeleformer import model
from skeleformer.tuning import apply_tuning
from skeleformer.weights import check_state, load_weights, save_weights


class SkeleFormer(model.SkeleFormer):
    __doc__ = model.SkeleFormer.__doc__

    def save_pretrained(self, path: Path | str, metadata: Mapping[str, object] | None = None) -> None:
        """Write the parameters in half precision, with configuration, tuning and ``metadata``, as safetensors.

        Raises:
            WeightsError: the file cannot be written.
        """
        save_weights(self.state_dict(), self.config, path, metadata, tuning=self.tuning)

    @classmethod
    def from_pretrained(cls, path: Path | str) -> SkeleFormer:
        """Build the network that a file describes and load its parameters, as float32 and in evaluation mode.

        Raises:
            WeightsError: the file is missing, damaged, of another architecture, or a parameter does not fit.
        """
        file = load_weights(path)

        def build() -> SkeleFormer:
            network = cls(file.config)
            return apply_tuning(network, file.tuning) if file.tuning else network

        with torch.device("meta"):  # shapes first, so that a damaged file cannot ask for all of the memory
            check_state(file.state, build().state_dict(), path)
        network = build()
        network.load_state_dict(file.state)
        network.metadata = file.metadata
        return network.eval()
