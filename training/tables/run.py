"""What all tables are given, and one measured trial."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from skeleformer.model import SkeleFormer
from skeleformer.tuning import TuningConfig
from training.finetune import predictor
from training.tables.networks import skeleformer
from training.tables.task import Task
from training.tables.trial import Budget, Cost, train

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """A run of ``python -m training.tables``.

    Attributes:
        data: folder of annotation files.
        out: folder of the reports.
        encoder: weights of the 2-D-to-3-D pre-training.
        source: folder of the source models (``sources.py``).
        seeds: how many.
        budget: how trials are trained.
        command: as typed, for the reports.
    """

    data: Path
    out: Path
    encoder: Path
    source: Path
    seeds: int
    budget: Budget
    command: str

    def source_file(self, kind: str) -> Path:
        """Weights of a source model."""
        return self.source / f"source-{kind}.safetensors"


@dataclass(frozen=True)
class Outcome:
    """A trained network with its accuracy in percent and its cost."""

    model: SkeleFormer
    accuracy: float
    cost: Cost


def trial(
    task: Task,
    settings: Settings,
    encoder: Path | None,
    seed: int,
    tuning: str | TuningConfig = "full",
    fusion: str = "jemf",
    note: str = "",
) -> Outcome:
    """Train a SkeleFormer on a task in one way and measure it."""
    model = skeleformer(len(task.label_names), encoder, tuning, fusion, seed=seed)
    method = tuning if isinstance(tuning, str) else tuning.method
    batch = settings.budget.batch
    cost = train(model, task.batches(seed, batch), task.steps(batch), settings.budget, method == "full", seed)
    accuracy = task.accuracy(predictor(model, settings.budget.amp))
    log.info("%s %s %s seed %d: %.1f %% (%.2f M, %.1f s a 1000)", task.name, method, note or fusion, seed, accuracy,
             cost.trainable_m, cost.seconds_per_1000)  # fmt: skip
    return Outcome(model, accuracy, cost)
