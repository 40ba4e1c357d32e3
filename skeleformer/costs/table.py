"""Tables of parameters and operations beside the paper's (tables 7, 11 and 13)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from skeleformer.baselines.shiftgcn import ShiftGCN
from skeleformer.baselines.stgcn import STGCN
from skeleformer.config import FUSIONS, SkeleFormerConfig
from skeleformer.costs.flops import Cost, cost
from skeleformer.folding import fold
from skeleformer.model import SkeleFormer
from skeleformer.tuning import METHODS, TuningConfig, apply_tuning

PAPER_TABLE_7 = {
    "full": 9.58, "linear-probing": 0.04, "bitfit": 0.19, "lora": 0.32, "vpt": 0.57, "adapter": 1.31,
    "pro-tuning": 1.65, "skeleton-prompt-without-ca": 0.40, "skeleton-prompt": 0.40,
}  # fmt: skip
"""Trainable parameters in millions."""

PAPER_TABLE_13 = {"channels": 0.51, "addition": 0.40, "multiplication": 0.41, "cross-attention": 0.40}

REASONS = {
    "full": "the paper leaves open the MLP ratio (2 here), the fusion's sizes and the head; ours has a batch norm",
    "linear-probing": "60 classes; 0.04 is a linear layer for 73, the mean of the nine data sets' numbers of classes",
    "bitfit": "every bias of the backbone together is 0.02 M, so 0.19 M cannot be biases alone",
    "lora": "rank 16 in all four projections; the paper names no rank",
    "vpt": "ten tokens in each of the eight layers are 0.02 M; 0.57 would take over 230 a layer: probably 0.057",
    "adapter": "bottleneck 144 (8 in the spatial layers), two a layer, and the layer norms, as the method's authors do",
    "pro-tuning": "368 hidden channels (22 in the spatial layers), depthwise kernel 5; the paper names neither",
    "skeleton-prompt-without-ca": "m = 16 in the spatial, 12 in the temporal transformer, N = 10",
    "skeleton-prompt": "the same generators; cross-attention shares the frozen weights and adds none",
}


@dataclass(frozen=True)
class Row:
    """Cost of one network beside the paper's count of trainable parameters, in millions, where it gives one."""

    name: str
    cost: Cost
    folded_flops: int
    paper: float | None = None
    reason: str = ""


def _row(
    name: str, sizes: SkeleFormerConfig, frames: int, tuning: TuningConfig, paper: float | None = None, reason: str = ""
) -> Row:
    model = apply_tuning(SkeleFormer(sizes), tuning)
    measured = cost(model, sizes.joints, sizes.features, frames)
    folded = cost(fold(model), sizes.joints, sizes.features, frames).flops
    return Row(name, measured, folded, paper, reason)


def tuning_rows(classes: int, frames: int) -> list[Row]:
    """The nine methods of table 7."""
    sizes = SkeleFormerConfig(classes=classes)
    return [_row(m, sizes, frames, TuningConfig(m), PAPER_TABLE_7[m], REASONS[m]) for m in METHODS]


def prompt_rows(classes: int, frames: int) -> list[Row]:
    """Prompt lengths of table 11, the middle position of table 12, interactions of table 13."""
    sizes = SkeleFormerConfig(classes=classes)
    lengths = [_row(f"N = {n}", sizes, frames, TuningConfig(prompts=n)) for n in (5, 10, 20)]
    middle = _row("middle layers only", sizes, frames, TuningConfig(position="middle"))
    kinds = [_row(i, sizes, frames, TuningConfig(interaction=i), paper) for i, paper in PAPER_TABLE_13.items()]
    return [*lengths, middle, *kinds]


def network_rows(classes: int, frames: int) -> list[Row]:
    """The fusions of section 4.9 and the graph baselines."""
    rows = [
        _row(f"SkeleFormer ({f})", SkeleFormerConfig(classes=classes, fusion=f), frames, TuningConfig("full"))
        for f in FUSIONS
    ]
    sizes = SkeleFormerConfig(classes=classes)
    for kind in (STGCN, ShiftGCN):
        measured = cost(kind(classes, sizes.parents), sizes.joints, sizes.features, frames)
        rows.append(Row(kind.__name__, measured, measured.flops))
    return rows


def markdown(title: str, rows: list[Row]) -> str:
    """Rows as a table under a heading."""
    lines = [
        f"### {title}",
        "",
        "| | parameters, M | trainable, M | paper, M | Gflop | Gflop folded | |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        paper = "" if row.paper is None else f"{row.paper:.2f}"
        lines.append(
            f"| {row.name} | {row.cost.parameters / 1e6:.2f} | {row.cost.trainable / 1e6:.3f} | {paper} "
            f"| {row.cost.flops / 1e9:.3f} | {row.folded_flops / 1e9:.3f} | {row.reason} |"
        )
    return "\n".join(lines)


def tables(classes: int, frames: int) -> dict[str, list[Row]]:
    """All tables by their titles."""
    return {
        "Tuning methods (table 7)": tuning_rows(classes, frames),
        "Prompts (tables 11 to 13)": prompt_rows(classes, frames),
        "Networks": network_rows(classes, frames),
    }


def as_json(content: dict[str, list[Row]]) -> dict[str, list[dict[str, Any]]]:
    """Tables as plain lists and dictionaries."""
    return {title: [asdict(row) for row in rows] for title, rows in content.items()}
