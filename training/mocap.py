"""The motion-capture corpus for 2D-to-3D pre-training."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import UserError


@dataclass(frozen=True)
class MocapClip:
    """One recording: world positions (T, 17, 3) in metres, y up, at ``fps``."""

    name: str
    source: str
    label: str
    world: NDArray[np.float32]
    fps: float

    @property
    def held_out(self) -> bool:
        """One take of ten, by a hash of its name, is for validation only."""
        return zlib.crc32(self.name.encode()) % 10 == 0


def load_mocap(path: Path | str) -> list[MocapClip]:
    """Read a corpus of COCO-17 joints: arrays ``positions`` (N, 17, 3), ``root``, ``clip_start``, ``clip_name``,
    ``source``, ``label``, ``fps``.

    Raises:
        UserError: the file is missing or lacks one of the arrays.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {k: file[k] for k in ("positions", "root", "clip_start", "clip_name", "source", "label", "fps")}
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{path} is no motion-capture corpus: {error}") from None
    world = arrays["positions"].astype(np.float32) + arrays["root"][:, None].astype(np.float32)
    bounds = arrays["clip_start"]
    return [
        MocapClip(str(name), str(source), str(label), world[a:b], float(arrays["fps"]))
        for name, source, label, a, b in zip(
            arrays["clip_name"], arrays["source"], arrays["label"], bounds[:-1], bounds[1:], strict=True
        )
    ]
