"""What skeleton prompts cost a decision of the streaming split: ``python -m benchmarks.prompts [--json OUT]``.

A decision is the temporal graph on a window of one person and the spatial graph on the frames that are new since the
last decision. All networks run in turn, in shuffled order, on one thread of ONNX Runtime; what is compared is the time
of that thread on the processor, so that other work on the machine counts little. A network's speed also depends by a
few percent on where in memory its weights happen to lie: each is therefore loaded several times.
"""

from __future__ import annotations

import argparse
import logging
import platform
import random
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks.shared.report import Output, exit_code, positive
from engines.onnx_runtime import OnnxNetwork
from skeleformer import (
    SkeleFormer,
    SkeleFormerConfig,
    SpatialGraph,
    TemporalGraph,
    TuningConfig,
    apply_tuning,
    count_flops,
)

NEW_FRAMES = 5
"""A decision every third of a second at 15 frames a second."""

WARM_UP = 20


@dataclass(frozen=True)
class Variant:
    """One network: with prompts or without, folded for inference or as the equations are written."""

    name: str
    tuning: TuningConfig | None
    folded: bool = True


VARIANTS = (
    Variant("without prompts", None),
    Variant("prompts, as written", TuningConfig(), folded=False),
    Variant("prompts, folded", TuningConfig()),
    Variant("prompts, folded, N = 5", TuningConfig(prompts=5)),
    Variant("prompts, folded, N = 20", TuningConfig(prompts=20)),
    Variant("prompts in the middle layers", TuningConfig(position="middle")),
    Variant("without cross-attention", TuningConfig("skeleton-prompt-without-ca")),
)


class Decision:
    """Both exported graphs of a network, timed together."""

    def __init__(self, variant: Variant, features: NDArray[np.float32], tokens: NDArray[np.float32]) -> None:
        torch.manual_seed(0)
        model = SkeleFormer(SkeleFormerConfig(classes=60)).eval()
        if variant.tuning:
            apply_tuning(model, variant.tuning)
        mask = np.ones(tokens.shape[:2], bool)
        spatial, temporal = SpatialGraph(model, variant.folded).eval(), TemporalGraph(model, variant.folded).eval()
        inputs = torch.from_numpy(features), torch.from_numpy(tokens), torch.from_numpy(mask)
        self.flops = count_flops(spatial, inputs[0]) + count_flops(temporal, *inputs[1:])
        self._feeds = {"features": features}, {"tokens": tokens, "mask": mask}
        self._graphs = (
            _export(spatial, {"features": inputs[0]}),
            _export(temporal, {"tokens": inputs[1], "mask": inputs[2]}),
        )
        self.load()

    def load(self) -> None:
        """Load both graphs, anew if they are loaded already."""
        self._spatial, self._temporal = (OnnxNetwork(graph, "graph") for graph in self._graphs)

    def run(self) -> tuple[float, float]:
        """Milliseconds that the spatial and the temporal graph took of the processor."""
        start = time.thread_time()
        self._spatial.run(self._feeds[0])
        middle = time.thread_time()
        self._temporal.run(self._feeds[1])
        return (middle - start) * 1e3, (time.thread_time() - middle) * 1e3


def _export(module: nn.Module, inputs: dict[str, torch.Tensor]) -> bytes:
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            module, tuple(inputs.values()), input_names=list(inputs), opset_version=18, dynamo=True, verbose=False
        )
    assert program is not None
    return program.model_proto.SerializeToString()


def measure(rounds: int, loads: int, new_frames: int, frames: int, people: int) -> list[dict[str, float | str]]:
    """A row for each variant: processor time (median) and its ratio to that of the network without prompts."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(people * new_frames, 17, 5)).astype(np.float32)
    features[..., -1] = 1
    tokens = rng.normal(size=(people, frames, 544)).astype(np.float32)
    decisions = [Decision(v, features, tokens) for v in VARIANTS]
    times = np.zeros((loads, rounds, len(decisions), 2))
    order = list(range(len(decisions)))
    shuffle = random.Random(0).shuffle
    for load in range(loads):
        shuffle(order)
        for index in order:
            decisions[index].load()
        for number in range(-WARM_UP, rounds):
            shuffle(order)
            for index in order:
                elapsed = decisions[index].run()
                if number >= 0:
                    times[load, number, index] = elapsed
    middle = np.median(times, axis=1)  # (loads, variants, 2)
    total = np.median(times.sum(-1), axis=1)  # (loads, variants)
    ratio = total / total[:, :1]
    return [
        {
            "network": v.name,
            "mflop": d.flops / 1e6,
            "spatial_ms": float(np.median(middle[:, i, 0])),
            "temporal_ms": float(np.median(middle[:, i, 1])),
            "decision_ms": float(np.median(total[:, i])),
            "ratio": float(np.median(ratio[:, i])),
            "ratio_least": float(ratio[:, i].min()),
            "ratio_most": float(ratio[:, i].max()),
        }
        for i, (v, d) in enumerate(zip(VARIANTS, decisions, strict=True))
    ]


def markdown(rows: list[dict[str, float | str]]) -> str:
    """The rows as a table."""
    lines = [
        "| network | Mflop a decision | spatial, ms | temporal, ms | decision, ms | ratio | least, most |",
        "|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        spread = f"{r['ratio_least']:.3f}, {r['ratio_most']:.3f}"
        lines.append(
            f"| {r['network']} | {r['mflop']:.0f} | {r['spatial_ms']:.2f} | {r['temporal_ms']:.2f} "
            f"| {r['decision_ms']:.2f} | {r['ratio']:.3f} | {spread} |"
        )
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=positive, default=100, help="decisions of each loaded network")
    parser.add_argument("--loads", type=positive, default=7, help="how often each network is loaded")
    parser.add_argument("--new-frames", type=positive, default=NEW_FRAMES, help="frames between two decisions")
    parser.add_argument("--frames", type=positive, default=32, help="frames of the window")
    parser.add_argument("--people", type=positive, default=1, help="people decided about at once")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    args = parser.parse_args(argv)
    return exit_code(lambda: compare(args))


def compare(args: argparse.Namespace) -> None:
    """Print the table, and write the figures where ``--json`` asks.

    Raises:
        UserError: the file for the figures cannot be written.
    """
    out = Output(args.json)
    torch.set_num_threads(1)
    rows = measure(args.rounds, args.loads, args.new_frames, args.frames, args.people)
    print(markdown(rows))
    out.write_json({"machine": platform.processor() or platform.machine(), "rows": rows})


if __name__ == "__main__":
    sys.exit(main())
