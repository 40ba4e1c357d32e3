"""Every backend that works here against the reference, on windows of real people."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import EngineError
from engines.action.decision import ActionModel
from engines.action.window_set import WindowSet
from engines.loading import BACKENDS
from engines.precision import INT8_GATE, check_int8

log = logging.getLogger(__name__)

GATES = {"fp32": 1e-3, "fp16": 2e-2}
"""Largest difference of a logit from the reference that is allowed."""

BATCHES = (1, 3, 16)
"""Numbers of people in one run that the windows are cut into, in turn."""


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        model, backend, precision: what was compared.
        max_abs_diff: largest difference of a logit; None when the run failed.
        label_agreement: part of the windows with the reference's top label, ties (two logits closer together than the
            gate moves them) left out; None when the run failed.
        ok: within the gates.
        note: what else there is to say.
    """

    model: str
    backend: str
    precision: str
    max_abs_diff: float | None
    label_agreement: float | None
    ok: bool
    note: str = ""

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def reference_logits(spatial: Path, temporal: Path, windows: WindowSet) -> tuple[NDArray[np.float32], str]:
    """Logits of torch in fp32 on the CPU or GPU, or of ONNX Runtime in fp32 where torch or its weights are missing.

    Returns:
        (N, classes), and which of the two it was.
    """
    for backend in ("torch", "onnx-cpu"):
        try:
            with ActionModel(spatial, temporal, backend, "fp32") as model:
                if model.temporal.metadata.get("preprocess_version") != windows.preprocess_version:
                    raise EngineError("The windows were made by another pre-processing than the model's.")
                return run_in_batches(model, windows), backend
        except EngineError as error:
            if backend == "onnx-cpu":
                raise
            log.info("the reference is onnx-cpu, not torch: %s", error)
    raise AssertionError


def run_in_batches(model: ActionModel, windows: WindowSet) -> NDArray[np.float32]:
    """(N, classes) logits of all windows, in batches of changing size."""
    return np.concatenate([model.logits(part) for part in _batches(windows.features)])


def _batches(features: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    start, turn = 0, 0
    while start < len(features):
        size = BATCHES[turn % len(BATCHES)]
        yield features[start : start + size]
        start, turn = start + size, turn + 1


def check_action_model(
    spatial: Path, temporal: Path, windows: WindowSet, backends: Sequence[str] = BACKENDS
) -> tuple[list[Row], dict[str, str], str]:
    """Compare all backends in all their precisions with the reference.

    Returns:
        The rows of those that work here, the reasons why others do not, by backend and precision, and the reference's
        backend.

    Raises:
        EngineError: the windows were made by another pre-processing, or not even the reference runs.
    """
    name = temporal.name.removesuffix("-temporal.onnx")
    reference, by = reference_logits(spatial, temporal, windows)
    rows: list[Row] = []
    absent: dict[str, str] = {}
    for backend in backends:
        for precision in ("fp32", "fp16", "int8"):
            if precision == "int8" and backend != "onnx-cpu":
                continue
            if backend == by and precision == "fp32":
                continue
            try:
                model = ActionModel(spatial, temporal, backend, precision)
            except EngineError as error:
                absent[f"{backend} {precision}"] = str(error)
                continue
            with model:
                loss = check_int8(temporal) if precision == "int8" else None
                try:
                    logits = run_in_batches(model, windows)
                except EngineError as error:
                    rows.append(Row(name, backend, precision, None, None, False, str(error)))
                else:
                    rows.append(compare(name, backend, precision, logits, reference, loss))
    return rows, absent, by


def compare(
    model: str,
    backend: str,
    precision: str,
    logits: NDArray[np.float32],
    reference: NDArray[np.float32],
    int8_loss: float | None = None,
) -> Row:
    """One row: fp32 and fp16 are gated by difference and label, int8 by its measured loss of accuracy."""
    difference = float(np.abs(logits - reference).max()) if np.isfinite(logits).all() else float("inf")
    gate = GATES.get(precision, 0.0)
    best = np.sort(reference, axis=1)
    clear = best[:, -1] - best[:, -2] > 2 * gate
    same = logits.argmax(1) == reference.argmax(1)
    agreement = float(same[clear].mean()) if clear.any() else 1.0
    if precision == "int8":
        note = f"loses {int8_loss:.2f} points of top-1, at most {INT8_GATE} allowed"
        return Row(model, backend, precision, difference, agreement, np.isfinite(difference).item(), note)
    ok = difference <= gate and agreement == 1.0
    note = "" if clear.all() else f"{int((~clear).sum())} ties left out"
    return Row(model, backend, precision, difference, agreement, ok, note)


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown."""
    lines = ["| model | backend | precision | max abs diff | same label | ok | |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        difference = "-" if row.max_abs_diff is None else f"{row.max_abs_diff:.1e}"
        agreement = "-" if row.label_agreement is None else f"{row.label_agreement:.1%}"
        ok = "yes" if row.ok else "NO"
        lines.append(
            f"| {row.model} | {row.backend} | {row.precision} | {difference} | {agreement} | {ok} | {row.note} |"
        )
    return "\n".join(lines)
