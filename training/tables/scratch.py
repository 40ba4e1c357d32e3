"""What pre-training is worth (tables 1 to 5) and what the other components are (table 10)."""

from __future__ import annotations

from pathlib import Path

from training.finetune import predictor
from training.tables.networks import require_encoder, stgcn
from training.tables.report import Report, files_of
from training.tables.run import Settings, trial
from training.tables.task import Task, load_task
from training.tables.trial import train

_PAPER_1 = {"ST-GCN": (88.9, 96.8), "SkeleFormer (scratch)": (88.5, 95.4), "SkeleFormer (2D->3D)": (93.1, 97.1)}

_PAPER_10 = {
    "without 2D->3D": (89.5, 65.0), "all": (93.6, 70.7), "without JEMF": (91.7, 66.2),
    "without cross-attention": (91.4, 66.2),
}  # fmt: skip


PRETRAINING_TARGETS = ("utkinect", "msr_action3d", "jhmdb_train")
COMPONENTS_TARGETS = ("utkinect",)


def stgcn_accuracy(task: Task, settings: Settings, seed: int) -> float:
    """ST-GCN from scratch, trained like everything else."""
    model = stgcn(len(task.label_names), seed=seed)
    batch = settings.budget.batch
    train(model, task.batches(seed, batch), task.steps(batch), settings.budget, False, seed)
    return task.accuracy(predictor(model, settings.budget.amp))


def pretraining(settings: Settings, targets: tuple[str, ...]) -> None:
    """Tables 1 to 5: SkeleFormer from scratch and from 2-D-to-3-D pre-training, and ST-GCN, on each target alone."""
    require_encoder(settings.encoder)
    tasks = [load_task(settings.data, name) for name in targets or PRETRAINING_TARGETS]
    report = Report(
        files_of("table1-5-pretraining", [t.name for t in tasks], PRETRAINING_TARGETS),
        "Scratch against 2D-to-3D pre-training (tables 1 to 5)",
        f"Each network is trained on the target's training part alone ({_sizes(tasks)}) and measured on its "
        "validation part; top-1 in percent.",
        [t.name for t in tasks], settings.command, ("NTU-60 CS", "NTU-60 CV"),
    )  # fmt: skip

    seeds = range(settings.seeds)
    starts = (("SkeleFormer (scratch)", None), ("SkeleFormer (2D->3D)", settings.encoder))
    report.add("ST-GCN", [[stgcn_accuracy(t, settings, s) for s in seeds] for t in tasks], _PAPER_1["ST-GCN"])
    report.write(settings.out)
    for label, encoder in starts:
        cells = [[trial(t, settings, encoder, s, note=label).accuracy for s in seeds] for t in tasks]
        report.add(label, cells, _PAPER_1[label])
        report.write(settings.out)


def components(settings: Settings, targets: tuple[str, ...]) -> None:
    """Table 10: transfer by skeleton prompts without one component at a time."""
    tasks = [load_task(settings.data, name) for name in targets or COMPONENTS_TARGETS]
    report = Report(
        files_of("table10-components", [t.name for t in tasks], COMPONENTS_TARGETS),
        "Components of Skeleton-Prompt (table 10)",
        "Transfer from the source model (every data set but the targets) by skeleton prompts, leaving out one "
        f"component at a time ({_sizes(tasks)}). Without 2D->3D the source model starts from random weights; without "
        "JEMF its streams are fused at the input, while the encoder is the same pre-trained one.",
        [t.name for t in tasks], settings.command, ("NTU-60 CS", "HMDB51"),
    )  # fmt: skip
    rows: tuple[tuple[str, Path, str, str], ...] = (
        ("without 2D->3D", settings.source_file("scratch"), "skeleton-prompt", "jemf"),
        ("all", settings.source_file("full"), "skeleton-prompt", "jemf"),
        ("without JEMF", settings.source_file("input"), "skeleton-prompt", "input"),
        ("without cross-attention", settings.source_file("full"), "skeleton-prompt-without-ca", "jemf"),
    )
    for _, source, _, fusion in rows:
        require_encoder(source, fusion)
    for label, source, method, fusion in rows:
        cells = [
            [trial(t, settings, source, s, method, fusion, label).accuracy for s in range(settings.seeds)]
            for t in tasks
        ]
        report.add(label, cells, _PAPER_10[label])
        report.write(settings.out)


def _sizes(tasks: list[Task]) -> str:
    return ", ".join(f"{t.name}: {len(t.source.clips)} clips, {t.passes} passes" for t in tasks)
