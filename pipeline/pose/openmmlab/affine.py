"""The crop that top-down pose networks take: a person's box, enlarged, brought to the network's shape and size.

The same transform as in mmpose (``GetBBoxCenterScale`` and ``TopdownAffine``) without rotation, rounded in the same
places: a last bit decides which of 32 steps between two pixels OpenCV samples at, and so the crop's values.
    Coordinates: image pixels, x to the right and y down.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Size = tuple[int, int]
"""(width, height) in pixels."""


def centers_and_scales(
    boxes: NDArray[np.float32], size: Size, padding: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where to crop: the boxes enlarged, then grown along one side to the aspect ratio of ``size``.

    Args:
        boxes: (N, 4) x1, y1, x2, y2.
        size: of the network's input.
        padding: factor of enlargement.

    Returns:
        Centres and sides (width, height) of the crops, (N, 2) each, in image pixels.
    """
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    centers = (boxes[:, 2:] + boxes[:, :2]) * np.float32(0.5)
    sides = np.maximum(
        (boxes[:, 2:] - boxes[:, :2]) * np.float32(padding), np.float32(1)
    )  # a box without area is a pixel
    aspect = np.float32(size[0] / size[1])
    wide = sides[:, :1] > sides[:, 1:] * aspect
    scales = np.where(
        wide,
        np.concatenate([sides[:, :1], sides[:, :1] / aspect], axis=1),
        np.concatenate([sides[:, 1:] * aspect, sides[:, 1:]], axis=1),
    )
    return centers, scales.astype(np.float32)


def crop_matrix(center: NDArray[np.float32], scale: NDArray[np.float32], size: Size, udp: bool) -> NDArray[np.float64]:
    """The (2, 3) affine transform from image pixels to pixels of the crop.

    Args:
        center, scale: (2,) of one crop.
        size: of the network's input.
        udp: pixels are points on a grid (the first and last point of the crop are those of the box) rather than little
            squares.
    """
    width, height = size
    if udp:
        factors = (width - 1) / scale[0], (height - 1) / scale[1]
        shifts = [f * (-0.5 * (2 * c) + 0.5 * s) for f, c, s in zip(factors, center, scale, strict=True)]
        return np.array([[factors[0], 0, shifts[0]], [0, factors[1], shifts[1]]], np.float32).astype(np.float64)
    # Three pairs of points: the centre, the middle of the left side, and the point at a right angle to both.
    left = (center - np.array([0.5 * scale[0], 0])).astype(np.float32)
    image_points = np.stack([center, left, left + np.array([0, center[0] - left[0]], np.float32)]).astype(np.float32)
    crop_points = np.array([[width / 2, height / 2], [0, height / 2], [0, height / 2 + width / 2]], np.float32)
    return cv2.getAffineTransform(image_points, crop_points)  # type: ignore[return-value]


def crop(
    image: NDArray[np.uint8], matrix: NDArray[np.float64], size: Size, border: tuple[int, int, int] = (0, 0, 0)
) -> NDArray[np.uint8]:
    """The (height, width, 3) picture of a crop; what lies outside the image has the colour ``border``."""
    warped = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderValue=border)
    return warped  # type: ignore[return-value]


def to_image(
    points: NDArray[np.floating], centers: NDArray[np.float32], scales: NDArray[np.float32], size: Size
) -> NDArray[np.float32]:
    """Bring (N, K, 2) points from pixels of N crops back to image pixels."""
    span = scales[:, None, :].astype(np.float64)
    back = points / np.array(size, np.float64) * span + centers[:, None, :] - 0.5 * span
    return back.astype(np.float32)
