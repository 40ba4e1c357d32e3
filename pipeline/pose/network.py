"""The shipped MoveNet graphs, run by the engines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engines import EngineError, Network, load
from pipeline.pose.base import PoseError

BACKEND = "onnx-cpu"
"""MoveNet is small, takes one picture at a time and changes its input size: a GPU gains little, and TensorRT would need
an engine for each size."""


class PoseNetwork:
    """One MoveNet graph: a picture in, its raw table of keypoints out."""

    def __init__(self, path: Path, backend: str = BACKEND) -> None:
        """Load ``path`` on one of the engines' backends.

        Raises:
            PoseError: the file is missing or is no network that can be run, or the backend does not work here.
        """
        if not path.is_file():
            raise PoseError(f"The pose model {path} is missing; install the project again to get it back.")
        try:
            self._network: Network | None = load(path, backend)
        except EngineError as error:
            raise PoseError(f"The pose model cannot be loaded: {error}") from error

    def __call__(self, picture: NDArray[np.int32]) -> NDArray[np.float32]:
        """Run the network on one (1, h, w, 3) int32 RGB picture.

        Raises:
            PoseError: the network was closed or failed.
        """
        if self._network is None:
            raise PoseError("The pose model was used after it had been closed.")
        try:
            return self._network.run({"image": picture})["poses"]
        except EngineError as error:
            raise PoseError(f"The pose model failed: {error}") from error

    def close(self) -> None:
        """Release the network; calling it twice does no harm."""
        if self._network is not None:
            self._network.close()
            self._network = None
