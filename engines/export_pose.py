"""``python -m engines export-pose``: an mmpose model as one ONNX file that runs without mmpose and torch."""

from __future__ import annotations

import argparse
import io
import logging
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import EngineError, first_line
from engines.files import write_whole
from engines.openmmlab.checkpoint import OPT_IN
from engines.pose_card import PoseCard

Array = NDArray[np.float32]

log = logging.getLogger(__name__)

OPSET = 17
PRECISIONS = ("fp32", "fp16")
TOLERANCE = {"fp32": 5e-3, "fp16": 5e-2}
"""Largest difference to torch in the file's outputs, as part of their largest magnitude; a bigger one is an error."""


def export_pose(
    config: str, weights: str | Path, out: str | Path, *, precision: str = "fp32", trusted: bool = False
) -> tuple[PoseCard, float]:
    """Export an mmpose model with its weights and check the file against torch.

    The input is ``input`` (N, 3, H, W) float32, normalised; the outputs are named as in published files: ``simcc_x``
    and ``simcc_y``, ``heatmaps``, or ``dets`` and ``keypoints``. N is dynamic. The metadata holds the
    :class:`PoseCard`.

    Args:
        config: a configuration file, or the name of one that mmpose ships.
        weights: the checkpoint.
        out: the ONNX file, written whole or not at all.
        precision: ``fp16`` computes in half precision, for TensorRT; its input and outputs stay float32.
        trusted: load a checkpoint that holds arbitrary Python objects, which can run code from it.

    Returns:
        The card, and the largest difference to torch as part of the outputs' largest magnitude.

    Raises:
        EngineError: mmpose is not installed, configuration and weights cannot be used, the model cannot be exported, or
            the exported file computes something else than torch does.
    """
    from engines.openmmlab.model import load_model

    return export_model(load_model(config, weights, trusted=trusted), out, precision=precision)


def export_model(model: Any, out: str | Path, *, precision: str = "fp32") -> tuple[PoseCard, float]:
    """As :func:`export_pose`, for a model that has been loaded."""
    from engines.openmmlab.card import card_of_model
    from engines.openmmlab.graphs import OUTPUTS, graph_of

    if precision not in PRECISIONS:
        raise EngineError(f"There is no precision {precision!r} to export to: choose {' or '.join(PRECISIONS)}.")
    out = Path(out)
    if not out.parent.is_dir():
        raise EngineError(f"There is no folder {out.parent} to write {out.name} to.")
    card = card_of_model(model)
    graph = graph_of(model, card)
    try:
        data = _trace(graph, card, OUTPUTS[card.kind], precision)
        difference = _compare(graph, card, data, precision)
    except EngineError:
        raise
    except Exception as error:  # torch's exporter raises many unrelated types
        raise EngineError(f"torch cannot export this model: {first_line(error)}") from error
    write_whole(out, data)
    log.info("%s: %s %dx%d, %s, largest relative difference %.1e", out, card.kind, *card.size, precision, difference)
    return card, difference


def _trace(graph: Any, card: PoseCard, outputs: tuple[str, ...], precision: str) -> bytes:
    """The graph with its card as an ONNX file."""
    import torch

    from engines.half import to_half
    from engines.onnx_file import onnx

    width, height = card.size
    names = ["input", *outputs]
    traced: Any = io.BytesIO()  # takes it as it takes a path, though its annotation does not say so
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the tracer warns about every Python number in a model, and of its own age
        torch.onnx.export(
            graph, (torch.zeros(1, 3, height, width),), traced, dynamo=False, opset_version=OPSET,
            input_names=names[:1], output_names=names[1:], dynamic_axes={name: {0: "batch"} for name in names},
        )  # fmt: skip
    model = onnx.load_from_string(traced.getvalue())
    for key, value in card.to_metadata().items():
        model.metadata_props.add(key=key, value=value)
    if precision == "fp16":
        model = to_half(model)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _compare(graph: Any, card: PoseCard, data: bytes, precision: str) -> float:
    """Largest relative difference between file and torch on two seeded pictures.

    Raises:
        EngineError: it is larger than the tolerance.
    """
    import torch

    from engines.onnx_runtime import OnnxNetwork

    width, height = card.size
    coarse = np.random.default_rng(0).normal(size=(2, height // 16, width // 16, 3)).astype(np.float32)
    batch = np.stack([cv2.resize(picture, (width, height)) for picture in coarse]).transpose(
        0, 3, 1, 2
    )  # blurred, as pictures are
    if card.std == (1, 1, 1):
        batch = 128 + 50 * batch  # a network without normalisation sees pixels
    with OnnxNetwork(data, "The exported model", precision=precision) as network, torch.no_grad():
        ours = network.run({"input": batch})
        wanted = [output.numpy() for output in graph(torch.from_numpy(batch))]
    difference = max(
        _candidates_apart(ours, wanted, max(card.size))
        if card.kind == "one-stage"
        else _apart(ours[name], wanted[index])
        for index, name in enumerate(ours)
    )
    if not difference <= TOLERANCE[precision]:
        raise EngineError(
            f"The exported model differs from torch by {difference:.1e}, more than {TOLERANCE[precision]:.0e}."
        )
    return difference


def _apart(ours: Array, wanted: Array) -> float:
    """Largest difference as part of the largest magnitude."""
    return float(np.abs(ours - wanted).max() / max(np.abs(wanted).max(), 1e-9))


def _candidates_apart(ours: dict[str, Array], wanted: Sequence[Array], side: int) -> float:
    """Largest difference of the candidates' scores, or typical distance of torch's candidates to the nearest of the
    file's as part of the picture, whichever is larger.

    Typical, because rounding may swap two candidates and decides which come in last. Boxes far larger than the picture,
    as networks draw them on pictures without people, are left out: they are exponentials, and so are their errors.
    """
    mine = np.concatenate([ours["dets"], ours["keypoints"].reshape(*ours["dets"].shape[:2], -1)], axis=2)
    theirs = np.concatenate([wanted[0], wanted[1].reshape(*wanted[0].shape[:2], -1)], axis=2)
    surer = theirs[:, : theirs.shape[1] // 2]
    surer, mine = (np.nan_to_num(values, posinf=1e9, neginf=-1e9) for values in (surer, mine))
    nearest = np.abs(surer[:, :, None] - mine[:, None]).max(axis=3).min(axis=2) / side
    plausible = np.abs(surer).max(axis=2) < 2 * side
    scores = _apart(ours["dets"][..., 4], wanted[0][..., 4])
    return max(scores, float(np.median(nearest[plausible]))) if plausible.any() else scores


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m engines export-pose``."""
    parser.add_argument(
        "--config", required=True, metavar="CONFIG", help="mmpose configuration file, or name, such as rtmpose-m"
    )
    parser.add_argument("--weights", required=True, type=Path, metavar="FILE", help="checkpoint, .pth or .safetensors")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE.onnx", help="file to write")
    parser.add_argument("--precision", default="fp32", choices=PRECISIONS, help="fp16 is for TensorRT (default: fp32)")
    parser.add_argument(
        OPT_IN.split()[0], action="store_true", dest="trusted",
        help="load a checkpoint that can run code; only for files whose origin you trust",
    )  # fmt: skip
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """The command; its report goes to standard output."""
    card, difference = export_pose(args.config, args.weights, args.out, precision=args.precision, trusted=args.trusted)
    sys.stdout.write(
        f"{args.out}: {card.kind}, {len(card.keypoints)} keypoints, input {card.size[0]}x{card.size[1]}, "
        f"{args.precision}, largest relative difference to torch {difference:.1e}\n"
    )
    return 0
