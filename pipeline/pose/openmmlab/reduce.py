"""Bigger sets of keypoints reduced to COCO's 17: COCO-WholeBody (133), Halpe (26 and 136) and whatever names all of the
17."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.errors import PoseError
from core.skeleton import COCO_KEYPOINTS

COUNTS = {17: "COCO", 26: "Halpe-26", 133: "COCO-WholeBody", 136: "Halpe"}
"""Sets that begin with COCO's 17 in order, by their size."""


def coco_indices(names: Sequence[str], model: str) -> NDArray[np.intp]:
    """(17,) where COCO's keypoints are among a model's.

    Args:
        names: the model's keypoints in the order of its output.
        model: what to call it in the message.

    Raises:
        PoseError: the model lacks some of the 17.
    """
    lacking = [name for name in COCO_KEYPOINTS if name not in names]
    if lacking:
        raise PoseError(
            f"{model} finds {len(names)} keypoints and not all of COCO's 17, which the action model needs: "
            f"it lacks {', '.join(lacking[:4])}{' and others' if len(lacking) > 4 else ''}."
        )
    return np.array([list(names).index(name) for name in COCO_KEYPOINTS])


def names_by_count(count: int, model: str) -> tuple[str, ...]:
    """Names for the keypoints of a model that gives only their number; those after the 17 are numbered.

    Raises:
        PoseError: no set of that size is known to begin with COCO's 17.
    """
    if count not in COUNTS:
        known = ", ".join(f"{number} ({name})" for number, name in COUNTS.items())
        raise PoseError(
            f"{model} finds {count} keypoints, and which ones is not known; sets that can be used: {known}."
        )
    return (*COCO_KEYPOINTS, *(f"keypoint_{index}" for index in range(17, count)))
