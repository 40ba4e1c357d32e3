"""What a run has seen, for the lines printed at its end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from rich.table import Table

from core.types import Result

UNKNOWN = "unknown"

KEPT = 200
"""People listed one by one, those seen last; a line takes those before together, so that a camera may run for ever."""


@dataclass
class TrackSummary:
    """One person, or several taken together.

    Attributes:
        first_s, last_s: capture times of the first and the last frame with them.
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

    def take_in(self, other: TrackSummary) -> None:
        """Make it a summary of both."""
        self.first_s = min(self.first_s, other.first_s)
        self.last_s = max(self.last_s, other.last_s)
        self.decisions += other.decisions


class Summary:
    """Fed with every result of one source.

    Attributes:
        tracks: the ``KEPT`` people seen last, by track id, in the order in which they were seen last.
        earlier: everybody before them, taken together; None while there is nobody.
        people: how many have been seen.
        frames: results so far.
        dropped: frames dropped so far.
    """

    def __init__(self) -> None:
        self.tracks: dict[int, TrackSummary] = {}
        self.earlier: TrackSummary | None = None
        self.people = 0
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
            self._track(person.track, time_s).last_s = time_s
        for number in result.decided:
            # Somebody may be decided about when already out of view: the last decision of a track.
            self._track(number, time_s).decisions[result.actions[number].label or UNKNOWN] += 1
        while len(self.tracks) > KEPT:
            oldest = self.tracks.pop(next(iter(self.tracks)))
            if self.earlier is None:
                self.earlier = oldest
            else:
                self.earlier.take_in(oldest)

    def _track(self, number: int, time_s: float) -> TrackSummary:
        """A person's summary, which becomes the last in the order."""
        track = self.tracks.pop(number, None)
        if track is None:
            self.people += 1
            track = TrackSummary(time_s, time_s)
        self.tracks[number] = track
        return track

    @property
    def length_s(self) -> float:
        """Seconds of video from the first to the last frame."""
        return self._last_s - (self._first_s or 0.0)

    def headline(self, name: str, wall_s: float) -> str:
        """One line: frames, seconds, speed, people."""
        rate = self.frames / wall_s if wall_s > 0 else 0.0
        people = "1 person" if self.people == 1 else f"{self.people or 'no'} people"
        dropped = f", {self.dropped} frames dropped" if self.dropped else ""
        return (
            f"{name}: {self.frames} frames ({self.length_s:.1f} s) in {wall_s:.1f} s, "
            f"{rate:.1f} frames a second, {people}{dropped}"
        )

    def table(self) -> Table:
        """A line a person, after one for ``earlier``: id, when in view, labels with the share of the decisions."""
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
        table.add_column("track", justify="right")
        table.add_column("in view", no_wrap=True)
        table.add_column("labels (share of decisions)")
        rows = [(str(number), track) for number, track in sorted(self.tracks.items())]
        if self.earlier is not None:
            rows.insert(0, (f"{self.people - len(self.tracks)} earlier", self.earlier))
        for name, track in rows:
            in_view = f"{track.first_s:.1f} to {track.last_s:.1f} s"
            table.add_row(name, in_view, track.words().replace("[", r"\["))
        return table
