"""The one interface behind which every network runs: named numpy arrays in, named numpy arrays out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import EngineError
from engines.action.metadata import check_length

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Name, type and shape of one input or output; a dimension that may vary is None."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int | None, ...]

    def __str__(self) -> str:
        return f"{self.name} {self.dtype} ({', '.join('?' if n is None else str(n) for n in self.shape)})"

    def conform(self, value: Any) -> NDArray[Any]:
        """The value as a contiguous array of this type.

        Raises:
            EngineError: wrong number of dimensions, wrong size of a fixed one, or a type that would lose information.
        """
        array = np.asarray(value)
        fits = array.ndim == len(self.shape) and all(
            n in (None, m) for n, m in zip(self.shape, array.shape, strict=True)
        )
        if not fits or not np.can_cast(array.dtype, self.dtype, "same_kind"):
            raise EngineError(f"Input {array.dtype} {array.shape} does not fit {self}.")
        return np.ascontiguousarray(array, self.dtype)


class Network(ABC):
    """A loaded network. Use it as a context manager, or call ``close`` when done.

    One instance serves one thread at a time.

    Attributes:
        backend: ``onnx-cpu``, ``onnx-cuda``, ``tensorrt``, ``tensorrt-rtx`` or ``torch``.
        precision: ``fp32``, ``fp16`` or ``int8``.
        inputs, outputs: what ``run`` takes and gives.
        metadata: the model file's own description of itself (see ``engines.action.metadata``).
    """

    def __init__(
        self,
        backend: str,
        precision: str,
        inputs: tuple[TensorSpec, ...],
        outputs: tuple[TensorSpec, ...],
        metadata: Mapping[str, str],
    ) -> None:
        self.backend = backend
        self.precision = precision
        self.inputs = inputs
        self.outputs = outputs
        self.metadata = dict(metadata)

    def run(self, feeds: Mapping[str, Any]) -> Arrays:
        """Run once.

        Args:
            feeds: an array for every input, by name; integer and float types are converted where nothing is lost.

        Returns:
            An array for every output, by name; the caller owns them.

        Raises:
            EngineError: an input is missing, unknown, or of the wrong shape or type, or the run failed.
        """
        missing = [spec.name for spec in self.inputs if spec.name not in feeds]
        if missing or len(feeds) != len(self.inputs):
            unknown = sorted(set(feeds) - {spec.name for spec in self.inputs})
            wanted = "; ".join(str(spec) for spec in self.inputs)
            raise EngineError(
                f"The network takes {wanted}; missing: {missing or 'none'}, unknown: {unknown or 'none'}."
            )
        arrays = {spec.name: spec.conform(feeds[spec.name]) for spec in self.inputs}
        if self.metadata.get("graph") == "temporal":
            check_length(self.metadata, arrays["tokens"].shape[1])
        return self._run(arrays)

    @abstractmethod
    def _run(self, feeds: Arrays) -> Arrays:
        """Run on arrays that conform to ``inputs``."""

    @abstractmethod
    def close(self) -> None:
        """Give the memory back; the network cannot be run afterwards. May be called twice."""

    def __enter__(self) -> Network:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.backend} {self.precision}: {', '.join(map(str, self.inputs))}>"
