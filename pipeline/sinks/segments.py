"""A table of who did what from when to when."""

from __future__ import annotations

import csv
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from core.errors import SinkError
from core.files import WholeFile
from core.types import Action, Result
from pipeline.sinks.base import Sink

COLUMNS = ("start_s", "end_s", "track", "label", "mean_probability")

REACH_S = 2.1
"""Seconds before a track's first decision that this decision speaks for: one window of the model."""

LOST_S = 5.0
"""A track unseen for longer ends its segment where it was seen last."""


@dataclass
class _Segment:
    start_s: float
    label: str
    probability: float = 0.0
    decisions: int = 0


@dataclass
class _Track:
    first_s: float
    seen_s: float
    decided: bool = False
    segment: _Segment | None = None


class SegmentSink(Sink):
    """CSV with a row for every stretch of time in which a track keeps one known label.

    A label holds from its decision to the next decision that says otherwise, or to the last sight of the person; a
    track's first decision also holds for up to ``REACH_S`` before it. Rows are sorted by start. The file appears at
    ``close``.

    Args:
        path: the file.

    Raises:
        SinkError: at once when the place cannot be written.
    """

    def __init__(self, path: str | Path) -> None:
        self.name = f"segments {Path(path).name}"
        self._file = WholeFile(path)
        self._tracks: dict[int, _Track] = {}
        # A temporary data base on disk, which takes and sorts the rows of months without filling the memory.
        self._rows = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._rows.execute(f"CREATE TABLE segment ({', '.join(COLUMNS)})")
        self._closed = False

    def write(self, result: Result) -> None:
        """Takes in who is seen and what was decided."""
        time_s = result.frame.time_s
        for person in result.people:
            self._tracks.setdefault(person.track, _Track(time_s, time_s)).seen_s = time_s
        for track in result.decided:
            self._decide(track, result.actions[track])
        for track in [track for track, state in self._tracks.items() if time_s - state.seen_s > LOST_S]:
            self._end(track, self._tracks.pop(track))

    def close(self) -> None:
        """Writes the table."""
        if self._closed:
            return
        self._closed = True
        for track, state in self._tracks.items():
            self._end(track, state)
        try:
            rows = self._rows.execute(f"SELECT * FROM segment ORDER BY {', '.join(COLUMNS)}")
            with self._file.temporary.open("w", newline="", encoding="utf-8") as file:
                table = csv.writer(file, lineterminator="\n")
                table.writerow(COLUMNS)
                for start_s, end_s, track, label, probability in rows:
                    table.writerow((f"{start_s:.3f}", f"{end_s:.3f}", track, label, probability))
            self._file.commit()
        except (OSError, sqlite3.Error) as error:
            self._file.discard()
            raise self._explained(error) from None
        finally:
            self._rows.close()

    def _decide(self, track: int, action: Action) -> None:
        time_s = action.time_s
        state = self._tracks.setdefault(track, _Track(time_s, time_s))
        if state.segment is not None and state.segment.label != action.label:
            self._end(track, state, time_s)
        if state.segment is None and action.label is not None:
            start_s = time_s if state.decided else max(state.first_s, time_s - REACH_S)
            state.segment = _Segment(start_s, action.label)
        state.decided = True
        if state.segment is not None:
            state.segment.probability += action.probability
            state.segment.decisions += 1

    def _end(self, track: int, state: _Track, time_s: float | None = None) -> None:
        segment, state.segment = state.segment, None
        if segment is not None:
            end_s = max(state.seen_s if time_s is None else time_s, segment.start_s)
            probability = f"{segment.probability / segment.decisions:.4f}"
            row = (float(segment.start_s), float(end_s), int(track), segment.label, probability)
            try:
                self._rows.execute("INSERT INTO segment VALUES (?, ?, ?, ?, ?)", row)
            except sqlite3.Error as error:
                raise self._explained(error) from None

    def _explained(self, error: OSError | sqlite3.Error) -> SinkError:
        return SinkError(f"{self._file.path} cannot be written: {getattr(error, 'strerror', None) or error}")
