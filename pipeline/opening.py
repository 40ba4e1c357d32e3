"""Opening a pipeline's parts: source, pose model and action model at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pipeline.action_model import ActionModel
from pipeline.errors import UserError
from pipeline.sources import Policy, SourceEvent, open_source
from pipeline.stages import FrameSource

SourceSpec = str | int | Path | Sequence[Any] | FrameSource


def source_of(
    source: SourceSpec,
    policy: Policy | str | None,
    clock: Callable[[], float],
    on_event: Callable[[SourceEvent], None] | None,
) -> FrameSource:
    """The source, if it is one already, or what ``open_source`` makes of it.

    Raises:
        SourceError: it cannot be opened.
        UserError: there is no such policy.
    """
    if hasattr(source, "close") and hasattr(source, "__iter__"):
        return source  # type: ignore[return-value]
    try:
        wanted = None if policy is None else Policy(policy)
    except ValueError:
        raise UserError(f"There is no policy '{policy}'; choose {', '.join(p.value for p in Policy)}.") from None
    return open_source(source, policy=wanted, clock=clock, on_event=on_event)


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
    make_source: Callable[[], FrameSource], *makers: Callable[[], Any], keep: tuple[object, ...]
) -> list[Any]:
    """Open the source here and the other parts in the background.

    When one part fails, the others are closed, except for those in ``keep``, and its error is raised.
    """
    background = [_Background(make) for make in makers]
    opened: list[Any] = []
    try:
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
