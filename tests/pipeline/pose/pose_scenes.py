"""Short scenes with known motion: real people cut out of the committed pictures, moved over a plain background."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from core.types import Frame
from pipeline.pose.movenet.follow import MoveNetFollower

DATA = Path(__file__).resolve().parents[2] / "data"
SIZE = (640, 480)
BACKGROUND = 96

# x1, y1, x2, y2 of each person in the picture, with some of the surroundings.
CUTS = {"dancer": ("dancer.jpg", (95, 85, 265, 320)), "runner": ("runners.jpg", (175, 60, 345, 310))}

Path2D = Callable[[float], "tuple[float, float] | None"]
"""Time in seconds -> where a person's picture has its upper left corner, None while the person is away."""


def sprite(name: str, scale: float = 1.0) -> np.ndarray:
    """The picture of one person."""
    file, (x1, y1, x2, y2) = CUTS[name]
    picture = cv2.imread(str(DATA / file))[y1:y2, x1:x2]
    return cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def scene(
    people: list[tuple[np.ndarray, Path2D]], seconds: float, fps: float = 30.0, size: tuple[int, int] = SIZE
) -> Iterator[Frame]:
    """Frames with each person's picture pasted where its path says; later ones cover earlier ones."""
    for index in range(round(seconds * fps)):
        image = np.full((size[1], size[0], 3), BACKGROUND, np.uint8)
        for picture, path in people:
            place = path(index / fps)
            if place is not None:
                shift = np.float32([[1, 0, place[0]], [0, 1, place[1]]])
                cv2.warpAffine(picture, shift, size, image, cv2.INTER_LINEAR, cv2.BORDER_TRANSPARENT)
        yield Frame(index, index / fps, image)


@dataclass
class Counted:
    """A follower whose network runs are counted.

    Attributes:
        passes: for each frame, how often the whole-frame network ran.
        looks: for each frame, how often the one-person network ran.
    """

    follower: MoveNetFollower
    passes: list[int] = field(default_factory=list)
    looks: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        detect, look = self.follower._multipose.detect, self.follower._lightning.look

        lock = threading.Lock()  # the networks run in several threads

        def counted_detect(*args):
            with lock:
                self.passes[-1] += 1
            return detect(*args)

        def counted_look(*args):
            with lock:
                self.looks[-1] += 1
            return look(*args)

        self.follower._multipose.detect = counted_detect  # type: ignore[method-assign]
        self.follower._lightning.look = counted_look  # type: ignore[method-assign]

    def run(self, frames) -> list[tuple]:
        """The poses of every frame."""
        out = []
        for frame in frames:
            self.passes.append(0)
            self.looks.append(0)
            out.append(self.follower.estimate(frame))
        return out
