"""Name tags: what they say, how large they are, and where they fit into the picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2

from core.types import Action

FONT = cv2.FONT_HERSHEY_DUPLEX
_BASE_PX = 21.0  # height of the font's capitals at scale 1, roughly
_MIN_TEXT_PX = 9.0  # below this nobody can read it


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle in whole image pixels; x1 and y1 are inside, x2 and y2 just outside."""

    x1: int
    y1: int
    x2: int
    y2: int

    def overlaps(self, other: Rect) -> bool:
        """Whether the two share a pixel."""
        return self.x1 < other.x2 and other.x1 < self.x2 and self.y1 < other.y2 and other.y1 < self.y2


@dataclass(frozen=True, slots=True)
class Tag:
    """A line of text in a rectangle.

    Attributes:
        text: as it is drawn, shortened if it had to be.
        rect: the tag, inside the picture.
        font_scale: for ``cv2.putText`` with ``FONT``.
        baseline: left end of the text's base line, image pixels.
    """

    text: str
    rect: Rect
    font_scale: float
    baseline: tuple[int, int]


def text_height(size: tuple[int, int]) -> float:
    """Height of a tag's text in pixels for a picture of (width, height): legible at 240p, not tiny at 4K."""
    return max(_MIN_TEXT_PX, 0.019 * (size[0] * size[1]) ** 0.5)


def tag_text(track: int, action: Action | None) -> str:
    """``3 walk 92%``; ``3 ?`` for somebody the model cannot name, ``3`` before the first decision."""
    if action is None:
        return f"{track}"
    if action.label is None:
        return f"{track} ?"
    return f"{track} {action.label} {action.probability:.0%}"


def place_tag(
    text: str, box: tuple[float, float, float, float], size: tuple[int, int], taken: Iterable[Rect] = ()
) -> Tag:
    """Find a place for a tag: above the box, else below its upper edge, clear of other tags where there is room.

    Args:
        text: one line.
        box: x1, y1, x2, y2 of the person in pixels; may reach beyond the picture.
        size: (width, height) of the picture.
        taken: tags already placed.

    Returns:
        A tag that lies inside the picture; text that is too long for it is shortened.
    """
    width, height = size
    px = min(text_height(size), 0.6 * height)
    scale = px / _BASE_PX
    pad = max(1, round(px * 0.35))
    text, text_w = _shorten(text, scale, width - 2 * pad)
    tag_w, tag_h = min(text_w + 2 * pad, width), min(round(px) + 2 * pad, height)

    x = _clamp(round(box[0]), 0, width - tag_w)
    above, inside = round(box[1]) - tag_h, round(box[1])
    first = _clamp(above if above >= 0 else inside, 0, height - tag_h)
    others = list(taken)
    step = tag_h + 1
    # The nearest free row, looking up and down alternately; with none free the tag stays where it belongs.
    rows = [first] + [y for k in range(1, 6) for y in (first - k * step, first + k * step)]
    for y in rows:
        rect = Rect(x, y, x + tag_w, y + tag_h)
        if 0 <= y <= height - tag_h and not any(rect.overlaps(other) for other in others):
            break
    else:
        rect = Rect(x, first, x + tag_w, first + tag_h)
    return Tag(text, rect, scale, (rect.x1 + pad, rect.y2 - pad))


def _shorten(text: str, scale: float, room: int) -> tuple[str, int]:
    """The text, or its beginning with dots, that is at most ``room`` pixels wide, and its width."""
    text_w = _text_width(text, scale)
    whole = text
    while text_w > room and len(whole) > 1:
        whole = whole[:-1]
        text = whole.rstrip() + ".."
        text_w = _text_width(text, scale)
    return text, text_w


def _text_width(text: str, scale: float) -> int:
    return int(cv2.getTextSize(text, FONT, scale, 1)[0][0])


def _clamp(value: int, low: int, high: int) -> int:
    return max(low, min(value, max(low, high)))
