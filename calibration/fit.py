"""Fitting temperature and threshold on validation logits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.decide import Calibration
from core.errors import CalibrationError

LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.05, 20.0
"""Between these a temperature is looked for."""


def expected_calibration_error(
    probabilities: NDArray[np.floating], correct: NDArray[np.bool_], bins: int = 15
) -> float:
    """Mean gap between confidence and accuracy over equal-width confidence bins (Guo et al., 2017, eq. 3).

    Args:
        probabilities: (N,) confidence of each decision.
        correct: (N,) whether it was right.
        bins: number of bins.
    """
    which = np.minimum((np.asarray(probabilities) * bins).astype(int), bins - 1)
    gaps = [
        abs(correct[which == b].mean() - probabilities[which == b].mean()) * (which == b).mean()
        for b in np.unique(which)
    ]
    return float(np.sum(gaps))


def _nll(logits: NDArray[np.float64], right: NDArray[np.bool_], temperature: float) -> float:
    z = logits / temperature
    z = z - z.max(1, keepdims=True)
    p = np.exp(z)
    p /= p.sum(1, keepdims=True)
    return float(-np.log(np.maximum((p * right).sum(1), 1e-12)).mean())


def fit_temperature(logits: NDArray[np.floating], right: NDArray[np.bool_]) -> float:
    """Temperature with the least negative log-likelihood, from ``LOWEST_TEMPERATURE`` to ``HIGHEST_TEMPERATURE``.

    Args:
        logits: (N, C).
        right: (N, C) True for each class that counts as right.
    """
    from scipy.optimize import minimize_scalar  # here, because it takes 0.26 s to load and only a fit needs it

    z = np.asarray(logits, np.float64)
    found = minimize_scalar(  # bounded Brent; the loss is unimodal in log T
        lambda log_t: _nll(z, right, np.exp(log_t)),
        bounds=np.log((LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE)),
        method="bounded",
        options={"xatol": 1e-8},
    )
    return float(np.exp(found.x))


def fit_threshold(confidence: NDArray[np.floating], correct: NDArray[np.bool_], precision: float) -> float:
    """The lowest threshold at which the shown decisions are right in at least ``precision`` of the cases.

    Args:
        confidence: (N,) probability of the best class.
        correct: (N,) whether it is right.
        precision: wanted part of right decisions among the shown ones.

    Returns:
        The threshold; where no threshold reaches the precision with at least 20 decisions, the one that comes nearest.
    """
    order = np.argsort(-confidence)
    falling = confidence[order]
    running = np.cumsum(correct[order]) / np.arange(1, len(order) + 1)
    possible = np.append(falling[1:] != falling[:-1], True)  # of equal ones, all are shown or none
    possible &= np.arange(len(order)) >= min(20, len(order)) - 1
    good = np.flatnonzero((running >= precision) & possible)
    last = good[-1] if len(good) else int(np.argmax(np.where(possible, running, -1)))
    return float(np.clip(falling[last], 0.0, 1.0))


def check_logits(logits: NDArray[np.floating], right: NDArray[np.bool_], name: str) -> None:
    """Can something be fitted to these?

    Args:
        logits: (N, C).
        right: (N, C).
        name: of both, for the message.

    Raises:
        CalibrationError: other shapes, no class at all, or logits that are no finite numbers.
    """
    if logits.ndim != 2 or logits.shape != right.shape:
        raise CalibrationError(
            f"{name}: logits {logits.shape} and right classes {right.shape} must have the same two axes"
        )
    if not logits.shape[1]:
        raise CalibrationError(f"{name}: the logits are of no class at all")
    if logits.dtype.kind not in "fiu" or not np.isfinite(logits).all():
        raise CalibrationError(f"{name}: some logits are no finite numbers")


def fit(
    logits: NDArray[np.floating], right: NDArray[np.bool_], precision: float = 0.8, model: str = ""
) -> tuple[Calibration, dict[str, Any]]:
    """Fit a calibration, and the figures that tell what it does.

    Args:
        logits: (N, C) of validation windows, at least 50.
        right: (N, C) True for each class that counts as right; a row without any is a person who does none of them.
        precision: wanted part of right labels among those shown.
        model: name to record.

    Raises:
        CalibrationError: too few windows, none with a right class, or arrays that ``check_logits`` refuses.
    """
    check_logits(logits, right, "the windows")
    if len(logits) < 50:
        raise CalibrationError(f"{len(logits)} windows are too few to fit a calibration; at least 50 are needed")
    known = right.any(1)
    if not known.any():
        raise CalibrationError("no window has a right class, so there is nothing to fit a temperature to")
    temperature = fit_temperature(logits[known], right[known])
    p, _ = Calibration(temperature).decide(logits)
    best = p.argmax(1)
    confidence, correct = p.max(1), right[np.arange(len(p)), best]
    before = Calibration().decide(logits)[0].max(1)
    threshold = fit_threshold(confidence, correct, precision)
    shown = confidence >= threshold
    figures = {
        "windows": len(logits),
        "accuracy": float(correct.mean()),
        "ece_before": expected_calibration_error(before, correct),
        "ece": expected_calibration_error(confidence, correct),
        "shown": float(shown.mean()),
        "precision_of_shown": float(correct[shown].mean()) if shown.any() else 0.0,
    }
    return Calibration(temperature, threshold, model), figures


def doubts(calibration: Calibration, figures: dict[str, Any], precision: float) -> list[str]:
    """What is to be said about a fit that is not what was asked for, a sentence each.

    Args:
        calibration, figures: of ``fit``.
        precision: that was wanted of it.
    """
    said = []
    if figures["precision_of_shown"] < precision:
        said.append(
            f"no threshold reaches a precision of {precision:.1%}; with the one that comes nearest, "
            f"{figures['precision_of_shown']:.1%} of the labels shown are right"
        )
    if calibration.temperature > 0.99 * HIGHEST_TEMPERATURE:
        said.append(
            f"the temperature is the highest that is looked for ({HIGHEST_TEMPERATURE:g}): "
            "these logits say hardly anything about the right class"
        )
    if calibration.temperature < 1.01 * LOWEST_TEMPERATURE:
        said.append(
            f"the temperature is the lowest that is looked for ({LOWEST_TEMPERATURE:g}): "
            "nearly every window is right, as when a model has learnt from them"
        )
    return said
