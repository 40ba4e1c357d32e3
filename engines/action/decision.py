"""The two graphs of an action model, run one after the other on whole windows."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from engines.action.metadata import check_pair
from engines.loading import load
from engines.network import Network


class ActionModel:
    """Features (N, T, 17, 5) to logits, through both graphs on one backend.

    The live pipeline runs the spatial graph once a frame and keeps its tokens; this runs it on every frame of every
    window, which gives the same logits.
    """

    def __init__(self, spatial: Path, temporal: Path, backend: str, precision: str | None, threads: int = 1) -> None:
        """Load both graphs.

        Args:
            spatial, temporal: the shipped files.
            backend, precision, threads: as for ``engines.load``.
        """
        with ExitStack() as undo:
            self.spatial: Network = undo.enter_context(load(spatial, backend, precision, threads=threads))
            self.temporal: Network = undo.enter_context(load(temporal, backend, precision, threads=threads))
            check_pair(self.spatial.metadata, self.temporal.metadata)
            undo.pop_all()

    def tokens(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, T, 17, 5) to (N, T, d)."""
        people, frames = features.shape[:2]
        tokens = self.spatial.run({"features": features.reshape(people * frames, *features.shape[2:])})["tokens"]
        return tokens.reshape(people, frames, -1)

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, T, 17, 5) to (N, classes)."""
        mask = (features[..., 4] > 0).any(-1)
        return self.temporal.run({"tokens": self.tokens(features), "mask": mask})["logits"]

    def close(self) -> None:
        """Close both graphs."""
        self.spatial.close()
        self.temporal.close()

    def __enter__(self) -> ActionModel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
