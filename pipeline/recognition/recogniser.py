"""Who does what: new frames through the spatial network once, windows through the temporal network at each stride."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.errors import UserError
from core.preprocess import RATE_HZ, window_features
from core.types import Action, Person
from pipeline.recognition.grid import GridFrames, Windows
from pipeline.recognition.model import ActionModel
from pipeline.recognition.strides import Strides

TOP = 5
"""Classes that an action names."""

LONGEST_STRIDE_S = 60.0
"""A stride is divided into slots for the people in view, one a grid frame, so it cannot be as long as one likes."""

_ROUNDING_S = 1e-3  # time stamps of files are rounded
_NEWS = 3  # new grid frames that are worth a last decision: a fifth of a second


@dataclass(frozen=True)
class RecogniserConfig:
    """When to decide; all times in seconds.

    Attributes:
        stride_s: time between two decisions about one person, ``LONGEST_STRIDE_S`` at most.
        first_s: a newcomer is decided about once seen for this long.
        least_s: somebody who is gone before that still gets a decision if seen for at least this long. (The tracker
            needs a moment to confirm a newcomer, so this is half a second in view.)
        smooth_s: time constant of an exponential mean over a person's logits; 0 shows each decision as it is.
        threshold: least probability of a label that is shown; None for the calibration's own.
        forget_s: a person not seen for longer than this is gone; not shorter than the tracker's ``lost_s``.
        max_batch: at most this many windows go through the network at once.

    Raises:
        UserError: a setting that makes no sense.
    """

    stride_s: float = 1 / 3
    first_s: float = 0.5
    least_s: float = 0.2
    smooth_s: float = 0.0
    threshold: float | None = None
    forget_s: float = 2.0
    max_batch: int = 16

    def __post_init__(self) -> None:
        for name in ("stride_s", "first_s", "least_s", "smooth_s", "forget_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise UserError(f"{name} is {value}, but it must be a time of at least 0 seconds.")
        if self.stride_s > LONGEST_STRIDE_S:
            raise UserError(f"stride_s is {self.stride_s}, but it must be {LONGEST_STRIDE_S:g} seconds at most.")
        if self.max_batch < 1:
            raise UserError(f"max_batch is {self.max_batch}, but a batch is at least one window.")
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise UserError(f"The threshold is {self.threshold}, but it must lie between 0 and 1.")


class _Track:
    """One person's tokens and latest decision."""

    def __init__(self, frames: int, dim: int) -> None:
        self.tokens = np.zeros((frames, dim), np.float32)  # (T, d)
        self.mask = np.zeros(frames, np.bool_)  # (T,)
        self.action: Action | None = None
        self.logits: NDArray[np.float32] | None = None  # smoothed
        self.decided_at = -1  # grid frame

    def append(self, tokens: NDArray[np.float32], mask: NDArray[np.bool_]) -> None:
        self.tokens = np.concatenate([self.tokens[len(mask) :], tokens])
        self.mask = np.concatenate([self.mask[len(mask) :], mask])


class Recogniser:
    """Streaming recognition of everybody in view.

    Each new frame of a person passes the spatial network once; its embedding is kept for as long as a window is. At a
    person's stride the embeddings of the window go through the temporal network, together with those of others who are
    due. The logits equal those of the whole network on the whole window (with the frame before it, for the first
    velocity).

    Args:
        model: networks, labels and calibration; not closed by the recogniser.
        config: when to decide.
    """

    def __init__(self, model: ActionModel, config: RecogniserConfig | None = None) -> None:
        self.model = model
        self.config = config or RecogniserConfig()
        self.windows = Windows(model.frames, RATE_HZ)
        self._calibration = model.calibration
        if self.config.threshold is not None:
            self._calibration = replace(model.calibration, threshold=self.config.threshold)
        self._strides = Strides(max(1, round(self.config.stride_s * RATE_HZ)))
        self._tracks: dict[int, _Track] = {}
        self._dim = model.dim or model.tokens(np.zeros((1, 17, 5), np.float32)).shape[1]

    @property
    def actions(self) -> dict[int, Action]:
        """The current action of everybody who has one and is not gone, by track id."""
        return {number: track.action for number, track in self._tracks.items() if track.action is not None}

    def update(self, people: Iterable[Person], time_s: float) -> dict[int, Action]:
        """Take in the people of one frame.

        Args:
            people: everybody tracked in the frame.
            time_s: its time, later than the one before.

        Returns:
            The action of each track decided about. A track may be among them that was last seen some time ago and is
            given up now; it is not in ``actions`` any more.
        """
        people = tuple(people)
        ended = [n for n in self._tracks if time_s - self.windows[n].last_s > self.config.forget_s]
        late = self._end(ended, least_news=None)
        for person in people:
            if person.track not in self._tracks:
                self._tracks[person.track] = _Track(self.model.frames, self._dim)
                self._strides.add(person.track)
        new = {track: frames for track, frames in self.windows.update(people, time_s).items() if len(frames)}
        self._embed(new)
        return late | self._decide([track for track, frames in new.items() if self._is_due(track, frames)])

    def finish(self) -> dict[int, Action]:
        """Decide about everybody whose last frames have not been looked at yet, because nothing more will come."""
        return self._end(list(self._tracks), least_news=max(1, min(self._strides.stride // 2, _NEWS)))

    def _is_due(self, number: int, new: GridFrames) -> bool:
        if self._tracks[number].action is None:
            return self.windows[number].seen_s >= self.config.first_s - _ROUNDING_S
        return self._strides.due(number, new.first - 1, new.last)

    def _embed(self, new: Mapping[int, GridFrames]) -> None:
        """Spatial network over all new frames of all people at once."""
        if not new:
            return
        # One sequence of all people, each led in by the frame before: velocities look back by one frame, no further.
        keypoints = np.concatenate([a for f in new.values() for a in (f.before_keypoints[None], f.keypoints)])
        scores = np.concatenate([a for f in new.values() for a in (f.before_scores[None], f.scores)])
        features = window_features(keypoints, scores, RATE_HZ)
        seen: NDArray[np.bool_] = np.any(features[..., -1] > 0, axis=1)
        lead_in = np.cumsum([0, *(len(f) + 1 for f in new.values())])
        seen[lead_in[:-1]] = False
        tokens = np.zeros((len(features), self._dim), np.float32)
        if seen.any():
            tokens[seen] = self.model.tokens(features[seen])
        for number, start, end in zip(new, lead_in[:-1] + 1, lead_in[1:], strict=True):
            self._tracks[number].append(tokens[start:end], seen[start:end])

    def _decide(self, numbers: list[int]) -> dict[int, Action]:
        """Temporal network over everybody due, in batches."""
        numbers = [n for n in numbers if self._tracks[n].mask.any()]
        actions = {}
        for start in range(0, len(numbers), self.config.max_batch):
            batch = numbers[start : start + self.config.max_batch]
            logits, embedding = self.model.logits(
                np.stack([self._tracks[n].tokens for n in batch]), np.stack([self._tracks[n].mask for n in batch])
            )
            logits = np.stack([self._smooth(n, row) for n, row in zip(batch, logits, strict=True)])
            probabilities, known = self._calibration.decide(logits, embedding)
            for i, number in enumerate(batch):
                time_s = (self.windows[number].newest or 0) / RATE_HZ
                action = _action(self.model.labels, probabilities[i], bool(known[i]), embedding[i], time_s)
                track = self._tracks[number]
                track.action = actions[number] = action
                track.decided_at = self.windows[number].newest or 0
        return actions

    def _smooth(self, number: int, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        track = self._tracks[number]
        if track.logits is not None and self.config.smooth_s > 0:
            passed_s = ((self.windows[number].newest or 0) - track.decided_at) / RATE_HZ
            keep = math.exp(-passed_s / self.config.smooth_s)
            logits = keep * track.logits + (1 - keep) * logits
        track.logits = logits
        return logits

    def _end(self, numbers: list[int], least_news: int | None) -> dict[int, Action]:
        """Last decisions about people who are gone: those without any, and those with ``least_news`` new frames."""
        due = []
        for number in numbers:
            track, window = self._tracks[number], self.windows[number]
            if window.newest is None:
                continue
            if track.action is None:
                if window.seen_s >= self.config.least_s - _ROUNDING_S:
                    due.append(number)
            elif least_news is not None and window.newest - track.decided_at >= least_news:
                due.append(number)
        actions = self._decide(due)
        for number in numbers:
            del self._tracks[number]
            self.windows.forget(number)
            self._strides.remove(number)
        return actions


def _action(
    labels: tuple[str, ...],
    probabilities: NDArray[np.float32],
    known: bool,
    embedding: NDArray[np.float32],
    time_s: float,
) -> Action:
    best = np.argsort(-probabilities, kind="stable")[:TOP]
    top = tuple((labels[i], float(probabilities[i])) for i in best)
    return Action(top[0][0] if known else None, top[0][1], top, embedding.copy(), time_s)
