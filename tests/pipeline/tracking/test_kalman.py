import numpy as np
import pytest

from pipeline.tracking.kalman import KalmanBox


def box_at(x: float, y: float = 200.0) -> np.ndarray:
    return np.array([x - 25, y - 75, x + 25, y + 75])


@pytest.mark.parametrize("fps", [10, 15, 25, 30, 60])
def test_learns_a_steady_walk_at_any_frame_rate(fps: int) -> None:
    filter_ = KalmanBox(box_at(100))
    for i in range(1, 2 * fps + 1):
        filter_.predict(1 / fps)
        filter_.update(box_at(100 + 120 * i / fps))
    assert filter_.velocity[0] == pytest.approx(120, rel=0.1)
    assert filter_.velocity[1] == pytest.approx(0, abs=1)
    filter_.predict(0.3)
    assert filter_.centre[0] == pytest.approx(340 + 36, abs=8)


def test_two_half_steps_equal_one_step() -> None:
    one, two = KalmanBox(box_at(100)), KalmanBox(box_at(100))
    for filter_ in (one, two):
        for x in (110, 120, 130):
            filter_.predict(0.1)
            filter_.update(box_at(x))
    one.predict(0.4)
    two.predict(0.15)
    two.predict(0.25)
    np.testing.assert_allclose(one.box, two.box, atol=1e-6)
    assert one.centre_std == pytest.approx(two.centre_std, rel=1e-6)


def test_is_less_sure_the_longer_it_sees_nothing_and_surer_again_afterwards() -> None:
    filter_ = KalmanBox(box_at(100))
    stds = []
    for _ in range(5):
        filter_.predict(0.2)
        stds.append(filter_.centre_std)
    assert stds == sorted(set(stds))
    filter_.update(box_at(100))
    assert filter_.centre_std < stds[0]


def test_noise_scales_with_the_size_of_the_person() -> None:
    near, far = KalmanBox(4 * box_at(100)), KalmanBox(box_at(100))
    near.predict(0.5)
    far.predict(0.5)
    assert near.centre_std == pytest.approx(4 * far.centre_std)


def test_a_lost_person_does_not_run_away() -> None:
    filter_ = KalmanBox(box_at(0))
    for i in range(1, 11):
        filter_.predict(0.1)
        filter_.update(box_at(15 * i))
    filter_.predict(60.0)
    assert abs(filter_.centre[0] - 150) < 2.5 * 150
    assert np.isfinite(filter_.box).all()
