"""Opening a pipeline's parts: source, pose model and action model at the same time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import GeneratorType
from typing import Any

from core.errors import UserError
from pipeline.recognition.model import ActionModel, find_model
from pipeline.sources import FrameSource, Policy, SourceEvent, open_source, opens_at_once
from pipeline.sources.base import Frames, PlainSource
from pipeline.sources.opening import PICTURE_FPS

log = logging.getLogger(__name__)

SourceSpec = str | int | Path | Sequence[Any] | FrameSource | Frames


def source_of(
    source: SourceSpec,
    policy: Policy | str | None,
    fps: float | None,
    picture_fps: float | None,
    clock: Callable[[], float],
    on_event: Callable[[SourceEvent], None] | None,
) -> FrameSource:
    """The source, if it is one already, or what ``open_source`` makes of it.

    Raises:
        SourceError: it cannot be opened.
        UserError: there is no such policy.
    """
    if isinstance(source, FrameSource):
        return source
    if isinstance(source, Frames):
        if not isinstance(source, GeneratorType):  # a generator has nothing else to say
            log.warning(
                "%s is read like a recording; a live source inherits from pipeline.sources.FrameSource",
                type(source).__name__,
            )
        return PlainSource(source)
    try:
        wanted = None if policy is None else Policy(policy)
    except ValueError:
        raise UserError(f"There is no policy '{policy}'; choose {', '.join(p.value for p in Policy)}.") from None
    pictures = PICTURE_FPS if picture_fps is None else picture_fps
    return open_source(source, policy=wanted, fps=pictures, video_fps=fps, clock=clock, on_event=on_event)


def is_quick(source: SourceSpec) -> bool:
    """Whether the source is open already or takes milliseconds to open.

    Raises:
        SourceError: it is no source at all.
    """
    return isinstance(source, Frames) or opens_at_once(source)


def check_model(model: str | Path | ActionModel | None) -> None:
    """Raises ModelError when ``model_of`` would find nothing to load."""
    if not isinstance(model, ActionModel):
        find_model(model)


def model_of(model: str | Path | ActionModel | None, backend: str, precision: str | None) -> ActionModel:
    """The model, if it is loaded already, or what ``ActionModel.load`` makes of it; see there for errors."""
    return model if isinstance(model, ActionModel) else ActionModel.load(model, backend, precision)


class _Background(threading.Thread):
    """Opens one part while the caller opens another. A daemon: whoever gives up waiting may leave the program."""

    def __init__(self, make: Callable[[], Any]) -> None:
        super().__init__(name="open", daemon=True)
        self._make = make
        self.part: Any = None
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self.part = self._make()
        except BaseException as error:  # raised by whoever waits
            self.error = error

    def wait(self) -> Any:
        self.join()
        if self.error is not None:
            raise self.error
        return self.part


def open_together(
    make_source: Callable[[], FrameSource],
    *makers: Callable[[], Any],
    check: Callable[[], object],
    source_first: bool,
    keep: tuple[object, ...],
) -> list[Any]:
    """Open the source here and the other parts in the background.

    When one part fails, the others are closed, except for those in ``keep``, and its error is raised.

    Args:
        make_source: opens the source.
        makers: open the other parts, which may take long: an engine is built for minutes.
        check: raises what can be said before any of them begins.
        source_first: whether they wait for the source, too. A file takes no time, and when it cannot be opened nobody
            wants to wait for networks; a camera takes seconds, in which they can be loaded.
        keep: what is not closed.
    """
    background: list[_Background] = []
    opened: list[Any] = []
    try:
        if source_first:
            opened.append(make_source())
        check()
        background += [_Background(make) for make in makers]
        if not source_first:
            opened.append(make_source())
        for thread in background:
            opened.append(thread.wait())
    except Exception:
        for thread in background:
            thread.join()
        for part in [*opened[:1], *(thread.part for thread in background)]:
            if part is not None and not any(part is other for other in keep):
                part.close()
        raise
    return opened
