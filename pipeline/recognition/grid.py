"""Each person's last seconds at the model's rate, whatever the camera's."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.preprocess import RATE_HZ, resample
from core.types import Person

JOINTS = 17

_ON_TIME_S = 1e-6
"""An observation this close to a grid time is on it (``preprocess.resample`` says the same)."""


@dataclass(frozen=True, slots=True)
class GridFrames:
    """Consecutive frames of one person at the model's rate.

    Frame k of every person belongs to the time k / rate, so people who are seen together share their grid times.

    Attributes:
        first: number k of the first frame.
        keypoints: (n, 17, 2) float32 pixels.
        scores: (n, 17) float32; a row of 0 is a frame without the person.
        before_keypoints, before_scores: (17, 2) and (17,) the frame before the first, for velocities; zeros if none.
    """

    first: int
    keypoints: NDArray[np.float32]
    scores: NDArray[np.float32]
    before_keypoints: NDArray[np.float32]
    before_scores: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def last(self) -> int:
        """Number of the last frame; one less than ``first`` where there is none."""
        return self.first + len(self) - 1


class TrackWindow:
    """Resamples one person's observations as they come.

    A grid frame exists as soon as an observation at or after its time does, interpolated by ``preprocess.resample``:
    linear between the two observations around it, a row of zeros in pauses longer than ``preprocess.MAX_GAP_S``. What
    comes out is exactly what resampling the whole history at once gives.

    Args:
        track: id of the person.
        frames: most grid frames that one observation completes: as many as a window has.
        rate_hz: grid frames a second.
    """

    def __init__(self, track: int, frames: int, rate_hz: float = RATE_HZ) -> None:
        self.track = track
        self.frames = frames
        self.rate_hz = rate_hz
        self.first_s = math.nan
        self.last_s = -math.inf
        self._last_keypoints = np.zeros((JOINTS, 2), np.float32)
        self._last_scores = np.zeros(JOINTS, np.float32)
        self._newest: int | None = None  # number of the last grid frame
        self._observed_keypoints = np.zeros((JOINTS, 2), np.float32)
        self._observed_scores = np.zeros(JOINTS, np.float32)

    @property
    def seen_s(self) -> float:
        """Seconds from the first to the last observation."""
        return self.last_s - self.first_s if math.isfinite(self.last_s) else 0.0

    @property
    def newest(self) -> int | None:
        """Number of the last grid frame; None before there is one."""
        return self._newest

    def push(self, time_s: float, keypoints: NDArray[np.floating], scores: NDArray[np.floating]) -> GridFrames:
        """Take in an observation.

        Args:
            time_s: its time; an observation not later than the one before is ignored.
            keypoints: (17, 2) pixels.
            scores: (17,).

        Returns:
            The grid frames that it completes, often none, never more than a window has.
        """
        xy, s = np.asarray(keypoints, np.float32), np.asarray(scores, np.float32)
        started = math.isfinite(self.last_s)
        if started and time_s <= self.last_s:
            return self._frames(0, xy[:0], s[:0])
        due = math.floor((time_s + _ON_TIME_S) * self.rate_hz)  # the last grid frame not after this observation
        if self._newest is not None:
            first = self._newest + 1
        else:
            first = math.ceil(((self.last_s if started else time_s) - _ON_TIME_S) * self.rate_hz)
        first = max(first, due + 1 - self.frames)
        if started:
            times = np.array([self.last_s, time_s])
            both, both_s = np.stack([self._observed_keypoints, xy]), np.stack([self._observed_scores, s])
        else:
            self.first_s = time_s
            times, both, both_s = np.array([time_s]), xy[None], s[None]
        new, new_s = resample(times, both, both_s, np.arange(first, due + 1) / self.rate_hz)
        out = self._frames(first, new, new_s)
        self.last_s, self._observed_keypoints, self._observed_scores = time_s, xy, s
        if len(out):
            self._last_keypoints, self._last_scores, self._newest = new[-1], new_s[-1], due
        return out

    def _frames(self, first: int, keypoints: NDArray[np.float32], scores: NDArray[np.float32]) -> GridFrames:
        # After a pause so long that frames were skipped the new ones start with zeros; the frame before is irrelevant.
        return GridFrames(first, keypoints, scores, self._last_keypoints, self._last_scores)


class Windows:
    """The windows of everybody in view, by track id.

    Args:
        frames: length of a window.
        rate_hz: frames a second of a window.
    """

    def __init__(self, frames: int, rate_hz: float = RATE_HZ) -> None:
        self.frames = frames
        self.rate_hz = rate_hz
        self._tracks: dict[int, TrackWindow] = {}

    def __getitem__(self, track: int) -> TrackWindow:
        return self._tracks[track]

    def __contains__(self, track: int) -> bool:
        return track in self._tracks

    def __iter__(self) -> Iterator[int]:
        return iter(self._tracks)

    def __len__(self) -> int:
        return len(self._tracks)

    def update(self, people: Iterable[Person], time_s: float) -> dict[int, GridFrames]:
        """Take in the people of one frame; returns each one's new grid frames, which may be none.

        Predicted poses are no observations: the frames between two looks are interpolated from both.
        """
        new = {}
        for person in people:
            if person.pose.predicted and person.track in self._tracks:
                continue
            track = self._tracks.get(person.track)
            if track is None:
                track = self._tracks[person.track] = TrackWindow(person.track, self.frames, self.rate_hz)
            new[person.track] = track.push(time_s, person.pose.keypoints, person.pose.scores)
        return new

    def forget(self, track: int) -> None:
        """Drop a person who is gone."""
        del self._tracks[track]
