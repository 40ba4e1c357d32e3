"""Results to draw and to count, without any network."""

from __future__ import annotations

import numpy as np
import pytest
from standing import MakeResult

from pipeline.types import Action, Frame, Person, Result


@pytest.fixture
def make_result() -> MakeResult:
    """A result on a flat grey picture of (width, height)."""

    def make(
        size: tuple[int, int] = (640, 480),
        people: tuple[Person, ...] = (),
        actions: dict[int, Action] | None = None,
        *,
        index: int = 0,
        time_s: float = 0.0,
        **more: object,
    ) -> Result:
        frame = Frame(index, time_s, np.full((size[1], size[0], 3), 90, np.uint8))
        return Result(frame, people, actions or {}, **more)  # type: ignore[arg-type]

    return make
