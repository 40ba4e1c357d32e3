"""Transfer by each of the nine tuning methods (table 7) and what it costs (table 8)."""

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
