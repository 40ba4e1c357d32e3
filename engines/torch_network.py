"""torch, from the safetensors file beside the graphs: the reference that other backends are held against."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import BackendUnavailable, EngineError
from engines.action.reference import read_weights
from engines.network import Arrays, Network, TensorSpec

if TYPE_CHECKING:
    from torch import Tensor, nn

BATCHES = (1, 2, 4, 8, 16)
"""Numbers of people that CUDA graphs are recorded for; others are filled up to the next, larger ones are not."""


class TorchNetwork(Network):
    """One graph of an action model in torch: on the first GPU where there is one, with CUDA graphs, else on the CPU.

    Args:
        path: ``NAME-spatial.onnx`` or ``NAME-temporal.onnx``; the weights are those of ``NAME.safetensors`` beside it.
        precision: ``fp32`` or ``fp16``.
        threads: on the CPU, for all of torch.

    Raises:
        BackendUnavailable: torch or onnx is not installed.
        EngineError: no weights, weights that the graph was not made from, or int8, which this backend does not have.
    """

    def __init__(self, path: Path, precision: str = "fp32", threads: int = 1) -> None:
        if precision == "int8":
            raise EngineError("The torch backend has no int8: choose fp32 or fp16.")
        try:
            import torch

            from skeleformer.split import SpatialGraph, TemporalGraph
        except ImportError as error:
            raise BackendUnavailable(f'This needs torch: pip install "skeleprompt[train]" ({error}).') from error
        from engines.action.export import model_identity
        from engines.onnx_file import metadata_of, read_model

        model = read_model(path)
        metadata = metadata_of(model)
        kind = metadata.get("graph")
        if kind not in ("spatial", "temporal"):
            raise EngineError(f"{path.name} is no graph of an action model: the torch backend runs only those.")
        weights = path.with_name(path.name.removesuffix(f"-{kind}.onnx") + ".safetensors")
        network, _ = read_weights(weights)
        if model_identity(network) != metadata.get("model_id"):
            raise EngineError(f"{path.name} was not made from the weights in {weights.name}: export it again.")
        torch.set_num_threads(threads)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._dtype = torch.float16 if precision == "fp16" else torch.float32
        graph = SpatialGraph(network) if kind == "spatial" else TemporalGraph(network)
        self._module: nn.Module | None = graph.to(self._device, self._dtype).eval()
        self._recorded: dict[tuple[Any, ...], _Recorded] = {}
        super().__init__("torch", precision, _specs(model.graph.input), _specs(model.graph.output), metadata)

    def _run(self, feeds: Arrays) -> Arrays:
        import torch

        if self._module is None:
            raise EngineError("The network is closed.")
        try:
            with torch.inference_mode():
                if self._device.type == "cpu":
                    values = self._compute({name: torch.from_numpy(value) for name, value in feeds.items()})
                else:
                    values = self._replay(feeds)
        except RuntimeError as error:
            shapes = ", ".join(f"{key} {value.shape}" for key, value in feeds.items())
            raise EngineError(f"torch failed on {shapes}: {str(error).splitlines()[0]}") from error
        return {
            spec.name: value.to(dtype=torch.float32, device="cpu").numpy()
            for spec, value in zip(self.outputs, values, strict=True)
        }

    def _compute(self, tensors: dict[str, Tensor]) -> tuple[Tensor, ...]:
        assert self._module is not None
        inputs = [t.to(self._dtype) if t.is_floating_point() else t for t in tensors.values()]
        result = self._module(*inputs)
        return result if isinstance(result, tuple) else (result,)

    def _replay(self, feeds: Arrays) -> tuple[Tensor, ...]:
        import torch

        count = next(iter(feeds.values())).shape[0]
        size = next((n for n in BATCHES if count <= n), None)
        if size is None:
            return self._compute({name: torch.from_numpy(value).to(self._device) for name, value in feeds.items()})
        shapes = {name: (size, *value.shape[1:]) for name, value in feeds.items()}
        key = tuple(shapes.values())
        if key not in self._recorded:
            buffers = {
                name: torch.zeros(shape, dtype=torch.from_numpy(feeds[name]).dtype, device=self._device)
                for name, shape in shapes.items()
            }
            self._recorded[key] = _Recorded(buffers, lambda: self._compute(buffers))
        return tuple(value[:count] for value in self._recorded[key].run(feeds))

    def close(self) -> None:
        self._recorded.clear()
        self._module = None


class _Recorded:
    """A CUDA graph with its input buffers."""

    def __init__(self, buffers: dict[str, Tensor], work: Callable[[], tuple[Tensor, ...]]) -> None:
        import torch

        self._buffers = buffers
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):  # the first runs choose kernels and allocate, which cannot be recorded
            for _ in range(3):
                work()
        torch.cuda.current_stream().wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._outputs = work()

    def run(self, feeds: Arrays) -> tuple[Tensor, ...]:
        import torch

        for name, value in feeds.items():
            self._buffers[name][: len(value)].copy_(torch.from_numpy(value))
            self._buffers[name][len(value) :].zero_()
        self._graph.replay()
        return self._outputs


def _specs(values: Any) -> tuple[TensorSpec, ...]:
    from engines.onnx_file import helper

    return tuple(
        TensorSpec(
            value.name,
            np.dtype(helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)),
            tuple(d.dim_value if d.HasField("dim_value") else None for d in value.type.tensor_type.shape.dim),
        )
        for value in values
    )
