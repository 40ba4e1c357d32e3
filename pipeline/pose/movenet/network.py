"""The shipped MoveNet graphs, run by the engines; cameras of one process share them."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import PoseError
from engines import EngineError, Network, load

BACKEND = "onnx-cpu"
"""MoveNet is small, takes one picture at a time and changes its input size: a GPU gains little, and TensorRT would need
an engine for each size."""


@dataclass(slots=True)
class _Loaded:
    """A network in memory, how many hold it, and what each run has to wait for."""

    network: Network
    turn: AbstractContextManager[object]
    holders: int = 0


class _Shelf:
    """Every graph that somebody holds, loaded once. A graph keeps no state between runs, so anybody may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: dict[tuple[Path, int, str], _Loaded] = {}

    def take(self, path: Path, backend: str) -> _Loaded:
        """A graph for one more holder, loaded if nobody has it; raises EngineError."""
        key = (path.resolve(), path.stat().st_mtime_ns, backend)
        with self._lock:  # a second holder waits for the first one's loading
            if key not in self._loaded:
                network = load(path, backend)
                # ONNX Runtime runs a session in any number of threads at once; the other engines do not promise that.
                concurrent = network.backend == "onnx-cpu"
                self._loaded[key] = _Loaded(network, nullcontext() if concurrent else threading.Lock())
            loaded = self._loaded[key]
            loaded.holders += 1
        return loaded

    def give_back(self, loaded: _Loaded) -> None:
        """One holder less; the last one's leaving releases the network."""
        with self._lock:
            loaded.holders -= 1
            if loaded.holders:
                return
            self._loaded = {key: other for key, other in self._loaded.items() if other is not loaded}
        with loaded.turn:
            loaded.network.close()


_SHELF = _Shelf()


class PoseNetwork:
    """One MoveNet graph: a picture in, its raw table of keypoints out. May be called from several threads at once.

    All of one process that name the same file and backend share one loaded network; it is released when the last of
    them is closed.
    """

    def __init__(self, path: Path, backend: str = BACKEND) -> None:
        """Load ``path`` on one of the engines' backends.

        Raises:
            PoseError: the file is missing or is no network that can be run, or the backend does not work here.
        """
        if not path.is_file():
            raise PoseError(f"The pose model {path} is missing; install the project again to get it back.")
        try:
            self._loaded: _Loaded | None = _SHELF.take(path, backend)
        except EngineError as error:
            raise PoseError(f"The pose model cannot be loaded: {error}") from error

    def __call__(self, picture: NDArray[np.int32]) -> NDArray[np.float32]:
        """Run the network on one (1, h, w, 3) int32 RGB picture.

        Raises:
            PoseError: the network was closed or failed.
        """
        loaded = self._loaded
        if loaded is None:
            raise PoseError("The pose model was used after it had been closed.")
        try:
            with loaded.turn:
                return loaded.network.run({"image": picture})["poses"]
        except EngineError as error:
            raise PoseError(f"The pose model failed: {error}") from error

    def close(self) -> None:
        """Release the network; calling it twice does no harm."""
        loaded, self._loaded = self._loaded, None
        if loaded is not None:
            _SHELF.give_back(loaded)
