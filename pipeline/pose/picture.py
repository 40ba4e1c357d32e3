"""From a frame's picture to the pictures that pose networks take."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

STRIDE = 32
"""MoveNet multipose takes any size whose sides are multiples of this."""


@dataclass(frozen=True, slots=True)
class View:
    """What one pass of a whole-frame network looks at: a part of the frame, at a certain size.

    Attributes:
        left, top, width, height: the part, in pixels of the frame.
        long_side: pixels of the longer side of the network's input, a multiple of 32.
    """

    left: int
    top: int
    width: int
    height: int
    long_side: int

    @property
    def corner(self) -> NDArray[np.float32]:
        """(2,) x and y of the upper left corner."""
        return np.array([self.left, self.top], np.float32)

    @property
    def input_pixels(self) -> int:
        """Pixels of the network's input, which its cost goes with."""
        scale = self.long_side / max(self.width, self.height)
        width, height = (-(-max(round(side * scale), 1) // STRIDE) * STRIDE for side in (self.width, self.height))
        return width * height

    def cut(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The part of a (H, W, ...) picture, without copying."""
        return image[self.top : self.top + self.height, self.left : self.left + self.width]


def whole(image: NDArray[np.uint8], long_side: int) -> View:
    """The view of a whole picture."""
    return View(0, 0, image.shape[1], image.shape[0], long_side)


def as_bgr(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A colour picture (H, W, 3) from a colour, grey (H, W) or (H, W, 1), or BGRA (H, W, 4) one."""
    if image.ndim == 2 or image.shape[2] == 1:
        return cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)  # type: ignore[return-value]
    return image[..., :3]


def letterbox(image: NDArray[np.uint8], long_side: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Scale a picture so that its longer side fits, pad right and bottom with black to multiples of 32.

    Args:
        image: (H, W, 3) uint8 BGR, any size from 1 x 1.
        long_side: pixels of the longer side of the network's input, a multiple of 32.

    Returns:
        The network's input, (1, h, w, 3) int32 RGB, and (2,) the factors (x, y) that turn its normalised coordinates
        into pixels of ``image``.
    """
    height, width = image.shape[:2]
    scale = long_side / max(height, width)
    inner_w, inner_h = max(1, round(width * scale)), max(1, round(height * scale))
    shrink = cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR  # bilinear sampling skips pixels when it shrinks a lot
    inner = cv2.resize(image, (inner_w, inner_h), interpolation=shrink)
    outer_w, outer_h = (-(-side // STRIDE) * STRIDE for side in (inner_w, inner_h))
    canvas = np.zeros((1, outer_h, outer_w, 3), np.int32)
    canvas[0, :inner_h, :inner_w] = cv2.cvtColor(inner, cv2.COLOR_BGR2RGB)  # much faster than reversed strides
    return canvas, np.array([outer_w * width / inner_w, outer_h * height / inner_h], np.float32)
