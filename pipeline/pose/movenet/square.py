"""The square around one person that movenet-lightning looks at."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

LIKELY = 0.2
"""A keypoint of at least this score is probably where the network says."""

FEWEST = 6
"""With fewer likely keypoints than this all of them say where the body is; a face alone has five."""

MARGIN = 1.2
"""Side of the square over the longer side of the keypoints' extent; 1.15 to 1.3 agree best with a larger network."""

BOX_MARGIN = 0.07
"""A box leaves this share of the extent free around the keypoints, for the top of the head, hands and feet."""


@dataclass(frozen=True, slots=True)
class Square:
    """A square of whole pixels in a frame, which may reach beyond the frame.

    Attributes:
        left, top: pixel of the upper left corner.
        side: pixels of a side, at least 1.
    """

    left: int
    top: int
    side: int


def extent(keypoints: NDArray[np.float32], scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """(4,) x1, y1, x2, y2 of the likely ones of (17, 2) keypoints."""
    likely = keypoints[scores >= LIKELY]
    if len(likely) < FEWEST:
        likely = keypoints
    return np.concatenate([likely.min(axis=0), likely.max(axis=0)]).astype(np.float32)


def longer_side(box: NDArray[np.float32]) -> float:
    """Pixels of the longer side of a box, (4,) x1, y1, x2, y2; at least 1."""
    x1, y1, x2, y2 = box.tolist()
    return float(max(x2 - x1, y2 - y1, 1.0))


def overlap(a: NDArray[np.float32], b: NDArray[np.float32]) -> bool:
    """Whether two boxes, (4,) x1, y1, x2, y2, have a part in common."""
    ax1, ay1, ax2, ay2 = a.tolist()
    bx1, by1, bx2, by2 = b.tolist()
    return bool(ax1 < bx2 and bx1 < ax2 and ay1 < by2 and by1 < ay2)


def inner_box(box: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a person's box, (4,) x1, y1, x2, y2, leaves for the keypoints: :func:`box_around` the other way round."""
    margin = BOX_MARGIN / (1 + 2 * BOX_MARGIN) * longer_side(box)
    return box + np.array([margin, margin, -margin, -margin], np.float32)


def box_around(keypoints: NDArray[np.float32], scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """A person's box, (4,) x1, y1, x2, y2, from the keypoints."""
    inner = extent(keypoints, scores)
    margin = BOX_MARGIN * longer_side(inner)
    return inner + np.array([-margin, -margin, margin, margin], np.float32)


def square_around(box: NDArray[np.float32], frame_size: tuple[int, int], margin: float = MARGIN) -> Square:
    """The square to look at for a person whose keypoints span ``box`` (x1, y1, x2, y2 in pixels).

    The square is never larger than what covers the frame from its centre, so that a wild keypoint cannot shrink the
    person to nothing.

    Args:
        box: extent of the keypoints, as :func:`extent` gives it.
        frame_size: (width, height) of the frame.
        margin: side of the square over the longer side of ``box``.
    """
    width, height = frame_size
    x1, y1, x2, y2 = (float(value) for value in box)
    cx, cy = min(max((x1 + x2) / 2, 0.0), width), min(max((y1 + y2) / 2, 0.0), height)
    half = max(x2 - x1, y2 - y1) * margin / 2
    half = min(half, max(cx, width - cx, cy, height - cy))
    side = max(round(2 * half), 1)
    return Square(round(cx - side / 2), round(cy - side / 2), side)


def cut(image: NDArray[np.uint8], square: Square, size: int) -> NDArray[np.int32]:
    """Cut a square out of a picture for the network; what lies outside the picture is black.

    Args:
        image: (H, W, 3) uint8 BGR.
        square: what to cut.
        size: pixels of a side of the network's input.

    Returns:
        (1, size, size, 3) int32 RGB.
    """
    height, width = image.shape[:2]
    x1, y1 = max(square.left, 0), max(square.top, 0)
    x2, y2 = min(square.left + square.side, width), min(square.top + square.side, height)
    canvas = np.zeros((1, size, size, 3), np.int32)
    scale = size / square.side
    u1, v1 = round((x1 - square.left) * scale), round((y1 - square.top) * scale)
    u2, v2 = round((x2 - square.left) * scale), round((y2 - square.top) * scale)
    if x2 > x1 and y2 > y1 and u2 > u1 and v2 > v1:
        # Resizing only what is visible costs less than padding first, which matters for large frames.
        method = cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR
        part = cv2.resize(image[y1:y2, x1:x2], (u2 - u1, v2 - v1), interpolation=method)
        canvas[0, v1:v2, u1:u2] = cv2.cvtColor(part, cv2.COLOR_BGR2RGB)  # much faster than reversed strides
    return canvas
