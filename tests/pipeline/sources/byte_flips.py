"""Reads damaged copies of a video and prints what came of each: ``python byte_flips.py CLIP COPIES``.

A program of its own, because a decoder that crashes takes its process with it.
"""

from __future__ import annotations

import itertools
import json
import math
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from pipeline.sources import SourceError, open_source


def outcome(path: Path) -> str:
    """What a user would see; raises when a promise is broken."""
    try:
        with open_source(path) as source:
            frames = list(itertools.islice(source, 1000))
            assert source.frame_count is None or source.frame_count > 0
            assert source.fps is None or 0 < source.fps <= 1000
    except SourceError:
        return "refused"
    times_s = [frame.time_s for frame in frames]
    assert all(map(math.isfinite, times_s))
    assert all(later > earlier for earlier, later in itertools.pairwise(times_s))
    assert all(frame.image.ndim == 3 and frame.image.shape[2] == 3 for frame in frames)
    return "read"


def main(clip: Path, copies: int) -> None:
    rng = np.random.default_rng(1234)
    whole = np.frombuffer(clip.read_bytes(), np.uint8)
    damaged = clip.with_name("damaged" + clip.suffix)
    outcomes: Counter[str] = Counter()
    for _ in range(copies):
        data = whole.copy()
        places = rng.integers(0, len(data), rng.integers(1, 9))
        data[places] ^= rng.integers(1, 256, len(places)).astype(np.uint8)
        damaged.write_bytes(data.tobytes())
        outcomes[outcome(damaged)] += 1
    sys.stdout.write(json.dumps(outcomes))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
