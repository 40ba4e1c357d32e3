"""Transfer from less data (table 14)."""

from __future__ import annotations

from training.tables.networks import require_encoder
from training.tables.report import Report, files_of
from training.tables.run import Settings, trial
from training.tables.sources import FROM_SOURCE
from training.tables.task import load_task

USUAL_TARGETS = ("utkinect",)

PARTS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0)

_PAPER_14 = {
    0.1: (66.5, 61.6, 65.8, 65.0, 66.2, 64.8), 0.2: (72.2, 70.0, 71.5, 72.1, 75.4, 69.3),
    0.3: (74.3, 74.8, 75.5, 75.9, 80.9, 77.3), 0.5: (77.4, 79.7, 79.5, 80.2, 84.5, 84.3),
    0.7: (79.4, 81.9, 81.7, 82.4, 85.9, 87.6), 1.0: (81.1, 83.5, 84.6, 85.5, 87.7, 90.2),
}  # fmt: skip
_METHODS = ("bitfit", "lora", "vpt", "adapter", "pro-tuning", "skeleton-prompt")


def scale(settings: Settings, targets: tuple[str, ...]) -> None:
    """Table 14: six methods on 10 to 100 % of the training clips, with as many passes over them."""
    task = load_task(settings.data, (targets or USUAL_TARGETS)[0])
    source = settings.source_file("full")
    require_encoder(source)
    report = Report(
        files_of("table14-scale", (task.name,), USUAL_TARGETS), "Transfer from less data (table 14)",
        f"To a part of {task.name}'s training clips, the same part of each class ({len(task.source.clips)} clips, "
        f"{task.passes} passes at any scale); top-1 in percent. {FROM_SOURCE} The paper's figures are for NTU-120 CS.",
        _METHODS, settings.command, _METHODS, settings.made_from([task.name], source),
    )  # fmt: skip
    report.resume(settings.out)
    for part in PARTS:
        if report.has(f"{part:.0%}"):
            continue
        cells = []
        for method in _METHODS:
            trials = [
                trial(task.fraction(part, seed), settings, source, seed, method, note=f"{part:.0%}")
                for seed in range(settings.seeds)
            ]
            cells.append([t.accuracy for t in trials])
        report.add(f"{part:.0%}", cells, _PAPER_14[part])
        report.keep(settings.out)
    report.write(settings.out)
