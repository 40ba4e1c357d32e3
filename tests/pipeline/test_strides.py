from collections import Counter

import numpy as np
import pytest

from pipeline.recognition.strides import Strides


def due_frames(strides: Strides, tracks: range, frames: range) -> dict[int, list[int]]:
    return {t: [k for k in frames if strides.due(t, k - 1, k)] for t in tracks}


@pytest.mark.parametrize("stride", [1, 4, 5, 8])
def test_everybody_is_due_exactly_once_a_stride(stride: int) -> None:
    strides = Strides(stride)
    for track in range(6):
        strides.add(track)
    for frames in due_frames(strides, range(6), range(100, 100 + 5 * stride)).values():
        assert len(frames) == 5
        assert set(np.diff(frames)) == {stride}


def test_a_group_is_spread_over_the_stride() -> None:
    strides = Strides(6)
    for track in range(6):
        strides.add(track)
    per_frame = Counter(k for frames in due_frames(strides, range(6), range(60)).values() for k in frames)
    assert set(per_frame.values()) == {1}
    assert len(per_frame) == 60


def test_two_people_are_half_a_stride_apart_and_a_freed_slot_is_used_again() -> None:
    strides = Strides(6)
    for track in (1, 2):
        strides.add(track)
    frames = due_frames(strides, range(1, 3), range(6))
    assert abs(frames[1][0] - frames[2][0]) == 3
    for track in (3, 4, 5, 6):
        strides.add(track)
    before = due_frames(strides, range(1, 3), range(6))[1]
    strides.remove(1)
    strides.add(7)
    assert [k for k in range(6) if strides.due(7, k - 1, k)] == before


def test_a_slow_camera_passes_several_slots_at_once_and_gets_one_decision() -> None:
    strides = Strides(2)
    strides.add(1)
    assert strides.due(1, 10, 15)
    assert not strides.due(1, 15, 15)


def test_a_stride_is_at_least_one_frame() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Strides(0)
