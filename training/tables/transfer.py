"""Transfer by each of the nine tuning methods (table 7), what it costs (table 8), and from less data (table 14)."""

from __future__ import annotations

import numpy as np

from skeleformer.tuning import METHODS
from training.tables.networks import require_encoder
from training.tables.report import Report, files_of
from training.tables.run import Outcome, Settings, trial
from training.tables.sources import FROM_SOURCE
from training.tables.task import TARGETS, load_task

_PAPER_7 = {
    "full": (93.7, 70.8), "linear-probing": (82.9, 59.7), "bitfit": (84.2, 61.3), "lora": (88.1, 62.4),
    "vpt": (89.1, 63.9), "adapter": (89.5, 64.3), "pro-tuning": (92.3, 67.8),
    "skeleton-prompt-without-ca": (91.4, 66.2), "skeleton-prompt": (93.6, 70.7),
}  # fmt: skip
_PAPER_8 = {"full": 25.3, "lora": 18.7, "vpt": 16.2, "skeleton-prompt": 14.5}  # minutes an epoch


def transfer(settings: Settings, targets: tuple[str, ...]) -> None:
    """Tables 7 and 8: from the source model to each target by each method."""
    tasks = [load_task(settings.data, name) for name in targets or TARGETS]
    source = settings.source_file("full")
    require_encoder(source)
    sizes = ", ".join(f"{t.name}: {len(t.source.clips)} clips, {t.passes} passes" for t in tasks)
    report = Report(
        files_of("table7-transfer", [t.name for t in tasks], TARGETS),
        "Transfer by nine tuning methods (tables 7 and 8)",
        f"To each target's training part ({sizes}); top-1 in percent on its validation part. {FROM_SOURCE} Time is "
        "processor time of a training epoch, making its windows included, as a part of full fine-tuning's.",
        [*(t.name for t in tasks), f"trainable M ({tasks[0].name})", "epoch time"], settings.command,
        ("NTU-60 CS", "HMDB51", "epoch time"),
        settings.made_from([t.name for t in tasks], source),
    )  # fmt: skip
    report.resume(settings.out)
    for method in METHODS:
        if report.has(method):
            continue
        outcomes: list[list[Outcome]] = [
            [trial(t, settings, source, s, method) for s in range(settings.seeds)] for t in tasks
        ]
        seconds = float(np.mean([o.cost.seconds_per_1000 for row in outcomes for o in row]))
        full_time = report.rows[0]["seconds_per_1000"] if report.rows else seconds  # METHODS begins with the full one
        paper_time = f"{_PAPER_8[method] / _PAPER_8['full']:.2f}" if method in _PAPER_8 else ""
        report.add(
            method,
            [*([o.accuracy for o in row] for row in outcomes), f"{outcomes[0][0].cost.trainable_m:.2f}",
             f"{seconds / full_time:.2f}"],
            (*_PAPER_7[method], paper_time), seconds_per_1000=seconds,
        )  # fmt: skip
        report.keep(settings.out)
    report.write(settings.out)


SCALE_TARGETS = ("utkinect",)

PARTS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0)

_PAPER_14 = {
    0.1: (66.5, 61.6, 65.8, 65.0, 66.2, 64.8), 0.2: (72.2, 70.0, 71.5, 72.1, 75.4, 69.3),
    0.3: (74.3, 74.8, 75.5, 75.9, 80.9, 77.3), 0.5: (77.4, 79.7, 79.5, 80.2, 84.5, 84.3),
    0.7: (79.4, 81.9, 81.7, 82.4, 85.9, 87.6), 1.0: (81.1, 83.5, 84.6, 85.5, 87.7, 90.2),
}  # fmt: skip
_SCALED_METHODS = ("bitfit", "lora", "vpt", "adapter", "pro-tuning", "skeleton-prompt")


def scale(settings: Settings, targets: tuple[str, ...]) -> None:
    """Table 14: six methods on 10 to 100 % of the training clips, with as many passes over them."""
    task = load_task(settings.data, (targets or SCALE_TARGETS)[0])
    source = settings.source_file("full")
    require_encoder(source)
    report = Report(
        files_of("table14-scale", (task.name,), SCALE_TARGETS), "Transfer from less data (table 14)",
        f"To a part of {task.name}'s training clips, the same part of each class ({len(task.source.clips)} clips, "
        f"{task.passes} passes at any scale); top-1 in percent. {FROM_SOURCE} The paper's figures are for NTU-120 CS.",
        _SCALED_METHODS, settings.command, _SCALED_METHODS, settings.made_from([task.name], source),
    )  # fmt: skip
    report.resume(settings.out)
    for part in PARTS:
        if report.has(f"{part:.0%}"):
            continue
        cells = []
        for method in _SCALED_METHODS:
            trials = [
                trial(task.fraction(part, seed), settings, source, seed, method, note=f"{part:.0%}")
                for seed in range(settings.seeds)
            ]
            cells.append([t.accuracy for t in trials])
        report.add(f"{part:.0%}", cells, _PAPER_14[part])
        report.keep(settings.out)
    report.write(settings.out)
