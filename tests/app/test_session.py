"""What a session decides before anything is written."""

from __future__ import annotations

import pytest

from app.session import recording_rate


@pytest.mark.parametrize("fps", [10.0, 12.5, 15.0, 15 / 1.001, 24 / 1.001, 25.0, 29.97, 30.0, 50.0, 60.0, 31.4, 120.0])
def test_a_common_or_high_rate_is_saved_as_it_is(fps: float) -> None:
    assert recording_rate(fps) == fps


@pytest.mark.parametrize(
    ("claim", "saved"), [(0.5, 30.0), (11.4, 30.0), (14.9, 30.0), (15.2, 60.0), (24.5, 60.0), (29.0, 60.0)]
)
def test_an_odd_claim_is_saved_at_a_common_rate_with_room_for_every_frame(claim: float, saved: float) -> None:
    assert recording_rate(claim) == saved >= 2 * claim


def test_a_source_without_a_rate_is_left_to_the_output() -> None:
    assert recording_rate(None) is None
