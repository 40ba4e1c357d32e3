"""What a run has seen, for the lines printed at its end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from rich.table import Table

from pipeline.types import Result

UNKNOWN = "unknown"


@dataclass
class TrackSummary:
    """One person.

    Attributes:
        first_s, last_s: capture times of the first and the last frame with the person.
        decisions: how often each label was decided; ``UNKNOWN`` where the model could not tell.
    """

    first_s: float
    last_s: float
    decisions: Counter[str] = field(default_factory=Counter)

    def words(self) -> str:
        """The labels with their shares, most frequent first."""
        total = sum(self.decisions.values())
        if not total:
            return "seen too briefly"
        known = [(label, n) for label, n in self.decisions.most_common() if label != UNKNOWN]
        unknown = [(UNKNOWN, self.decisions[UNKNOWN])] if self.decisions[UNKNOWN] else []
        return ", ".join(f"{label} {n / total:.0%}" for label, n in known + unknown)


class Summary:
    """Fed with every result of one source.

    Attributes:
        tracks: everybody seen, by track id.
        frames: results so far.
        dropped: frames dropped so far.
    """

    def __init__(self) -> None:
        self.tracks: dict[int, TrackSummary] = {}
        self.frames = 0
        self.dropped = 0
        self._first_s: float | None = None
        self._last_s = 0.0

    def add(self, result: Result) -> None:
        """Count a result."""
        time_s = result.frame.time_s
        self.frames += 1
        self.dropped = result.dropped
        self._first_s = time_s if self._first_s is None else self._first_s
        self._last_s = time_s
        for person in result.people:
            track = self.tracks.setdefault(person.track, TrackSummary(time_s, time_s))
            track.last_s = time_s
        for number in result.decided:
            # Somebody may be decided about when already out of view: the last decision of a track.
            track = self.tracks.setdefault(number, TrackSummary(time_s, time_s))
            track.decisions[result.actions[number].label or UNKNOWN] += 1

    @property
    def length_s(self) -> float:
        """Seconds of video from the first to the last frame."""
        return self._last_s - (self._first_s or 0.0)

    def headline(self, name: str, wall_s: float) -> str:
        """One line: frames, seconds, speed, people."""
        rate = self.frames / wall_s if wall_s > 0 else 0.0
        people = "1 person" if len(self.tracks) == 1 else f"{len(self.tracks) or 'no'} people"
        dropped = f", {self.dropped} frames dropped" if self.dropped else ""
        return (
            f"{name}: {self.frames} frames ({self.length_s:.1f} s) in {wall_s:.1f} s, "
            f"{rate:.1f} frames a second, {people}{dropped}"
        )

    def table(self) -> Table:
        """A line a person: id, when in view, labels with the share of the decisions."""
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
        table.add_column("track", justify="right")
        table.add_column("in view", no_wrap=True)
        table.add_column("labels (share of decisions)")
        for number, track in sorted(self.tracks.items()):
            in_view = f"{track.first_s:.1f} to {track.last_s:.1f} s"
            table.add_row(str(number), in_view, track.words().replace("[", r"\["))
        return table
