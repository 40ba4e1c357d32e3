"""The two threads behind a pipeline: frames to people, people to actions. (The source reads in a thread of its own.)"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from calibration import CalibrationError
from core.errors import UserError
from core.preprocess import MAX_GAP_S
from core.types import Action, Frame, Person
from engines import EngineError
from pipeline.channel import Channel
from pipeline.pose.base import PoseEstimator
from pipeline.recognition.model import ActionModel
from pipeline.recognition.recogniser import Recogniser
from pipeline.sources import FrameSource
from pipeline.sources.timeline import Timeline
from pipeline.stats import PipelineStats
from pipeline.tracking import Tracker

log = logging.getLogger(__name__)

_FALLBACK_FPS = 25.0
_SLOW_GAPS = 4  # in a row, before the rate is called too low: a pause or two is none


class PipelineError(Exception):
    """A stage has failed for a reason that is no user's fault; ``__cause__`` is what it raised."""


def _explained(doing: str, error: BaseException) -> BaseException:
    """What the user is told: errors meant for users as they are, any other with the place where it happened."""
    if isinstance(error, UserError | EngineError | CalibrationError) or not isinstance(error, Exception):
        return error
    explained = PipelineError(f"The pipeline failed while {doing}: {type(error).__name__}: {error}")
    explained.__cause__ = error
    return explained


@dataclass(frozen=True, slots=True)
class Seen:
    """A frame with its people, on the way to recognition.

    Attributes:
        frame: the picture.
        people: everybody tracked in it.
        captured: the clock's reading when the frame was captured, or taken from the source where only that is known.
        dropped: frames that the source has dropped so far.
        stage_ms: times so far.
        sent: the clock's reading when it left the stage.
    """

    frame: Frame
    people: tuple[Person, ...]
    captured: float
    dropped: int
    stage_ms: Mapping[str, float]
    sent: float


@dataclass(frozen=True, slots=True)
class Recognised:
    """A frame with its people and what they do, on the way out.

    Attributes:
        seen: what recognition was given.
        actions: the current action of each track.
        decided: tracks decided about on this frame.
        stage_ms: times so far.
        sent: the clock's reading when it left the stage.
    """

    seen: Seen
    actions: Mapping[int, Action] = field(default_factory=dict)
    decided: frozenset[int] = frozenset()
    stage_ms: Mapping[str, float] = field(default_factory=dict)
    sent: float = 0.0


class PoseStage:
    """Thread: takes frames from the source, finds people and follows them.

    Args:
        source: closed when the stage ends, for whatever reason.
        pose: finds people; closed at the end if ``owned``.
        tracker: follows them.
        out: where the people go.
        stats: takes CPU time.
        clock: monotonic seconds.
        owned: whether the estimator belongs to this stage.
    """

    def __init__(
        self,
        source: FrameSource,
        pose: PoseEstimator,
        tracker: Tracker,
        out: Channel[Seen],
        stats: PipelineStats,
        clock: Callable[[], float],
        owned: bool,
    ) -> None:
        self._source = source
        self._pose = pose
        self._tracker = tracker
        self._out = out
        self._stats = stats
        self._clock = clock
        self._owned = owned
        # Ordered stamps stay, since the source's events have the same.
        self._timeline = None if source.ordered else Timeline(1.0 / (source.fps or _FALLBACK_FPS))
        self._last_s = -math.inf
        self._slow = 0
        self._warned_of_rate = False

    def run(self) -> None:
        """Until the source ends or fails, or nobody wants the people any more."""
        error: BaseException | None = None
        try:
            frames, asked = iter(self._source), self._clock()
            for frame in frames:
                if not self._out.put(self._look(frame, asked)):
                    break
                asked = self._clock()
        except BaseException as failure:  # handed on to whoever reads the results
            error = _explained("finding people", failure)
        finally:
            self._out.end(error)
            self.close()

    def close(self) -> None:
        """Let the source and the estimator go; for a stage that never ran."""
        self._source.close()
        if self._owned:
            self._pose.close()

    def _cpu_s(self) -> float:
        """CPU time of this thread and of those that help the estimator."""
        return time.thread_time() + self._pose.helped_s

    def _look(self, frame: Frame, asked: float) -> Seen:
        received, cpu = self._clock(), self._cpu_s()
        self._stats.frame(received)
        origin_s = self._source.origin_s
        captured = received if origin_s is None else min(received, origin_s + frame.time_s)
        if self._timeline is not None:
            frame = replace(frame, time_s=self._timeline.stamp(frame.time_s))
        self._warn_of_rate(frame.time_s)
        poses = self._pose.estimate(frame)
        found = self._clock()
        people = self._tracker.update(poses, frame.time_s)
        self._pose.observe(people, frame.time_s)
        done = self._clock()
        self._stats.cpu("pose", self._cpu_s() - cpu)
        stage_ms = {"wait": received - asked, "pose": found - received, "track": done - found}
        if origin_s is not None:
            stage_ms["lag"] = received - captured
        return Seen(
            frame,
            people,
            captured,
            self._source.dropped,
            {name: seconds * 1e3 for name, seconds in stage_ms.items()},
            done,
        )

    def _warn_of_rate(self, time_s: float) -> None:
        """Say once that motion cannot be told between frames so far apart: windows do not bridge such gaps."""
        gap_s, self._last_s = time_s - self._last_s, time_s
        if not math.isfinite(gap_s):
            return
        self._slow = self._slow + 1 if gap_s > MAX_GAP_S else 0
        if self._slow == _SLOW_GAPS and not self._warned_of_rate:
            self._warned_of_rate = True
            log.warning(
                "only %.1f frames a second are looked at; actions need %.0f, so expect few labels and wrong ones",
                1 / gap_s, math.ceil(1 / MAX_GAP_S),
            )  # fmt: skip


class RecogniseStage:
    """Thread: takes people, recognises their actions.

    Args:
        inbox: people, frame by frame.
        recogniser: None passes the people on without actions.
        out: where the results go.
        stats: takes CPU time.
        clock: monotonic seconds.
        look_ahead: hold each frame back until the next has come, so that the last one is known to be the last and
            carries the last decisions. Otherwise (live, where holding back would cost a frame's time) these come in a
            result of their own that shows the last frame again.
        owned: a model to close at the end.
    """

    def __init__(
        self,
        inbox: Channel[Seen],
        recogniser: Recogniser | None,
        out: Channel[Recognised],
        stats: PipelineStats,
        clock: Callable[[], float],
        look_ahead: bool,
        owned: ActionModel | None,
    ) -> None:
        self._inbox = inbox
        self._recogniser = recogniser
        self._out = out
        self._stats = stats
        self._clock = clock
        self._look_ahead = look_ahead
        self._owned = owned

    def run(self) -> None:
        """Until the people end or nobody wants the results any more; the last decisions come even after a failure."""
        error: BaseException | None = None
        try:
            last, error = self._all_but_the_end()
            if last is not None:
                self._finish(last)
        except BaseException as failure:  # handed on to whoever reads the results
            error = error or _explained("recognising actions", failure)
        finally:
            self._inbox.cancel()  # lets the pose thread go if this one has failed
            self._out.end(error)
            self.close()

    def close(self) -> None:
        """Let the model go; for a stage that never ran."""
        if self._owned is not None:
            self._owned.close()

    def _all_but_the_end(self) -> tuple[Seen | None, BaseException | None]:
        """Pass everything on; returns what the end needs and what the pose thread has failed with."""
        last: Seen | None = None
        while True:
            try:
                seen = next(self._inbox)
            except StopIteration:
                return last, None
            except BaseException as failure:
                return last, failure
            ready, last = (last, seen) if self._look_ahead else (seen, seen)
            if ready is not None and not self._out.put(self._recognise(ready)):
                return None, None

    def _recognise(self, seen: Seen, last: bool = False) -> Recognised:
        started, cpu = self._clock(), time.thread_time()
        actions: dict[int, Action] = {}
        decided: dict[int, Action] = {}
        if self._recogniser is not None:
            decided = self._recogniser.update(seen.people, seen.frame.time_s)
            actions = self._recogniser.actions | decided
            if last:
                decided = decided | self._recogniser.finish()
                actions |= decided
        done = self._clock()
        self._stats.cpu("recognise", time.thread_time() - cpu)
        times = {"queue": (started - seen.sent) * 1e3, "recognise": (done - started) * 1e3}
        return Recognised(seen, actions, frozenset(decided), {**seen.stage_ms, **times}, done)

    def _finish(self, last: Seen) -> None:
        """The end: the frame held back, or the last one again if there is still something to say."""
        if self._look_ahead:
            self._out.put(self._recognise(last, last=True))
        elif self._recogniser is not None:
            actions = self._recogniser.actions
            decided = self._recogniser.finish()
            if decided:
                self._out.put(Recognised(last, actions | decided, frozenset(decided), {}, self._clock()))
