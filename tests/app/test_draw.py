"""What is drawn, and where: looked up pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from standing import MakeResult, action, person

from app.drawing.draw import draw_result, shown_box
from app.drawing.fit import fit_result
from app.drawing.palette import ink_on, track_colour
from app.drawing.tags import place_tag, tag_text, text_height
from core.skeleton import DRAWN_LIMBS
from core.types import Person, Pose

SIZES = [(320, 240), (426, 240), (640, 480), (240, 426), (1280, 720), (1920, 1080), (3840, 2160)]


@pytest.mark.parametrize("size", SIZES)
def test_joints_limbs_and_the_box_are_where_they_belong(make_result: MakeResult, size: tuple[int, int]) -> None:
    w, h = size
    somebody = person(3, (0.3 * w, 0.2 * h, 0.5 * w, 0.95 * h))
    picture = draw_result(make_result(size, (somebody,)))
    for x, y in np.round(somebody.pose.keypoints[5:]).astype(int):
        assert (picture[y, x] == 255).all()
    hip, knee = somebody.pose.keypoints[11], somebody.pose.keypoints[13]
    x, y = np.round((hip + knee) / 2).astype(int)
    assert np.abs(picture[y, x].astype(int) - track_colour(3)).max() < 60
    x1, y1 = np.round(somebody.pose.box[:2]).astype(int)
    edge = picture[y1 + 5 : y1 + 40, x1].astype(int)
    assert np.abs(edge - track_colour(3)).max() < 60, "the box has the track's colour"


def test_the_box_on_the_picture_has_the_whole_head_in_it(make_result: MakeResult) -> None:
    somebody = person(3, (200, 100, 440, 1000))
    face, shoulders, nose_x = somebody.pose.keypoints[:5, 1], somebody.pose.keypoints[5:7, 1], 320
    crown = round(float(face.mean() - 0.7 * (shoulders.mean() - face.mean())))
    assert crown < 100, "above every keypoint"
    picture = draw_result(make_result((640, 480), (somebody,)))
    edge = np.flatnonzero(np.abs(picture[:, nose_x + 60].astype(int) - track_colour(3)).max(axis=1) < 60)
    assert 0 < edge[0] < crown
    np.testing.assert_array_equal(somebody.pose.box, [200, 100, 440, 1000])


def test_a_head_that_lies_stretches_the_box_to_its_side() -> None:
    upright = person(1, (100, 100, 200, 300)).pose
    lying = Pose(upright.keypoints[:, ::-1].copy(), upright.scores, upright.box[[1, 0, 3, 2]], 0.9)
    x1, y1, x2, y2 = shown_box(lying)
    assert x1 < 90
    assert (y1, x2, y2) == (100, 300, 200)


def test_without_a_face_the_box_is_as_it_was_found() -> None:
    somebody = person(1, (100, 100, 200, 300)).pose
    scores = somebody.scores.copy()
    scores[:5] = 0.05
    assert shown_box(Pose(somebody.keypoints, scores, somebody.box, 0.9)) == (100, 100, 200, 300)


def test_the_frame_itself_stays_as_it_was(make_result: MakeResult) -> None:
    result = make_result(people=(person(1, (100, 100, 200, 400)),), actions={1: action("walk")})
    draw_result(result)
    assert (result.frame.image == 90).all()


def test_a_joint_that_was_not_seen_is_not_drawn(make_result: MakeResult) -> None:
    somebody = person(1, (200, 50, 400, 460))
    scores = somebody.pose.scores.copy()
    scores[[7, 9]] = 0.05  # left elbow and wrist
    hidden = Person(1, Pose(somebody.pose.keypoints, scores, somebody.pose.box, 0.9))
    picture = draw_result(make_result(people=(hidden,)))
    for joint in (7, 9):
        x, y = np.round(somebody.pose.keypoints[joint]).astype(int)
        assert (picture[y, x] == 90).all()
    assert all(max(pair) < 17 for pair in DRAWN_LIMBS)


@pytest.mark.parametrize("size", [*SIZES, (64, 48), (16, 16), (1, 1)])
@pytest.mark.parametrize("corner", [(-0.5, -0.5), (0.9, -0.2), (-0.3, 0.9), (0.95, 0.95), (0.4, 0.0), (-3.0, 4.0)])
def test_tags_never_leave_the_picture(size: tuple[int, int], corner: tuple[float, float]) -> None:
    w, h = size
    x, y = corner[0] * w, corner[1] * h
    for text in ("7", "7 ?", "12 swing baseball 100%", "123456 " + "a label that nobody should ever choose " * 5):
        tag = place_tag(text, (x, y, x + 0.2 * w, y + 0.5 * h), size)
        assert 0 <= tag.rect.x1 < tag.rect.x2 <= w
        assert 0 <= tag.rect.y1 < tag.rect.y2 <= h


@pytest.mark.parametrize("size", [*SIZES, (64, 48), (1, 1)])
def test_the_text_itself_stays_inside_its_tag(make_result: MakeResult, size: tuple[int, int]) -> None:
    w, h = size
    somebody = person(2, (0.8 * w, -0.1 * h, 1.1 * w, 0.6 * h))
    without = draw_result(make_result(size, (somebody,), {}))
    picture = draw_result(make_result(size, (somebody,), {2: action("swing baseball")}))
    tag = place_tag(tag_text(2, action("swing baseball")), shown_box(somebody.pose), size)
    other = place_tag(tag_text(2, None), shown_box(somebody.pose), size)
    changed = (picture != without).any(axis=-1)
    for rect in (tag.rect, other.rect):
        changed[rect.y1 : rect.y2, rect.x1 : rect.x2] = False
    assert not changed.any(), "something was written outside the tag"


@pytest.mark.parametrize("size", SIZES)
def test_text_is_large_enough_to_read_and_grows_with_the_picture(size: tuple[int, int]) -> None:
    assert text_height(size) >= 9
    share = text_height(size) / (size[0] * size[1]) ** 0.5
    assert 0.015 < share < 0.035


def test_tags_of_neighbours_do_not_cover_each_other() -> None:
    taken = []
    for k in range(5):
        tag = place_tag(f"{k} walk 90%", (100 + 8 * k, 200, 150 + 8 * k, 400), (640, 480), taken)
        assert not any(tag.rect.overlaps(other) for other in taken)
        taken.append(tag.rect)


def test_what_tags_say() -> None:
    assert tag_text(3, action("walk", 0.916)) == "3 walk 92%"
    assert tag_text(3, action(None, 0.4)) == "3 ?"
    assert tag_text(3, None) == "3"


def test_an_unknown_action_is_quieter_than_a_label(make_result: MakeResult) -> None:
    somebody = person(1, (200, 200, 300, 400))
    box = shown_box(somebody.pose)
    loud = draw_result(make_result(people=(somebody,), actions={1: action("walk")}))
    quiet = draw_result(make_result(people=(somebody,), actions={1: action(None)}))
    tag = place_tag("1 walk 90%", box, (640, 480)).rect
    corner = loud[tag.y1 + 1, tag.x1 + 1]
    assert (corner == track_colour(1)).all()
    tag = place_tag("1 ?", box, (640, 480)).rect
    assert int(quiet[tag.y1 + 1, tag.x1 + 1].max()) < 90, "a dark veil, not the track's colour"


def test_neighbouring_tracks_have_different_colours_and_readable_ink() -> None:
    for track in range(1, 200):
        a, b = np.array(track_colour(track), int), np.array(track_colour(track + 1), int)
        assert np.abs(a - b).max() > 60
        luma = np.array([0.114, 0.587, 0.299])
        assert abs(luma @ (a - np.array(ink_on(track_colour(track))))) > 80


def test_poses_that_are_not_finite_or_far_outside_are_survived(make_result: MakeResult) -> None:
    broken = person(1, (100, 100, 200, 300))
    keypoints = broken.pose.keypoints.copy()
    keypoints[5] = np.nan
    keypoints[7] = (1e9, -1e9)
    box = np.array([np.nan, -1e7, 1e7, np.inf], np.float32)
    people = (Person(1, Pose(keypoints, broken.pose.scores, box, 0.9)),)
    picture = draw_result(make_result(people=people, actions={1: action("walk")}))
    assert picture.shape == (480, 640, 3)


@pytest.mark.parametrize("size", [(1, 1), (2, 500), (500, 2)])
def test_tiny_pictures_are_survived(make_result: MakeResult, size: tuple[int, int]) -> None:
    picture = draw_result(make_result(size, (person(1, (0, 0, size[0], size[1])),), {1: action("walk")}))
    assert picture.shape == (size[1], size[0], 3)


@pytest.mark.parametrize(("size", "room", "fitted"), [
    ((640, 480), (320, 320), (320, 240)), ((640, 480), (1280, 2000), (1280, 960)), ((200, 1), (50, 50), (50, 1)),
    ((640, 480), (0, 300), (640, 480)),
])  # fmt: skip
def test_a_result_fits_with_everything_in_its_place(
    make_result: MakeResult, size: tuple[int, int], room: tuple[int, int], fitted: tuple[int, int]
) -> None:
    somebody = person(3, (0.25 * size[0], 0.2 * size[1], 0.5 * size[0], 0.9 * size[1]))
    result = fit_result(make_result(size, (somebody,), {3: action("walk")}), room)
    assert result.frame.image.shape[:2] == fitted[::-1]
    assert result.actions[3].label == "walk"
    pose = result.people[0].pose
    np.testing.assert_allclose(pose.box[[0, 2]] / fitted[0], [0.25, 0.5], rtol=1e-5)
    np.testing.assert_allclose(pose.keypoints[:, 0] / fitted[0], somebody.pose.keypoints[:, 0] / size[0], rtol=1e-5)
