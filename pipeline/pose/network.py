"""The shipped pose networks on ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from pipeline.pose.base import PoseError


class PoseNetwork:
    """One MoveNet graph: a picture in, its raw table of keypoints out."""

    def __init__(self, path: Path) -> None:
        """Load ``path``.

        Raises:
            PoseError: the file is missing or is no network that can be run.
        """
        if not path.is_file():
            raise PoseError(f"The pose model {path} is missing; install the project again to get it back.")
        options = ort.SessionOptions()
        # A second thread gains nothing on small machines, and waiting in a loop starves the other stages.
        options.intra_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._session: ort.InferenceSession | None = ort.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime raises a dozen unrelated types
            raise PoseError(f"The pose model {path} cannot be loaded: {str(error).splitlines()[0]}") from error

    def __call__(self, picture: NDArray[np.int32]) -> NDArray[np.float32]:
        """Run the network on one (1, h, w, 3) int32 RGB picture."""
        if self._session is None:
            raise PoseError("The pose model was used after it had been closed.")
        return self._session.run(["poses"], {"image": picture})[0]

    def close(self) -> None:
        """Release the network."""
        self._session = None
