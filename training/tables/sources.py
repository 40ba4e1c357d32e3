"""Source models: trained on every data set of the recipe but the targets, so that no target clip is known."""

from __future__ import annotations

import json
import logging
import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.files import make_folder, refuse_overwriting
from training.data.vocabulary import LABELS
from training.recipe import SHIPPED, files_of_recipe, shipped_sources
from training.tables.networks import skeleformer
from training.tables.run import Settings
from training.tables.task import FRAMES, TARGETS, Batches
from training.tables.trial import train
from training.windows.sampler import epoch_batches
from training.windows.source import Source

log = logging.getLogger(__name__)

KINDS = ("full", "scratch", "input")
"""``full``: 2-D-to-3-D pre-training and JEMF; ``scratch``: without the pre-training; ``input``: fused at the input."""

FROM_SOURCE = (
    "Transfer starts from one source model for all targets and seeds, trained on the recipe's data sets but the "
    "targets', its labelled motion capture left out; so the spread is that of the transfer alone."
)
"""For the settings of the reports."""

WINDOWS = 20_000
PART = 2_000

_RELATED = {"jhmdb_train": ("jhmdb_train", "jhmdb_train_lightning")}  # one set of videos, two files of poses


def left_out() -> tuple[str, ...]:
    """Files of the targets."""
    return tuple(name for target in TARGETS for name in _RELATED.get(target, (target,)))


def train_source(kind: str, settings: Settings) -> Path:
    """Train a source model and write it, its metadata naming what it saw.

    Raises:
        UserError: data or encoder cannot be used, the folder cannot be made, or the model would take an input's place,
            which is found out before the training.
    """
    path, encoder = settings.source_file(kind), None if kind == "scratch" else settings.pretrained()
    read = [*files_of_recipe(settings.data), *([encoder] if encoder is not None else [])]
    refuse_overwriting([("--source", path)], read)
    make_folder(path.parent)
    parts = tuple(p for p in SHIPPED if p.file not in left_out())
    sources = [s for s in shipped_sources(settings.data, parts) if s.name != "mocap"]
    # The fusion alone cannot be taken over from the pre-trained encoder when it is another one.
    model = skeleformer(len(LABELS), encoder, "full", "input" if kind == "input" else "jemf")
    batch = 4 * settings.budget.batch
    steps = math.ceil(PART / batch) * (WINDOWS // PART)
    cost = train(model, _batches(sources, batch), steps, replace(settings.budget, batch=batch), True, 0)
    log.info("source %s: %.1f s a 1000 windows", kind, cost.seconds_per_1000)
    model.save_pretrained(path, {"labels": json.dumps(LABELS), "trained_on": json.dumps([s.name for s in sources])})
    return path


def _batches(sources: list[Source], batch: int) -> Batches:
    for part in range(WINDOWS // PART):  # drawn in parts, so that not all windows are in memory at once
        rng = np.random.default_rng((0, part))
        for drawn in epoch_batches(sources, len(LABELS), rng, PART, batch, FRAMES):
            # A class that may be any of several words counts as the first: the vocabulary is dropped after all.
            yield drawn.features, drawn.target.argmax(1)
