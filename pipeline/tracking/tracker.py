"""From poses of single frames to people with stable ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

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
        poses = self._continue(poses)
        sure = [p for p in poses if p.score >= self.config.sure_score]
        doubtful = [p for p in poses if p.score < self.config.sure_score]
        # People with an id choose before newcomers do.
        free = [t for t in self._tracks if t.seen_s < time_s]
        known, new = [t for t in free if t.confirmed], [t for t in free if not t.confirmed]
        left, sure = self._match(known, sure, time_s, self.config.least_similarity)
        waiting, sure = self._match(new, sure, time_s, self.config.least_similarity)
        self._match(left + waiting, doubtful, time_s, self.config.least_similarity_doubtful)
        self._start(sure, time_s, at_once=first)

        for track in self._tracks:
            if not track.confirmed and track.seen_s == time_s and time_s - track.born_s >= self.config.confirm_s:
                self._confirm(track)
        seen = [t for t in self._tracks if t.confirmed and t.seen_s == time_s]
        return tuple(Person(t.number, t.pose) for t in sorted(seen, key=lambda t: t.number))

    def _continue(self, poses: list[Pose]) -> list[Pose]:
        """Continue the tracks that the estimator names; returns the poses that are left."""
        # A newcomer without an id may be somebody lost, or a second look at somebody: that is for the matching to say.
        named = {t.pose.track: t for t in self._tracks if t.confirmed}
        named.pop(None, None)
        left = []
        for pose in poses:
            if track := named.pop(pose.track, None):
                track.update(pose)
            else:
                left.append(pose)
        return left

    def _match(
        self, tracks: list[Track], poses: list[Pose], time_s: float, least: float
    ) -> tuple[list[Track], list[Pose]]:
        """Continue tracks with poses; returns the tracks and the poses that are left."""
        pairs = assign(similarities(tracks, poses, time_s), least)
        for row, column in pairs:
            tracks[row].update(poses[column])
        rows, columns = {r for r, _ in pairs}, {c for _, c in pairs}
        return (
            [t for i, t in enumerate(tracks) if i not in rows],
            [p for i, p in enumerate(poses) if i not in columns],
        )

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
