"""Results to draw and to count without any network, pictures to label, a disk that is full."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from standing import MakeResult

from core.types import Action, Frame, Person, Result


@pytest.fixture(scope="session")
def full_disk() -> tuple[str, ...]:
    """Words before a command under which no file takes a single byte."""
    return "sh", "-c", 'ulimit -f 0; exec "$@"', "sh"


@pytest.fixture(scope="session")
def pictures(demo_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the first twelve pictures of the bundled clip."""
    folder = tmp_path_factory.mktemp("clip") / "pictures"
    folder.mkdir()
    capture = cv2.VideoCapture(str(demo_clip))
    for index in range(12):
        cv2.imwrite(str(folder / f"{index:03}.png"), capture.read()[1])
    return folder


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
