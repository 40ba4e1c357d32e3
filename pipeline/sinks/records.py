"""Decisions as plain records: one object per person and decision."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.types import Result

_REMEMBERED_TRACKS = 1024


def rounded(value: float, digits: int) -> float | None:
    """The number as a short JSON number; None for what JSON has no number for."""
    value = float(value)
    return round(value, digits) if math.isfinite(value) else None


class DecisionRecords:
    """Turns results into records.

    A track that has ended may get its last decision in a frame where it is no longer seen. Its record then carries the
    time and number of that frame, so that records stay in order of time, and the box in which it was seen last.
    """

    def __init__(self) -> None:
        self._boxes: dict[int, NDArray[np.float32]] = {}

    def of(self, result: Result) -> list[dict[str, Any]]:
        """A record for every track decided on this frame, by track id.

        Seconds to the millisecond, pixels to a tenth, probabilities to four digits; ``label`` is None for an action
        that the model does not know.
        """
        for person in result.people:
            self._boxes.pop(person.track, None)  # the dictionary's order is that of last sight
            self._boxes[person.track] = person.pose.box
        while len(self._boxes) > _REMEMBERED_TRACKS:
            del self._boxes[next(iter(self._boxes))]
        records = []
        for track in sorted(result.decided):
            action = result.actions[track]
            box = self._boxes.get(track)
            records.append(
                {
                    "time_s": rounded(result.frame.time_s, 3),
                    "frame": int(result.frame.index),
                    "track": int(track),
                    "box": None if box is None else [rounded(value, 1) for value in box],
                    "label": action.label,
                    "probability": rounded(action.probability, 4),
                    "top": [[label, rounded(probability, 4)] for label, probability in action.top],
                }
            )
        return records


def as_line(record: dict[str, Any]) -> str:
    """One record as one line of JSON, without the line's end."""
    return json.dumps(record, ensure_ascii=False, allow_nan=False)
