"""A result at another size, so that text and lines are drawn for the size at which they are seen."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from core.types import Person, Result


def fit_result(result: Result, size: tuple[int, int]) -> Result:
    """The result with its picture, boxes and keypoints scaled to fit into (width, height), proportions kept.

    With no room at all (a side of 0) it comes back as it is.
    """
    image = result.frame.image
    height, width = image.shape[:2]
    scale = min(size[0] / width, size[1] / height)
    if scale <= 0 or round(scale * width) == width:
        return result
    fitted = (max(1, round(width * scale)), max(1, round(height * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    picture = np.asarray(cv2.resize(image, fitted, interpolation=method), np.uint8)
    people = tuple(_scaled(person, scale) for person in result.people)
    return replace(result, frame=replace(result.frame, image=picture), people=people)


def _scaled(person: Person, scale: float) -> Person:
    pose = person.pose
    return replace(
        person,
        pose=replace(
            pose,
            keypoints=(pose.keypoints * scale).astype(np.float32),
            box=(pose.box * scale).astype(np.float32),
        ),
    )
