"""One recording of NTU RGB+D: a ``.skeleton`` file of 25 Kinect v2 joints for each body in each frame.

It is text. The first line is the number of frames. A frame begins with a line for its number of bodies. A body is a
line of ten values, of which the first is its tracking number, a line for its number of joints, and a line of twelve
values a joint: x, y, z in metres, depth x, y and colour x, y in pixels, an orientation of four, and the tracking state
(0 not tracked, 1 inferred, 2 tracked). Source: the authors' reader, ``read_skeleton_file.m`` of
github.com/shahroudy/NTURGB-D.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from core.errors import UserError

Number = TypeVar("Number", int, float)

JOINTS = 25

_SCORES = np.array([0.0, 0.5, 1.0], np.float32)
"""Of a joint not tracked, inferred, tracked."""


@dataclass
class Body:
    """What the sensor took for one person.

    Attributes:
        frames: the frames it was seen in, rising.
        joints: for each of them (25, 3) metres in the sensor's frame: +x to its left, +y up, +z away from it.
        scores: for each of them (25,): 1 tracked, 0.5 inferred, 0 absent.
    """

    frames: list[int] = field(default_factory=list)
    joints: list[NDArray[np.float32]] = field(default_factory=list)
    scores: list[NDArray[np.float32]] = field(default_factory=list)


def read_skeleton_file(path: Path) -> tuple[int, list[Body]]:
    """Number of frames, and the bodies linked through them by their tracking numbers, in the order they appear.

    Raises:
        UserError: the file cannot be read, or is not of that form; the message names the line.
    """
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is no skeleton file: it is not text") from None
    reader = _Lines(path, lines)
    count = reader.number("the number of frames")
    bodies: dict[str, Body] = {}
    for frame in range(count):
        reader.where = f"frame {frame + 1} of {count}"
        for _ in range(reader.number("the number of bodies")):
            name = reader.fields(10, "a body")[0]
            joints, scores = reader.joints()
            body = bodies.setdefault(name, Body())
            if not body.frames or body.frames[-1] != frame:  # else the tracking number came twice in a frame
                body.frames.append(frame)
                body.joints.append(joints)
                body.scores.append(scores)
    return count, list(bodies.values())


class _Lines:
    """The lines of a file, one after the other."""

    def __init__(self, path: Path, lines: list[str]) -> None:
        self.path, self.lines, self.at, self.where = path, lines, 0, "its first line"

    def fields(self, count: int, what: str) -> list[str]:
        """The values of the next line."""
        if self.at >= len(self.lines):
            raise UserError(f"{self.path}, line {self.at + 1}: the file ends within {self.where}")
        values = self.lines[self.at].split()
        self.at += 1
        if len(values) != count:
            raise self.error(f"{what} has {count} {'value' if count == 1 else 'values'}, not {len(values)}")
        return values

    def number(self, what: str) -> int:
        """The next line as a number of things."""
        (text,) = self.fields(1, what)
        if not text.isdigit():
            raise self.error(f"{what} is '{text}'")
        return int(text)

    def joints(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The next joints, (25, 3), and their scores, (25,)."""
        if (count := self.number("the number of joints")) != JOINTS:
            raise self.error(f"a body has {JOINTS} joints, not {count}")
        rows: list[list[float]] = []
        states: list[int] = []
        for _ in range(JOINTS):
            values = self.fields(12, "a joint")
            rows.append([self.parsed(v, float) for v in values[:3]])
            states.append(self.parsed(values[11], int))
            if not 0 <= states[-1] < len(_SCORES):
                raise self.error(f"the tracking state is 0, 1 or 2, not {states[-1]}")
        xyz = np.array(rows, np.float32)
        known: NDArray[np.bool_] = np.all(np.isfinite(xyz), axis=1)
        return np.where(known[:, None], xyz, 0), np.where(known, _SCORES[states], 0)

    def parsed(self, text: str, kind: Callable[[str], Number]) -> Number:
        """A value of the line read last."""
        try:
            return kind(text)
        except ValueError:
            raise self.error(f"'{text}' is no {'whole ' if kind is int else ''}number") from None

    def error(self, problem: str) -> UserError:
        """What is wrong with the line read last."""
        return UserError(f"{self.path}, line {self.at}: {problem}")
