"""Length, place and interaction of the prompts (tables 11, 12 and 13)."""

from __future__ import annotations

from skeleformer.tuning import TuningConfig
from training.tables.report import Report, files_of
from training.tables.run import Settings, trial
from training.tables.task import load_task

USUAL_TARGETS = ("utkinect",)

_ROWS: tuple[tuple[str, TuningConfig, float], ...] = (
    ("N = 10, all layers, cross-attention", TuningConfig(), 93.6),
    ("N = 5", TuningConfig(prompts=5), 92.1),
    ("N = 20", TuningConfig(prompts=20), 93.2),
    ("middle layers only", TuningConfig(position="middle"), 92.9),
    ("concatenated tokens", TuningConfig(interaction="concatenation"), 89.1),
    ("concatenated channels", TuningConfig(interaction="channels"), 89.0),
    ("addition", TuningConfig(interaction="addition"), 89.6),
    ("multiplication", TuningConfig(interaction="multiplication"), 88.8),
)


def prompts(settings: Settings, targets: tuple[str, ...]) -> None:
    """Tables 11 to 13: one change at a time."""
    tasks = [load_task(settings.data, name) for name in targets or USUAL_TARGETS]
    report = Report(
        files_of("table11-13-prompts", [t.name for t in tasks], USUAL_TARGETS),
        "Length, place and interaction of prompts (tables 11 to 13)",
        "Transfer by skeleton prompts from the source model; each row changes one thing of the first. Top-1, percent.",
        [*(t.name for t in tasks), "trainable M"], settings.command, ("NTU-60 CS",),
    )  # fmt: skip
    for label, tuning, paper in _ROWS:
        trainable = ""
        cells = []
        for task in tasks:
            outcomes = [trial(task, settings, settings.source_file("full"), s, tuning, note=label)
                        for s in range(settings.seeds)]  # fmt: skip
            cells.append([o.accuracy for o in outcomes])
            trainable = f"{outcomes[0].cost.trainable_m:.2f}"
        report.add(label, [*cells, trainable], (paper,))
        report.write(settings.out)
