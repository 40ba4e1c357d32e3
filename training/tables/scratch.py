"""What pre-training is worth (tables 1 to 5) and what the other components are (table 10)."""

from __future__ import annotations

from pathlib import Path

from training.tables.networks import require_encoder
from training.tables.report import Report, files_of
from training.tables.run import Settings, stgcn_trial, trial
from training.tables.sources import FROM_SOURCE, KINDS
from training.tables.task import Task, load_task

_PAPER_1 = {"ST-GCN": (88.9, 96.8), "SkeleFormer (scratch)": (88.5, 95.4), "SkeleFormer (2D->3D)": (93.1, 97.1)}

_PAPER_10 = {
    "without 2D->3D": (89.5, 65.0), "all": (93.6, 70.7), "without JEMF": (91.7, 66.2),
    "without cross-attention": (91.4, 66.2),
}  # fmt: skip


PRETRAINING_TARGETS = ("utkinect", "msr_action3d", "jhmdb_train")
COMPONENTS_TARGETS = ("utkinect",)


def pretraining(settings: Settings, targets: tuple[str, ...]) -> None:
    """Tables 1 to 5: SkeleFormer from scratch and from 2-D-to-3-D pre-training, and ST-GCN, on each target alone."""
    encoder = settings.pretrained()
    require_encoder(encoder)
    tasks = [load_task(settings.data, name) for name in targets or PRETRAINING_TARGETS]
    report = Report(
        files_of("table1-5-pretraining", [t.name for t in tasks], PRETRAINING_TARGETS),
        "Scratch against 2D-to-3D pre-training (tables 1 to 5)",
        f"Each network is trained on the target's training part alone ({_sizes(tasks)}) and measured on its "
        "validation part; top-1 in percent.",
        [t.name for t in tasks], settings.command, ("NTU-60 CS", "NTU-60 CV"),
        settings.made_from([t.name for t in tasks], encoder),
    )  # fmt: skip
    report.resume(settings.out)

    def accuracy(label: str, task: Task, seed: int) -> float:
        if label == "ST-GCN":
            return stgcn_trial(task, settings, seed).accuracy
        start = encoder if label == "SkeleFormer (2D->3D)" else None
        return trial(task, settings, start, seed, note=label).accuracy

    for label, paper in _PAPER_1.items():
        if not report.has(label):
            report.add(label, [[accuracy(label, t, s) for s in range(settings.seeds)] for t in tasks], paper)
            report.keep(settings.out)
    report.write(settings.out)


def components(settings: Settings, targets: tuple[str, ...]) -> None:
    """Table 10: transfer by skeleton prompts without one component at a time."""
    tasks = [load_task(settings.data, name) for name in targets or COMPONENTS_TARGETS]
    report = Report(
        files_of("table10-components", [t.name for t in tasks], COMPONENTS_TARGETS),
        "Components of Skeleton-Prompt (table 10)",
        f"Transfer by skeleton prompts, leaving out one component at a time ({_sizes(tasks)}). {FROM_SOURCE} Without "
        "2D->3D the source model starts from random weights; without JEMF its streams are fused at the input, while "
        "the encoder is the same pre-trained one.",
        [t.name for t in tasks], settings.command, ("NTU-60 CS", "HMDB51"),
        settings.made_from([t.name for t in tasks], *map(settings.source_file, KINDS)),
    )  # fmt: skip
    report.resume(settings.out)
    rows: tuple[tuple[str, Path, str, str], ...] = (
        ("without 2D->3D", settings.source_file("scratch"), "skeleton-prompt", "jemf"),
        ("all", settings.source_file("full"), "skeleton-prompt", "jemf"),
        ("without JEMF", settings.source_file("input"), "skeleton-prompt", "input"),
        ("without cross-attention", settings.source_file("full"), "skeleton-prompt-without-ca", "jemf"),
    )
    for _, source, _, fusion in rows:
        require_encoder(source, fusion)
    for label, source, method, fusion in rows:
        if report.has(label):
            continue
        cells = [
            [trial(t, settings, source, s, method, fusion, label).accuracy for s in range(settings.seeds)]
            for t in tasks
        ]
        report.add(label, cells, _PAPER_10[label])
        report.keep(settings.out)
    report.write(settings.out)


def _sizes(tasks: list[Task]) -> str:
    return ", ".join(f"{t.name}: {len(t.source.clips)} clips, {t.passes} passes" for t in tasks)
