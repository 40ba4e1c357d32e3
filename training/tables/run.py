"""What all tables are given, and one measured trial."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import nn

from core.errors import UserError
from skeleformer.tuning import TuningConfig
from training.finetune import predictor
from training.tables.networks import skeleformer, stgcn
from training.tables.task import Task
from training.tables.trial import Budget, Cost, train

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """A run of ``python -m training.tables``.

    Attributes:
        data: folder of annotation files.
        out: folder of the reports.
        encoder: weights of the 2-D-to-3-D pre-training; None where a table does not start from them.
        source: folder of the source models (``sources.py``).
        seeds: how many.
        budget: how trials are trained.
        command: as typed, for the reports.
    """

    data: Path
    out: Path
    encoder: Path | None
    source: Path
    seeds: int
    budget: Budget
    command: str

    def source_file(self, kind: str) -> Path:
        """Weights of a source model."""
        return self.source / f"source-{kind}.safetensors"

    def pretrained(self) -> Path:
        """Weights of the 2-D-to-3-D pre-training.

        Raises:
            UserError: none were given.
        """
        if self.encoder is None:
            raise UserError("this starts from the pre-trained encoder: give its checkpoint with --encoder")
        return self.encoder

    def made_from(self, data: Sequence[str], *weights: Path) -> dict[str, Any]:
        """What a table's figures depend on: seeds, rates, SHA-256 of its data sets and of the weights it starts from.

        Raises:
            UserError: one of the files cannot be read.
        """
        files = [*(self.data / f"{name}.pkl" for name in data), *weights]
        return {"seeds": self.seeds, "budget": asdict(self.budget), "sha256": {f.name: _digest(f) for f in files}}


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from None


@dataclass(frozen=True)
class Outcome:
    """A trained network with its accuracy in percent and its cost."""

    model: nn.Module
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
    return _measured(model, task, settings, method == "full", seed, f"{method} {note or fusion}")


def stgcn_trial(task: Task, settings: Settings, seed: int) -> Outcome:
    """Train an ST-GCN from scratch on a task, at the rate of a classifier, and measure it."""
    return _measured(stgcn(len(task.label_names), seed=seed), task, settings, False, seed, "ST-GCN")


def _measured(model: nn.Module, task: Task, settings: Settings, whole: bool, seed: int, what: str) -> Outcome:
    batch = settings.budget.batch
    cost = train(model, task.batches(seed, batch), task.steps(batch), settings.budget, whole, seed)
    accuracy = task.accuracy(predictor(model, settings.budget.amp))
    log.info("%s %s seed %d: %.1f %% (%.2f M, %.1f s a 1000)", task.name, what, seed, accuracy,
             cost.trainable_m, cost.seconds_per_1000)  # fmt: skip
    return Outcome(model, accuracy, cost)
