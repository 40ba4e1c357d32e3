"""The epochs of a training run, whatever is trained: batches, steps, metrics, a checkpoint each epoch, and going on."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.errors import UserError
from core.files import make_folder
from training.run.average import RunningAverage
from training.run.checkpoint import load_checkpoint, require_same_run, save_checkpoint
from training.run.devices import Arithmetic, ask_for_repeatability
from training.run.metrics import Metrics, Row
from training.run.parallel import World, share_batch_norm

log = logging.getLogger(__name__)

Batch = Sequence[NDArray]
"""Arrays with a window a row; the first is the network's input."""

CHECKPOINT = "last.ckpt"

RUN_FILES = (CHECKPOINT, "metrics.csv", "metrics.jsonl", "curves.png")
"""What every run leaves in its folder."""

_RANK_SEED = 7_919_000_003
"""Between the random numbers of two processes, so that they do not drop the same units."""


@dataclass(frozen=True)
class Stage:
    """What one kind of training brings along.

    Attributes:
        model: on its device, its parameters those that a new run starts from.
        optimizer: of the model's parameters; its groups' ``lr`` is what ``rate`` multiplies.
        batches: an epoch's batches from a random generator. Each process draws all of them and takes its rows.
        loss: mean over the windows, from the network's output and the batch's other arrays.
        rate: factor of the learning rates at a step of an epoch, both counted from 0.
        validate: figures of an epoch, for the metrics; called by the first process alone.
        settings: what a run must share with its checkpoint to go on; plain values and lists of them.
        average: of the weights, if one is kept.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    batches: Callable[[np.random.Generator], Iterable[Batch]]
    loss: Callable[[Tensor, Sequence[Tensor]], Tensor]
    rate: Callable[[int, int], float]
    validate: Callable[[int], dict[str, float]]
    settings: dict[str, Any]
    average: RunningAverage | None = None


def train(stage: Stage, out: Path, epochs: int, seed: int, arithmetic: Arithmetic, world: World) -> None:
    """Run the epochs that are left; ``last.ckpt`` is written after each and gone on from.

    All randomness of an epoch comes from the seed and its number, so an interrupted run ends in the same weights as
    one that was left alone (to the bit on a CPU with the same number of threads and processes; ``prepare`` asks a
    GPU for the same).

    Args:
        stage: what is trained; left as trained.
        out: folder of the checkpoint and the metrics.
        epochs: of the whole run.
        seed: of the whole run.
        arithmetic: device and precision.
        world: the processes that share the work.

    Raises:
        UserError: the checkpoint is damaged, of a run with other settings or not the same for all processes, a batch
            has fewer windows than there are processes, or the folder cannot be written to.
    """
    loop = _Loop(stage, out / CHECKPOINT, arithmetic, world)
    first = loop.resume()
    loop.require_same_start(first)
    make_folder(out)  # now, not after an epoch, should that be impossible
    world.share(stage.model)
    metrics = Metrics(out, loop.rows) if world.first and (loop.rows or first < epochs) else None
    for epoch in range(first, epochs):
        started = time.perf_counter()
        torch.manual_seed(seed * 100_003 + epoch + _RANK_SEED * world.rank)
        loss = loop.epoch(epoch, np.random.default_rng((seed, epoch)))
        if metrics is None:
            continue
        row: Row = {"epoch": epoch, "loss": loss, "seconds": time.perf_counter() - started}
        row.update(stage.validate(epoch))
        log.info(" ".join(f"{k} {v:.4g}" for k, v in row.items()))
        loop.rows.append(row)
        loop.save(epoch)
        metrics.write(loop.rows)
    if metrics is not None:
        metrics.close()


class _Loop:
    """A run's changing state."""

    def __init__(self, stage: Stage, checkpoint: Path, arithmetic: Arithmetic, world: World) -> None:
        self.stage, self.checkpoint, self.arithmetic, self.world = stage, checkpoint, arithmetic, world
        self.scaler = arithmetic.scaler()
        self.rates = [group["lr"] for group in stage.optimizer.param_groups]
        self.rows: list[Row] = []

    def resume(self) -> int:
        """Load the checkpoint, if there is one; the first epoch to run."""
        state = load_checkpoint(self.checkpoint)
        if state is None:
            return 0
        stage = self.stage
        require_same_run(self.checkpoint, state.get("config", {}), stage.settings)
        try:
            stage.model.load_state_dict(state["model"])
            stage.optimizer.load_state_dict(state["optimizer"])
            if stage.average is not None:
                stage.average.load(state)
        except (RuntimeError, ValueError, KeyError):  # written before the network or the run had its present form
            raise UserError(f"{self.checkpoint} is of another network: give another --out") from None
        if state.get("scaler"):
            self.scaler.load_state_dict(state["scaler"])
        self.rows = state.get("rows", [])
        log.info("goes on after epoch %d", state["epoch"])
        return state["epoch"] + 1

    def require_same_start(self, first: int) -> None:
        """Make sure that all processes begin at the same epoch; otherwise they would wait for each other at its end.

        Raises:
            UserError: on all of them, when one does not.
        """
        starts = self.world.each(first, self.arithmetic.device)
        if len(set(starts)) > 1:
            raise UserError(
                f"{self.checkpoint} is not the same for all processes, which would begin at epochs "
                f"{', '.join(map(str, starts))}: put it in a folder that their machines share, or copy it to each"
            )

    def save(self, epoch: int) -> None:
        """Write everything that ``resume`` needs."""
        stage = self.stage
        state = {
            "model": stage.model.state_dict(), "optimizer": stage.optimizer.state_dict(), "epoch": epoch,
            "config": stage.settings, "rows": self.rows, "scaler": self.scaler.state_dict(),
        }  # fmt: skip
        if stage.average is not None:
            state |= stage.average.saved()
        save_checkpoint(self.checkpoint, state)

    def epoch(self, number: int, rng: np.random.Generator) -> float:
        """Train for an epoch; its mean loss."""
        self.stage.model.train()
        losses = [self._step(number, step, batch) for step, batch in enumerate(self._parts(rng))]
        return float(np.mean(self.world.sum(torch.stack(losses)).tolist()))

    def _parts(self, rng: np.random.Generator) -> Iterator[tuple[list[Tensor], float]]:
        """This process's part of each batch of an epoch on the device, and which part of the batch it is."""
        for batch in self.stage.batches(rng):
            count = len(batch[0])
            rows = self.world.part(count)
            yield [self.arithmetic.tensor(a[rows]) for a in batch], (rows.stop - rows.start) / count

    def _step(self, epoch: int, step: int, batch: tuple[list[Tensor], float]) -> Tensor:
        """One step of the optimizer; this process's share of the loss."""
        stage, scaler = self.stage, self.scaler
        (features, *others), part = batch
        # Not torch's LambdaLR: it takes twice as long (4 µs a step), needs state that older checkpoints lack, and warns
        # of a wrong order when the scaler skips the first step.
        for group, rate in zip(stage.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * stage.rate(epoch, step)
        with self.arithmetic.autocast():
            output = stage.model(features)
        loss = stage.loss(output.float(), others) * part
        stage.optimizer.zero_grad(set_to_none=True)
        scaler.scale(loss).backward()
        self.world.sum_gradients(stage.model.parameters())
        scaler.unscale_(stage.optimizer)
        nn.utils.clip_grad_norm_(stage.model.parameters(), 1.0)
        scaler.step(stage.optimizer)
        scaler.update()
        if stage.average is not None:
            stage.average.update_parameters(stage.model)
        return loss.detach()


def prepare(model: nn.Module, device: torch.device, world: World) -> None:
    """Put a model on its device, its batch norms over all processes; before the optimizer is made."""
    ask_for_repeatability(device)
    model.to(device)
    if world.size > 1:
        share_batch_norm(model)
