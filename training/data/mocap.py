"""The motion-capture corpus for 2D-to-3D pre-training."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import UserError
from training.run.digest import digest


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


_ARRAYS = ("positions", "root", "clip_start", "clip_name", "source", "label", "fps")


def load_mocap(path: Path | str) -> list[MocapClip]:
    """Read a corpus of COCO-17 joints: arrays ``positions`` (N, 17, 3), ``root`` (N, 3), ``clip_start`` (C + 1),
    ``clip_name``, ``source``, ``label`` (C), ``fps``.

    Raises:
        UserError: the file is missing or damaged, lacks one of the arrays, or they do not fit together.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in _ARRAYS}
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from None
    except KeyError:
        raise UserError(f"{path} is no motion-capture corpus: it lacks one of {', '.join(_ARRAYS)}") from None
    except Exception:  # damaged files raise anything from EOFError to BadZipFile, an .npy TypeError
        raise UserError(f"{path} is no motion-capture corpus: it is damaged or of another kind") from None
    try:
        _check(arrays)
    except ValueError as error:
        raise UserError(f"{path} is no motion-capture corpus: {error}") from None
    world = arrays["positions"].astype(np.float32) + arrays["root"][:, None].astype(np.float32)
    bounds = arrays["clip_start"]
    return [
        MocapClip(str(name), str(source), str(label), world[a:b], float(arrays["fps"]))
        for name, source, label, a, b in zip(
            arrays["clip_name"], arrays["source"], arrays["label"], bounds[:-1], bounds[1:], strict=True
        )
    ]


def corpus_digest(clips: Iterable[MocapClip]) -> str:
    """Tells recordings apart, also those of the same names: their sources, labels, frame rates and positions."""
    return digest(
        part
        for clip in clips
        for part in (str((clip.name, clip.source, clip.label, clip.fps, clip.world.shape)), clip.world)
    )


def _check(arrays: Mapping[str, NDArray]) -> None:
    """Raises ValueError, with a sentence, for arrays that do not fit together."""
    frames, clips = ((arrays[name].shape or (0,))[0] for name in ("positions", "clip_name"))
    shapes = {
        "positions": (frames, 17, 3), "root": (frames, 3), "clip_start": (clips + 1,), "clip_name": (clips,),
        "source": (clips,), "label": (clips,), "fps": (),
    }  # fmt: skip
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise ValueError(f"'{name}' has shape {arrays[name].shape}, not {shape}")
    for name in ("positions", "root", "fps"):
        if arrays[name].dtype.kind not in "iuf":
            raise ValueError(f"'{name}' holds no numbers")
    if not clips:
        raise ValueError("it holds no recordings")
    bounds = arrays["clip_start"]
    if bounds.dtype.kind not in "iu" or bounds[0] < 0 or bounds[-1] > frames or not (bounds[1:] > bounds[:-1]).all():
        raise ValueError(f"'clip_start' does not cut {frames} frames into recordings of one or more")
    if not (np.isfinite(arrays["fps"]) and arrays["fps"] > 0):
        raise ValueError(f"'fps' is {arrays['fps']}")
    if not (np.isfinite(arrays["positions"]).all() and np.isfinite(arrays["root"]).all()):
        raise ValueError("'positions' or 'root' hold values that are no finite numbers")
