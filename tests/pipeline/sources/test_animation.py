"""Files of several pictures are read whole, and pictures of one scene at several scales are one scene."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from core.errors import SourceError
from pipeline.sources import open_source

NOISE = np.random.default_rng(0).integers(0, 255, (40, 48, 64, 3), np.uint8)


def animate(path: Path, durations_ms: list[int]) -> Path:
    animation = cv2.Animation()
    animation.frames = list(NOISE[: len(durations_ms)])
    animation.durations = np.array(durations_ms)
    assert cv2.imwriteanimation(str(path), animation)
    return path


@pytest.mark.parametrize("ending", ["webp", "png", "avif"])
def test_an_animation_is_read_whole_by_its_own_durations(tmp_path: Path, ending: str) -> None:
    durations = [100, 200, 50] + [40] * 37  # more than are held in memory
    with open_source(animate(tmp_path / f"a.{ending}", durations)) as source:
        frames = list(source)
    assert [frame.time_s for frame in frames] == pytest.approx(np.cumsum([0, *durations[:-1]]) / 1000, abs=2e-3)
    if ending == "png":  # the others lose detail
        assert all(np.array_equal(frame.image, noise) for frame, noise in zip(frames, NOISE, strict=True))


def test_a_stack_is_played_at_the_rate_of_pictures(tmp_path: Path) -> None:
    path = tmp_path / "a.tiff"
    assert cv2.imwritemulti(str(path), list(NOISE))
    with open_source(path, fps=10) as source:
        frames = list(source)
    assert len(frames) == len(NOISE)
    assert frames[-1].time_s == pytest.approx(3.9)
    assert np.array_equal(frames[-1].image, NOISE[-1])


def test_an_older_opencv_refuses_an_animation_in_a_sentence(tmp_path: Path, monkeypatch) -> None:
    path = animate(tmp_path / "a.webp", [100, 100])
    monkeypatch.delattr(cv2, "imreadanimation")
    with pytest.raises(SourceError, match="is an animation, which OpenCV before"), open_source(path) as source:
        next(iter(source))


def test_pictures_of_one_shape_are_brought_to_the_first_ones_size() -> None:
    small, other = cv2.resize(NOISE[1], (32, 24)), np.zeros((64, 48, 3), np.uint8)
    with open_source([NOISE[0], small, other]) as source:
        assert [frame.image.shape for frame in source] == [(48, 64, 3), (48, 64, 3), (64, 48, 3)]
