"""One source on its way through: a pipeline and the outputs behind it, opened and closed together."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any

from app.drawing.draw import draw_result
from app.figures import write_figures
from app.options import Outputs, RunOptions, SourceSpec
from core.errors import CalibrationError, UserError
from core.files import WholeFile
from core.types import Result
from pipeline.backends import EngineError
from pipeline.pipeline import Pipeline
from pipeline.recognition.model import ActionModel
from pipeline.sinks import EventSink, SegmentSink, Sink, SinkFailure, SinkGroup, VideoSink, create_publisher
from pipeline.sources import Policy, SourceEvent
from pipeline.threads import CLOSE_S

log = logging.getLogger(__name__)

_COMMON_RATES = (10.0, 12.0, 12.5, 15.0, 20.0, 24.0, 25.0, 30.0, 50.0, 60.0)


@contextmanager
def _for_users() -> Iterator[None]:
    """The folders below have errors of their own for the same purpose: a sentence for the user."""
    try:
        yield
    except (CalibrationError, EngineError) as error:
        raise UserError(str(error)) from error


class Session:
    """Iterate over it once: each result has gone to the outputs before it is given out.

    Args:
        pipeline: gives the results; closed with the session. Its errors for users come out as ``UserError``.
        sinks: take them; closed with the session.
        stats: where the metrics are written at the end.
    """

    def __init__(self, pipeline: Pipeline, sinks: Sequence[Sink], stats: WholeFile | None = None) -> None:
        self.pipeline = pipeline
        self._outputs = tuple(sinks)
        self._sinks = SinkGroup(sinks)
        self._stats = stats
        self._stats_failure: tuple[SinkFailure, ...] = ()
        self._stopper = threading.Thread(name="stop")

    @property
    def name(self) -> str:
        """The source's name, without credentials."""
        return self.pipeline.name

    @property
    def live(self) -> bool:
        """Whether the source is a camera or a stream."""
        return self.pipeline.live

    @property
    def frame_count(self) -> int | None:
        """How many frames a recording claims to have."""
        return self.pipeline.frame_count

    @property
    def failures(self) -> tuple[SinkFailure, ...]:
        """Outputs that have failed; the others continue without them."""
        return self._sinks.failures + self._stats_failure

    def stop(self) -> None:
        """End the iteration, from any thread; returns at once, however long a driver takes to let go."""
        if not self._stopper.is_alive():
            self._stopper = threading.Thread(target=self.pipeline.close, name="stop", daemon=True)
            self._stopper.start()

    def figures(self) -> dict[str, Any]:
        """The pipeline's stage times, ages and drops, what happened to the source, and what each output has dropped."""
        figures = {"source": self.name, **self.pipeline.stats.summary(), "cpu_s": self.pipeline.stats.cpu_s}
        stats = self.pipeline.source.stats
        figures |= {"corrupt": stats.corrupt, "stalls": stats.stalls, "reconnects": stats.reconnects}
        dropped = {output.name: output.dropped for output in self._outputs}
        return figures | {"output_drops": {name: count for name, count in dropped.items() if count is not None}}

    def close(self) -> None:
        """End the pipeline and complete every output."""
        self.pipeline.close()
        if self._stopper.is_alive():  # the pipeline's threads end under its hands
            self._stopper.join(CLOSE_S)
        self._sinks.close()
        stats, self._stats = self._stats, None
        if stats is not None:
            try:
                write_figures(stats, self.figures())
            except UserError as error:  # like any output that fails: the others are whole
                self._stats_failure = (SinkFailure(f"stats {stats.path.name}", str(error)),)
                log.error("%s", error)

    def __iter__(self) -> Iterator[Result]:
        with _for_users():
            for result in self.pipeline:
                self._sinks.write(result)
                yield result

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_session(
    spec: SourceSpec,
    options: RunOptions,
    outputs: Outputs,
    *,
    model: ActionModel | None = None,
    show: bool = False,
    on_event: Callable[[SourceEvent], None] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Session:
    """Open a source, its models and its outputs.

    Args:
        spec: the source.
        options: how to label.
        outputs: where its results go.
        model: an action model that several sessions share; None loads the one that ``options`` names.
        show: for looking at: a file without outputs plays at its own speed instead of as fast as it can be labelled.
        on_event: called with each ``SourceEvent``, from any thread.
        clock: monotonic seconds.

    Raises:
        UserError: something cannot be opened; nothing stays open.
    """
    writes = bool(outputs.files() or outputs.publish)
    policy = options.policy or ("paced" if show and not writes else None)
    pose_options = {
        "weights": options.pose_weights,
        "trust_weights": options.trust_weights or None,
        "detector": options.pose_detector,
        "backend": options.backend if options.pose.startswith("rtmpose:") else None,
    }
    with ExitStack() as undo, _for_users():
        pipeline = Pipeline(
            spec,
            pose=options.pose,
            pose_options={name: value for name, value in pose_options.items() if value is not None},
            model=model if model is not None else options.model,
            backend=options.backend,
            policy=policy,
            fps=options.fps,
            picture_fps=options.images_fps,
            stride_s=options.stride_s,
            threshold=options.threshold,
            on_event=on_event,
            clock=clock,
        )
        undo.callback(pipeline.close)
        sinks = _open_sinks(outputs, pipeline, undo)
        stats = None if outputs.stats is None else WholeFile(outputs.stats)
        undo.pop_all()
    return Session(pipeline, sinks, stats)


def load_shared_model(options: RunOptions) -> ActionModel:
    """The action model for several sessions; the caller closes it.

    Raises:
        UserError: it cannot be loaded.
    """
    with _for_users():
        return ActionModel.load(options.model, options.backend)


def _open_sinks(outputs: Outputs, pipeline: Pipeline, undo: ExitStack) -> list[Sink]:
    sinks: list[Sink] = []

    def add(sink: Sink) -> None:
        undo.callback(sink.close)
        sinks.append(sink)

    if outputs.events is not None:
        add(EventSink(outputs.events))
    if outputs.segments is not None:
        add(SegmentSink(outputs.segments))
    if outputs.save is not None:
        live = pipeline.policy is not Policy.ALL
        add(VideoSink(outputs.save, draw_result, fps=recording_rate(pipeline.fps), live=live))
    for address in outputs.publish:
        add(create_publisher(address))
    return sinks


def recording_rate(fps: float | None) -> float | None:
    """Frames a second to save a source at.

    A file with a variable rate claims its average, which fits none of its frames; saved at that rate some of them would
    be left out. An odd claim is therefore replaced by a common rate of at least twice the claim.
    """
    if fps is None:
        return None
    if any(min(abs(fps - rate), abs(fps - rate / 1.001)) < 0.01 for rate in _COMMON_RATES) or fps > 30:
        return fps
    return 30.0 if fps <= 15 else 60.0
