"""From poses of single frames to people with stable ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.types import Person, Pose
from pipeline.tracking.assignment import assign, similarities
from pipeline.tracking.track import Track


@dataclass(frozen=True)
class TrackerConfig:
    """When a pose becomes a person and when a person is given up; all times in seconds.

    Attributes:
        sure_score: poses at least this sure are matched first, and only they start a track.
        confirm_s: a newcomer gets an id once it has been followed for this long (everybody in the first frame at once).
        newcomer_s: a newcomer that is missed for longer than this was a mistake of the detector.
        lost_s: a person who is not seen for longer than this gets a new id on return.
        least_similarity: a pose less similar than this to what a track expects does not continue it.
        least_similarity_doubtful: the same for poses below ``sure_score``.
        duplicate: a pose this similar to somebody already found in the same frame starts no track.
    """

    sure_score: float = 0.25
    confirm_s: float = 0.15
    newcomer_s: float = 0.25
    lost_s: float = 2.0
    least_similarity: float = 0.25
    least_similarity_doubtful: float = 0.35
    duplicate: float = 0.6


class Tracker:
    """Gives people ids that outlive a loss, and follows them where the estimator does not.

    A pose whose ``track`` is known continues that person's. The others (newcomers, people found again, people who meet,
    and everybody of an estimator that sees single frames) are matched with the tracks that are left by box and
    keypoints in two passes, sure poses first, as in ByteTrack (Zhang et al., ECCV 2022): poses of low score continue
    tracks but start none. Motion comes from a Kalman filter whose noise grows with time, not with frames, and likeness
    from keypoints as well as boxes, so that two people who cross keep their ids. Ids start at 1 in order of
    confirmation and are never used again.
    """

    def __init__(self, config: TrackerConfig | None = None) -> None:
        self.config = config or TrackerConfig()
        self._tracks: list[Track] = []
        self._confirmed = 0
        self._time_s: float | None = None
        self._gaps_s = (0.0, 0.0)  # between the last three frames

    @property
    def lost_s(self) -> float:
        """Seconds after which an unseen person's id is given up."""
        return self.config.lost_s

    def update(self, poses: Sequence[Pose], time_s: float) -> tuple[Person, ...]:
        """Take in everybody found in one frame.

        Args:
            poses: what the detector found, in any order.
            time_s: the frame's time, larger than in the call before.

        Returns:
            The confirmed people seen in this frame, by id.

        Raises:
            ValueError: the time does not advance.
        """
        if self._time_s is not None and time_s <= self._time_s:
            raise ValueError(f"frames must advance in time, but {time_s} s follows {self._time_s} s")
        first = self._time_s is None
        self._gaps_s = self._gaps_s[1], 0.0 if self._time_s is None else time_s - self._time_s
        self._time_s = time_s
        self._forget(time_s)
        for track in self._tracks:
            track.predict(time_s)

        # A box that is not a number, from a network gone astray, is nobody.
        poses = [p for p in poses if np.isfinite(p.box).all()]
        value = similarities(self._tracks, poses, time_s)  # (M, N), for all that follows
        rows, columns = self._continue(poses, value)
        sure = [j for j in columns if poses[j].score >= self.config.sure_score]
        doubtful = [j for j in columns if poses[j].score < self.config.sure_score]
        # People with an id choose before newcomers do.
        known, new = [i for i in rows if self._tracks[i].confirmed], [i for i in rows if not self._tracks[i].confirmed]
        left, sure = self._match(known, sure, poses, value, self.config.least_similarity)
        waiting, sure = self._match(new, sure, poses, value, self.config.least_similarity)
        self._match(left + waiting, doubtful, poses, value, self.config.least_similarity_doubtful)
        self._start([poses[j] for j in sure], time_s, at_once=first)

        for track in self._tracks:
            if not track.confirmed and track.seen_s == time_s and time_s - track.born_s >= self.config.confirm_s:
                self._confirm(track)
        seen = [t for t in self._tracks if t.confirmed and t.seen_s == time_s]
        return tuple(Person(t.number, t.pose) for t in sorted(seen, key=lambda t: t.number))

    def _continue(self, poses: list[Pose], value: NDArray[np.float64]) -> tuple[list[int], list[int]]:
        """Continue the tracks that the estimator names, where a body can; returns what is left as ``_match`` does."""
        # A newcomer without an id may be somebody lost, or a second look at somebody: that is for the matching to say.
        named = {t.pose.track: i for i, t in enumerate(self._tracks) if t.confirmed and t.pose.track is not None}
        rows, columns = list(range(len(self._tracks))), list(range(len(poses)))
        for j, pose in enumerate(poses):
            row = None if pose.track is None else named.get(pose.track)
            if row in rows and np.isfinite(value[row, j]):
                self._tracks[row].update(pose)
                rows.remove(row)
                columns.remove(j)
        return rows, columns

    def _match(
        self, rows: list[int], columns: list[int], poses: list[Pose], value: NDArray[np.float64], least: float
    ) -> tuple[list[int], list[int]]:
        """Continue tracks (``rows``) with poses (``columns``) by their similarity; returns what is left of both."""
        pairs = [(rows[i], columns[j]) for i, j in assign(value[np.ix_(rows, columns)], least)]
        for i, j in pairs:
            self._tracks[i].update(poses[j])
        taken, used = {i for i, _ in pairs}, {j for _, j in pairs}
        return [i for i in rows if i not in taken], [j for j in columns if j not in used]

    def _start(self, poses: list[Pose], time_s: float, at_once: bool) -> None:
        for pose in poses:
            present = [t for t in self._tracks if t.seen_s == time_s]
            if present and similarities(present, [pose], time_s).max() > self.config.duplicate:
                continue
            track = Track(0, pose, time_s)
            self._tracks.append(track)
            if at_once:
                self._confirm(track)

    def _confirm(self, track: Track) -> None:
        self._confirmed += 1
        track.number = self._confirmed
        track.confirmed = True

    def _forget(self, time_s: float) -> None:
        # At a low rate a newcomer has to be seen in the next frame; one long gap between short ones is no rate.
        newcomer_s = max(self.config.newcomer_s, 1.5 * min(self._gaps_s))
        limit = {True: max(self.config.lost_s, newcomer_s), False: newcomer_s}
        self._tracks = [t for t in self._tracks if t.unseen_s(time_s) <= limit[t.confirmed]]
