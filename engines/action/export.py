"""The two graphs of an action model as ONNX files that explain themselves. Needs torch; running them does not."""

from __future__ import annotations

import copy
import io
import json
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.errors import EngineError
from engines.action.metadata import FORMAT_VERSION
from engines.files import digest, write_whole
from engines.onnx_file import onnx, set_metadata, store_half
from engines.onnx_runtime import OnnxNetwork

if TYPE_CHECKING:
    from torch import Tensor, nn

    from skeleformer.pretrained import SkeleFormer

log = logging.getLogger(__name__)

OPSET = 18
MAX_PEOPLE = 4096
TOLERANCE = 1e-3
"""Largest difference that an exported graph may have from torch before it is refused (fp32, float rounding only)."""


def export_skeleformer(
    model: SkeleFormer,
    folder: str | Path,
    name: str = "skeleformer",
    *,
    labels: Sequence[str],
    rate_hz: float,
    preprocess_version: str,
    half_storage: bool = True,
) -> tuple[Path, Path]:
    """Write ``NAME-spatial.onnx`` and ``NAME-temporal.onnx``, each checked against torch before it appears.

    Spatial: ``features`` (N, V, 2C + 1) to ``tokens`` (N, d). Temporal: ``tokens`` (N, T, d) and ``mask`` (N, T) bool
    to ``logits`` (N, classes) and ``embedding`` (N, e). N is any number of people, T any length up to the model's
    ``frames``.

    Args:
        model: on the CPU; it is not changed.
        folder: existing folder to write to.
        labels: class names in the order of the logits.
        rate_hz: frames a second of the windows it was trained on.
        preprocess_version: of the function that made its features.
        half_storage: store the weights as float16 (computing stays float32). The weights are rounded.

    Raises:
        EngineError: labels that do not match the classes, a folder that cannot be written to, or an exported graph that
            does not give torch's numbers.
    """
    import torch

    from skeleformer.split import SpatialGraph, TemporalGraph

    config = model.config
    if len(labels) != config.classes:
        raise EngineError(f"The model has {config.classes} classes but {len(labels)} labels were given.")
    folder = Path(folder)
    if not folder.is_dir():
        raise EngineError(f"There is no folder {folder}.")

    model = _frozen_copy(model, half_storage)
    common = {
        "skeleprompt": FORMAT_VERSION,
        "labels": json.dumps(list(labels), ensure_ascii=False),
        "rate_hz": f"{rate_hz:g}",
        "frames": str(config.frames),
        "preprocess_version": preprocess_version,
        "parents": json.dumps(list(config.parents)),
        "model_id": model_identity(model),
    }
    people = torch.export.Dim("N", min=1, max=MAX_PEOPLE)
    frames = torch.export.Dim("T", min=1, max=config.frames)
    generator = torch.Generator().manual_seed(0)

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    def masks(count: int, length: int) -> Tensor:
        seen = torch.rand(count, length, generator=generator) > 0.2
        seen[:, -1] = True
        return seen

    v, f, d, t = config.joints, config.features, config.dim, config.frames
    spatial = _graph(
        SpatialGraph(model),
        {"features": {0: people}},
        ["tokens"],
        [(random(n, v, f),) for n in (3, 1, 16)],
        {**common, "graph": "spatial"},
        half_storage,
    )
    temporal = _graph(
        TemporalGraph(model),
        {"tokens": {0: people, 1: frames}, "mask": {0: people, 1: frames}},
        ["logits", "embedding"],
        [(random(n, m, d), masks(n, m)) for n, m in ((3, max(t - 1, 1)), (1, t), (16, t), (2, 1))],
        {**common, "graph": "temporal"},
        half_storage,
    )
    targets = folder / f"{name}-spatial.onnx", folder / f"{name}-temporal.onnx"
    for target, data in zip(targets, (spatial, temporal), strict=True):
        write_whole(target, data)
        log.info("wrote %s, %.1f MB", target, len(data) / 1e6)
    return targets


def model_identity(model: SkeleFormer) -> str:
    """A short name for these weights as a half-precision file holds them: the same in all files made from them."""
    state = model.state_dict()
    held = {key: value.half() if value.is_floating_point() else value for key, value in state.items()}
    return digest(*(part for key in sorted(held) for part in (key, held[key].numpy().tobytes())))


def _frozen_copy(model: SkeleFormer, rounded: bool) -> SkeleFormer:
    """A copy without dropout, its weights rounded to what a half-precision file can hold."""
    from torch import nn

    model = copy.deepcopy(model).cpu().float().eval()
    for module in list(model.modules()):
        for child, part in list(module.named_children()):
            if isinstance(part, nn.Dropout):
                setattr(module, child, nn.Identity())
    for parameter in model.parameters():
        parameter.requires_grad_(False)
        if rounded:
            parameter.copy_(parameter.half().float())
    return model


def _graph(
    module: nn.Module,
    dynamic: dict[str, dict[int, object]],
    outputs: list[str],
    samples: list[tuple[Tensor, ...]],
    metadata: dict[str, str],
    half_storage: bool,
) -> bytes:
    """One graph as ONNX bytes; exported with the first sample, compared with torch on all of them."""
    import torch

    with warnings.catch_warnings(), _quiet():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module,
            samples[0],
            input_names=list(dynamic),
            output_names=outputs,
            dynamic_shapes=dynamic,
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise EngineError("torch gave no ONNX program.")
    model: onnx.ModelProto = program.model_proto
    del model.functions[:]
    strip(model)
    if half_storage:
        store_half(model)
    set_metadata(model, metadata)
    onnx.checker.check_model(model, full_check=True)
    buffer = io.BytesIO()
    onnx.save(model, buffer)
    data = buffer.getvalue()
    _compare(module, data, list(dynamic), outputs, samples)
    return data


def strip(model: onnx.ModelProto) -> None:
    """Remove what the exporter adds for its own debugging (stack traces, source paths), in place."""
    del model.metadata_props[:]
    del model.graph.metadata_props[:]
    del model.graph.value_info[:]
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in [*model.graph.input, *model.graph.output, *model.graph.initializer]:
        del value.metadata_props[:]
        value.doc_string = ""


def _compare(
    module: nn.Module, data: bytes, inputs: list[str], outputs: list[str], samples: list[tuple[Tensor, ...]]
) -> None:
    import torch

    with OnnxNetwork(data, "the exported graph") as network:
        for sample in samples:
            with torch.inference_mode():
                result = module(*sample)
            wanted = result if isinstance(result, tuple) else (result,)
            got = network.run({key: value.numpy() for key, value in zip(inputs, sample, strict=True)})
            for key, value in zip(outputs, wanted, strict=True):
                difference = float(np.abs(got[key] - value.numpy()).max())
                if not difference <= TOLERANCE:
                    raise EngineError(f"The exported graph's {key} differs from torch by {difference:.2g}.")


class _quiet:
    """The exporter logs about optional packages at warning level."""

    def __enter__(self) -> None:
        self._logger = logging.getLogger("torch.onnx")
        self._level = self._logger.level
        self._logger.setLevel(logging.ERROR)

    def __exit__(self, *_: object) -> None:
        self._logger.setLevel(self._level)
