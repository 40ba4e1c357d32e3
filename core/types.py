"""The words of the project: frozen records that travel between the stages.

``Frame`` -> ``Pose`` -> ``Person`` -> ``Action`` -> ``Result``. A label is tied to a person by the track id all the
way to the screen; no list is ever zipped against another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a source.

    Attributes:
        index: 0-based position in the source; dropped frames leave gaps.
        time_s: capture time in seconds since the source started (a file's own time stamps, a camera's clock).
        image: (height, width, 3) uint8, BGR.
    """

    index: int
    time_s: float
    image: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Pose:
    """One body in one frame, in image pixels.

    Attributes:
        keypoints: (17, 2) float32, x to the right and y down, COCO order; may lie outside the image.
        scores: (17,) float32 in [0, 1], how sure the detector is of each keypoint.
        box: (4,) float32, x1, y1, x2, y2.
        score: how sure the detector is of the person, in [0, 1].
        predicted: no network has looked at the person in this frame; the body was moved on from the last look.
        track: the estimator's own id of the person, where it follows people and is sure who this is; never given to
            anybody else. ``Person.track`` is the id that outlives a loss.
    """

    keypoints: NDArray[np.float32]
    scores: NDArray[np.float32]
    box: NDArray[np.float32]
    score: float
    predicted: bool = False
    track: int | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """A pose with the id of the track it belongs to."""

    track: int
    pose: Pose


@dataclass(frozen=True, slots=True)
class Action:
    """What a person is doing, as far as the model can tell.

    Attributes:
        label: class name, or None when the model does not know.
        probability: calibrated probability of the best class, also when the label is None.
        top: best classes with their probabilities, best first.
        embedding: (D,) float32 pooled features of the window, which the logits come from; for programs that compare
            people's actions, which nothing here does.
        time_s: capture time of the newest frame that the decision has seen.
    """

    label: str | None
    probability: float
    top: tuple[tuple[str, float], ...]
    embedding: NDArray[np.float32]
    time_s: float


@dataclass(frozen=True, slots=True)
class Result:
    """One processed frame: who is there and what each of them does.

    Attributes:
        frame: the picture that the poses belong to.
        people: everybody tracked in this frame.
        actions: the current action of each track id; a track without a decision yet is absent.
        decided: the track ids whose action was decided on this frame (a subset of ``actions``).
        stage_ms: milliseconds that each stage spent on this frame.
        age_ms: from capture to the moment the result left the pipeline.
        dropped: frames skipped so far because newer ones had arrived.
    """

    frame: Frame
    people: tuple[Person, ...]
    actions: Mapping[int, Action] = field(default_factory=dict)
    decided: frozenset[int] = frozenset()
    stage_ms: Mapping[str, float] = field(default_factory=dict)
    age_ms: float = 0.0
    dropped: int = 0
