"""People and actions to draw and to count, without any network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from core.types import Action, Person, Pose, Result

# A standing person in a unit square: COCO-17 order, x to the right and y down.
STANDING = np.array(
    [
        (0.50, 0.08), (0.52, 0.06), (0.48, 0.06), (0.55, 0.08), (0.45, 0.08), (0.62, 0.22), (0.38, 0.22), (0.68, 0.38),
        (0.32, 0.38), (0.70, 0.52), (0.30, 0.52), (0.58, 0.52), (0.42, 0.52), (0.58, 0.75), (0.42, 0.75), (0.58, 0.97),
        (0.42, 0.97),
    ],
    np.float32,
)  # fmt: skip


def action(label: str | None, probability: float = 0.9, time_s: float = 0.0) -> Action:
    """An action with plausible other classes."""
    top = ((label or "walk", probability), ("run", (1 - probability) / 2), ("jump", (1 - probability) / 4))
    return Action(label, probability, top, np.zeros(4, np.float32), time_s)


def person(track: int, box: tuple[float, float, float, float], score: float = 0.9) -> Person:
    """A standing person who fills a box in pixels."""
    x1, y1, x2, y2 = box
    keypoints = STANDING * np.array([x2 - x1, y2 - y1], np.float32) + np.array([x1, y1], np.float32)
    return Person(track, Pose(keypoints, np.full(17, score, np.float32), np.array(box, np.float32), score))


MakeResult = Callable[..., Result]
"""Of the fixture ``make_result``."""
