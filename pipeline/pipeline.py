"""Frames in, labelled people out."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from core.types import Result
from pipeline.channel import Channel
from pipeline.opening import SourceSpec, check_model, is_quick, model_of, open_together, source_of
from pipeline.pose import create_pose
from pipeline.pose.base import Estimates, PlainEstimator, PoseEstimator
from pipeline.recognition.model import ActionModel
from pipeline.recognition.recogniser import Recogniser, RecogniserConfig
from pipeline.sources import FrameSource, Policy, SourceEvent
from pipeline.stages import PoseStage, Recognised, RecogniseStage, Seen
from pipeline.stats import PipelineStats
from pipeline.threads import StageThreads
from pipeline.tracking import Tracker, TrackerConfig

_QUEUED_ALL = 4
_QUEUED_LIVE = 1


class Pipeline(Iterator[Result]):
    """Labels what the people in a video, a camera or a stream are doing.

    ::

        from pipeline import Pipeline

        for result in Pipeline("clip.mp4"):
            for person in result.people:
                action = result.actions.get(person.track)
                print(result.frame.time_s, person.track, action and action.label)

    Reading, poses with tracking, and recognition have a thread each, with short queues between them. Frames are dropped
    (and counted) only at a live or paced source; everything after that is complete. A file is labelled whole, and the
    same file gets the same labels however fast the machine is. Used as a context manager, or read to its end, or
    forgotten, it lets everything go that it has opened; ``close`` does so from any thread and at any moment, within two
    seconds.

    Several cameras are several pipelines with one model, each read by a thread of its own::

        model = ActionModel.load()
        pipelines = [Pipeline(camera, model=model) for camera in (0, 1, "rtsp://...")]

    Args:
        source: what ``open_source`` takes (a path, a camera's number, an address, a list of pictures), or a source that
            is open already; the pipeline closes it either way.
        pose: what ``create_pose`` takes, or an estimator, which is then the caller's to close.
        model: what ``ActionModel.load`` takes, None for the shipped model; or a loaded model, which several pipelines
            may share and which is the caller's to close.
        policy: which frames count when the source is faster than the pipeline; None lets the source choose.
        fps: frames a second of a video, in place of its own time stamps.
        picture_fps: pictures a second of a folder or list of pictures; None for 25.
        recognise: False finds and follows people only.
        backend: what runs the action model (see ``engines.load``).
        precision: see ``engines.load``.
        stride_s: seconds between two decisions about one person.
        threshold: least probability of a label that is shown; None for the model's calibration.
        recogniser: all settings of recognition; ``stride_s`` and ``threshold`` change it.
        tracker: settings of the tracker.
        pose_options: keyword options for ``create_pose``.
        clock: monotonic seconds, for live frames, paces and ages.
        on_event: called with each ``SourceEvent`` (lost, back, stalled...), from any thread.

    Raises:
        UserError: the source, the pose model or the action model cannot be opened (``SourceError``, ``PoseError``,
            ``ModelError``); while iterating, the source has failed for good.
        EngineError, CalibrationError: the action model's files cannot be used.
        PipelineError: while iterating, a stage has failed; ``__cause__`` is its exception. All results before it have
            been given out.
    """

    def __init__(
        self,
        source: SourceSpec,
        *,
        pose: str | PoseEstimator | Estimates = "movenet",
        model: str | Path | ActionModel | None = None,
        policy: Policy | str | None = None,
        fps: float | None = None,
        picture_fps: float | None = None,
        recognise: bool = True,
        backend: str = "auto",
        precision: str | None = None,
        stride_s: float | None = None,
        threshold: float | None = None,
        recogniser: RecogniserConfig | None = None,
        tracker: TrackerConfig | None = None,
        pose_options: Mapping[str, Any] | None = None,
        clock: Callable[[], float] = time.perf_counter,
        on_event: Callable[[SourceEvent], None] | None = None,
    ) -> None:
        self._clock = clock
        self.stats = PipelineStats(clock())
        follow = Tracker(tracker)
        config = _config(recogniser, stride_s, threshold, follow.lost_s)
        if not isinstance(pose, (str, PoseEstimator)):
            pose = PlainEstimator(pose)
        self.source: FrameSource
        parts = open_together(
            lambda: source_of(source, policy, fps, picture_fps, clock, on_event),
            lambda: create_pose(pose, **(pose_options or {})) if isinstance(pose, str) else pose,
            lambda: model_of(model, backend, precision) if recognise else None,
            check=lambda: check_model(model) if recognise else None,
            source_first=is_quick(source),
            keep=(pose, model),
        )
        self.source, estimator, self.model = parts
        if self.policy is Policy.ALL and estimator is not pose and "costs" not in (pose_options or {}):
            # A file gets the same labels on every run and machine.
            estimator.make_repeatable()
        queued = _QUEUED_ALL if self.policy is Policy.ALL else _QUEUED_LIVE
        seen: Channel[Seen] = Channel(queued)
        self._results: Channel[Recognised] = Channel(queued)
        looking = PoseStage(self.source, estimator, follow, seen, self.stats, clock, owned=estimator is not pose)
        recognising = RecogniseStage(
            seen,
            Recogniser(self.model, config) if self.model is not None else None,
            self._results,
            self.stats,
            clock,
            look_ahead=self.policy is Policy.ALL,
            owned=self.model if self.model is not model else None,
        )
        # The threads know nothing of this object, so that forgetting it ends them.
        self._threads = StageThreads(
            self.source, (seen, self._results), {"pose": looking, "recognise": recognising}, self.name
        )
        self._finalizer = weakref.finalize(self, self._threads.close)

    @property
    def name(self) -> str:
        """The source's name, for people; without credentials."""
        return self.source.name

    @property
    def live(self) -> bool:
        """Whether the source is a camera or a stream."""
        return self.source.live

    @property
    def policy(self) -> Policy:
        """Which frames count when the source is faster than the pipeline."""
        return self.source.policy

    @property
    def size(self) -> tuple[int, int] | None:
        """(width, height) of the newest picture, where the source says so."""
        return self.source.size

    @property
    def fps(self) -> float | None:
        """Nominal frames a second of the source, where it says so."""
        return self.source.fps

    @property
    def frame_count(self) -> int | None:
        """How many frames a recording claims to have."""
        return self.source.frame_count

    def start(self) -> None:
        """Begin to work; asking for the first result does so as well."""
        self._threads.start()

    def stop(self) -> None:
        """End the source. The results of what was read before it are still given out, with the last decisions."""
        self.start()
        self.source.close()

    def close(self) -> None:
        """End everything at once, from any thread; a waiting iteration ends. Calling it twice does no harm."""
        self._finalizer()

    def __iter__(self) -> Pipeline:
        return self

    def __next__(self) -> Result:
        self.start()
        try:
            item = next(self._results)
        except Exception:  # the end is one, too
            self.close()
            raise
        now = self._clock()
        seen = item.seen
        age_ms = (now - seen.captured) * 1e3
        stage_ms = {**item.stage_ms, "output": (now - item.sent) * 1e3}
        if item.stage_ms:  # else the last frame again, with the last decisions
            self.stats.result(now, stage_ms, age_ms, seen.dropped, bool(seen.people))
        return Result(seen.frame, seen.people, item.actions, item.decided, stage_ms, age_ms, seen.dropped)

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Pipeline({self.name!r}, policy={self.policy.value})"


def _config(
    config: RecogniserConfig | None, stride_s: float | None, threshold: float | None, lost_s: float
) -> RecogniserConfig:
    config = config or RecogniserConfig()
    config = replace(config, forget_s=max(config.forget_s, lost_s))
    if stride_s is not None:
        config = replace(config, stride_s=stride_s)
    if threshold is not None:
        config = replace(config, threshold=threshold)
    return config
