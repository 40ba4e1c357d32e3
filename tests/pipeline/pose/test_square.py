"""The square that follows a person: where it lies, and that pixels arrive where they should."""

from __future__ import annotations

import numpy as np
import pytest

from core.types import Pose
from pipeline.pose.movenet.followed import Followed
from pipeline.pose.movenet.lightning import presence
from pipeline.pose.movenet.square import Square, box_around, cut, extent, inner_box, square_around


def ramp(width: int, height: int) -> np.ndarray:
    """A picture whose blue channel tells x and green tells y, both up to 250, and red is 7."""
    x, y = np.meshgrid(np.linspace(0, 250, width), np.linspace(0, 250, height))
    return np.dstack([x, y, np.full_like(x, 7)]).round().astype(np.uint8)


@pytest.mark.parametrize("frame_size", [(640, 480), (480, 640), (3840, 2160)])
def test_a_square_around_a_box_in_the_frame(frame_size):
    box = np.array([100, 120, 180, 320], np.float32)
    square = square_around(box, frame_size, 1.25)
    assert square.side == 250
    assert square.left + square.side / 2 == pytest.approx(140, abs=1)
    assert square.top + square.side / 2 == pytest.approx(220, abs=1)


def test_wild_keypoints_cannot_make_the_square_larger_than_the_frame():
    square = square_around(np.array([-9000, -200, 9000, 800], np.float32), (640, 480))
    assert square.side <= 2 * 640
    assert square.side >= 640


@pytest.mark.parametrize("square", [Square(10, 20, 192), Square(100, 50, 77), Square(40, 30, 500), Square(0, 0, 1000)])
def test_cut_pixels_arrive_where_they_should(square):
    image = ramp(1100, 1100)
    picture = cut(image, square, 192)
    assert picture.shape == (1, 192, 192, 3)
    assert picture.dtype == np.int32
    for u, v in [(5, 5), (96, 96), (180, 20), (30, 185)]:
        x, y = square.left + (u + 0.5) * square.side / 192, square.top + (v + 0.5) * square.side / 192
        red, green, blue = picture[0, v, u]
        assert red == 7
        assert blue == pytest.approx(x * 250 / 1099, abs=2)
        assert green == pytest.approx(y * 250 / 1099, abs=2)


def test_outside_the_frame_is_black():
    picture = cut(np.full((100, 100, 3), 200, np.uint8), Square(-50, -50, 100), 192)
    assert (picture[0, :96, :] == 0).all()
    assert (picture[0, :, :96] == 0).all()
    assert (picture[0, 96:, 96:] == 200).all()


@pytest.mark.parametrize("square", [Square(500, 0, 50), Square(-200, -200, 100), Square(0, 99, 1)])
def test_a_square_off_the_frame_or_of_one_pixel_is_no_error(square):
    assert cut(np.full((100, 100, 3), 200, np.uint8), square, 192).shape == (1, 192, 192, 3)


def test_unlikely_keypoints_do_not_stretch_the_extent():
    keypoints = np.tile(np.float32([50, 60]), (17, 1)) + np.arange(17, dtype=np.float32)[:, None]
    scores = np.full(17, 0.8, np.float32)
    keypoints[3], scores[3] = (900, 900), 0.05
    np.testing.assert_allclose(extent(keypoints, scores), [50, 60, 66, 76])
    scores[:] = 0.05  # nothing likely: all count
    np.testing.assert_allclose(extent(keypoints, scores), [50, 60, 900, 900])


def test_inner_box_undoes_the_margin():
    keypoints = np.random.default_rng(0).uniform(0, 300, (17, 2)).astype(np.float32)
    scores = np.ones(17, np.float32)
    np.testing.assert_allclose(inner_box(box_around(keypoints, scores)), extent(keypoints, scores), atol=1e-3)


def test_presence_needs_half_a_body():
    def with_scores(scores):
        return Pose(np.zeros((17, 2), np.float32), np.float32(scores), np.zeros(4, np.float32), 0.5)

    assert presence(with_scores([0.8] * 9 + [0.02] * 8)) == pytest.approx(0.8)
    assert presence(with_scores([0.8] * 2 + [0.02] * 15)) < 0.35


def moving(x: float, scores: np.ndarray | None = None) -> Pose:
    keypoints = np.stack([np.linspace(0, 40, 17) + x, np.linspace(0, 200, 17)], axis=1).astype(np.float32)
    scores = np.full(17, 0.8, np.float32) if scores is None else scores
    return Pose(keypoints, scores, box_around(keypoints, scores), 0.8)


@pytest.mark.parametrize("fps", [5, 15, 30, 60])
def test_prediction_is_in_seconds(fps):
    person = Followed(1, moving(0), 0.0, 0.0)
    for step in range(1, fps + 1):
        person.moved(moving(100 * step / fps), step / fps)
    np.testing.assert_allclose(person.velocity, [100, 0], rtol=0.05, atol=0.5)
    np.testing.assert_allclose(person.predicted(1.3).keypoints[0], [130, 0], atol=3)
    assert person.likeness(moving(130), 1.3) > 0.9


def test_a_prediction_does_not_run_away():
    person = Followed(1, moving(0), 0.0, 0.0)
    person.moved(moving(100), 0.1)
    assert person.predicted(5.0).keypoints[0, 0] <= 100 + 0.51 * person.extent


def test_legs_in_doubt_stay_in_the_square_for_a_while():
    person = Followed(1, moving(0), 0.0, 0.0)
    full = person.square(0.03, (640, 480))
    upper = np.where(np.arange(17) < 9, 0.8, 0.05).astype(np.float32)
    person.moved(moving(0, upper), 1 / 30)
    soon = person.square(2 / 30, (640, 480))
    assert soon.top + soon.side > 200
    assert soon.side > 0.8 * full.side
    for step in range(2, 60):
        person.moved(moving(0, upper), step / 30)
    late = person.square(2.0, (640, 480))
    assert late.side < 0.75 * full.side
