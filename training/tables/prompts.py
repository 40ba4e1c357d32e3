"""Length, place and interaction of the prompts (tables 11, 12 and 13)."""

from __future__ import annotations

from skeleformer.tuning import TuningConfig
from training.tables.networks import require_encoder
from training.tables.report import Report, files_of
from training.tables.run import Settings, trial
from training.tables.sources import FROM_SOURCE
from training.tables.task import load_task

USUAL_TARGETS = ("utkinect",)

_ROWS: tuple[tuple[str, TuningConfig, tuple[str, ...]], ...] = (
    ("N = 10, all layers, cross-attention", TuningConfig(), ("93.6", "0.40")),
    ("N = 5", TuningConfig(prompts=5), ("92.1",)),
    ("N = 20", TuningConfig(prompts=20), ("93.2",)),
    ("middle layers only", TuningConfig(position="middle"), ("92.9",)),
    ("concatenated tokens", TuningConfig(interaction="concatenation"), ("89.1",)),
    ("concatenated channels", TuningConfig(interaction="channels"), ("89.0", "0.51")),
    ("addition", TuningConfig(interaction="addition"), ("89.6 / 89.4", "0.40")),
    ("multiplication", TuningConfig(interaction="multiplication"), ("88.8", "0.41")),
)
"""What is changed, and the paper's accuracy and parameters (table 12 and table 13 differ on addition)."""


def prompts(settings: Settings, targets: tuple[str, ...]) -> None:
    """Tables 11 to 13: one change at a time."""
    tasks = [load_task(settings.data, name) for name in targets or USUAL_TARGETS]
    source = settings.source_file("full")
    require_encoder(source)
    report = Report(
        files_of("table11-13-prompts", [t.name for t in tasks], USUAL_TARGETS),
        "Length, place and interaction of prompts (tables 11 to 13)",
        f"Transfer by skeleton prompts; each row changes one thing of the first. Top-1, percent. {FROM_SOURCE}",
        [*(t.name for t in tasks), f"trainable M ({tasks[0].name})"], settings.command, ("NTU-60 CS", "trainable M"),
        settings.made_from([t.name for t in tasks], source),
    )  # fmt: skip
    report.resume(settings.out)
    for label, tuning, paper in _ROWS:
        if report.has(label):
            continue
        outcomes = [[trial(t, settings, source, s, tuning, note=label) for s in range(settings.seeds)] for t in tasks]
        trainable = f"{outcomes[0][0].cost.trainable_m:.2f}"
        report.add(label, [*([o.accuracy for o in row] for row in outcomes), trainable], paper)
        report.keep(settings.out)
    report.write(settings.out)
