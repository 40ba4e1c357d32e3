"""Skeletons, boxes, ids and labels on a picture; every size follows the size of the picture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from app.drawing.palette import GREY, Colour, ink_on, pale, track_colour
from app.drawing.tags import FONT, Rect, Tag, place_tag, tag_text
from core.skeleton import DRAWN_LIMBS
from core.types import Person, Pose, Result

DRAWN_SCORE = 0.2
"""Keypoints the detector is less sure of than this are left out: a guessed limb misleads more than a missing one."""

FADED = 0.55  # how much of the colour a tag without a label keeps
_FAR = 1 << 14  # OpenCV draws with 16 fractional bits; points farther out than this would wrap around


def draw_result(result: Result) -> NDArray[np.uint8]:
    """A copy of the frame with everybody in it drawn: (height, width, 3) uint8, BGR."""
    image = np.ascontiguousarray(result.frame.image).copy()
    size = (image.shape[1], image.shape[0])
    unit = line_unit(size)
    for person in result.people:
        draw_person(image, person, track_colour(person.track), unit)
    # Tags come last and the surest of them first, so that no skeleton covers a label.
    taken: list[Rect] = []
    for person in sorted(result.people, key=lambda p: (not _named(result, p), p.track)):
        action = result.actions.get(person.track)
        tag = place_tag(tag_text(person.track, action), shown_box(person.pose), size, taken)
        draw_tag(image, tag, track_colour(person.track), bold=_named(result, person))
        taken.append(tag.rect)
    return image


def line_unit(size: tuple[int, int]) -> float:
    """Width of a line in pixels for a picture of (width, height)."""
    return max(1.0, (size[0] * size[1]) ** 0.5 / 400.0)


def draw_person(image: NDArray[np.uint8], person: Person, colour: Colour, unit: float) -> None:
    """Draw a box, limbs and joints into the picture, in place."""
    pose = person.pose
    seen = _seen(pose)
    points = [_pixel(*xy) for xy in np.nan_to_num(pose.keypoints)]
    thin, thick = max(1, round(0.8 * unit)), max(1, round(1.6 * unit))
    x1, y1, x2, y2 = shown_box(pose)
    cv2.rectangle(image, _pixel(x1, y1), _pixel(x2, y2), colour, thin, cv2.LINE_AA)
    # Small people get thin limbs, else they would vanish under them.
    tall = max(y2 - y1, x2 - x1)
    if tall < 60 * unit:
        thick = thin
    for a, b in DRAWN_LIMBS:
        if seen[a] and seen[b]:
            cv2.line(image, points[a], points[b], colour, thick, cv2.LINE_AA)
    radius = max(1, round(min(2.0 * unit, 0.022 * tall)))
    for joint in np.flatnonzero(seen):
        if joint in (1, 2, 3, 4) and tall < 150 * unit:
            continue
        cv2.circle(image, points[joint], radius, (255, 255, 255), cv2.FILLED, cv2.LINE_AA)


def shown_box(pose: Pose) -> tuple[float, float, float, float]:
    """The box (x1, y1, x2, y2), stretched to the top of the head, which has no keypoint.

    The head ends about as far from the middle of the face as the shoulders are on the other side.
    """
    x1, y1, x2, y2 = (float(v) for v in np.nan_to_num(pose.box))
    seen = _seen(pose)
    face, shoulders = pose.keypoints[:5][seen[:5]], pose.keypoints[5:7][seen[5:7]]
    if len(face) and len(shoulders):
        middle = face.mean(axis=0)
        x, y = (float(v) for v in 2 * middle - shoulders.mean(axis=0))
        x1, y1, x2, y2 = min(x1, x), min(y1, y), max(x2, x), max(y2, y)
    return x1, y1, x2, y2


def draw_tag(image: NDArray[np.uint8], tag: Tag, colour: Colour, *, bold: bool) -> None:
    """Draw a tag into the picture, in place; one without a label is faded, since it says little."""
    r = tag.rect
    patch = image[r.y1 : r.y2, r.x1 : r.x2]
    if bold:
        patch[:] = colour
        ink = ink_on(colour)
    else:
        patch[:] = (patch * (1 - FADED) + np.array(GREY) * 0.35 * FADED).astype(np.uint8)
        ink = pale(colour)
    cv2.putText(image, tag.text, tag.baseline, FONT, tag.font_scale, ink, 1, cv2.LINE_AA)


def _seen(pose: Pose) -> NDArray[np.bool_]:
    seen: NDArray[np.bool_] = (pose.scores >= DRAWN_SCORE) & np.isfinite(pose.keypoints).all(axis=1)
    return seen


def _named(result: Result, person: Person) -> bool:
    action = result.actions.get(person.track)
    return action is not None and action.label is not None


def _pixel(x: float, y: float) -> tuple[int, int]:
    return round(min(max(float(x), -_FAR), _FAR)), round(min(max(float(y), -_FAR), _FAR))
