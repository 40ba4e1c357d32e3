"""When, where and at which scale newcomers are looked for."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.pose.movenet.search import (
    BEST_EXTENT,
    LARGEST,
    PASS_S,
    SAVED_S,
    SMALLEST,
    Search,
    suiting_size,
    surroundings,
    views_for,
)

FRAME = (640, 480)
BOX = np.array([100, 100, 180, 300], np.float32)


def passes(search: Search, seconds: float, fps: float, extents: list[float], start_s: float = 0.0) -> list[float]:
    times = []
    for index in range(round(seconds * fps)):
        now = start_s + index / fps
        if search.due(now, len(extents)):
            search.next_view(now, extents, FRAME)
            times.append(now)
    return times


def test_passes_get_rarer_while_nothing_changes():
    gaps = np.diff(passes(Search(), 6.0, 30, [250.0]))
    assert gaps[0] == pytest.approx(0.1, abs=0.02)  # 0.07 s, on the next frame
    assert np.all(np.diff(gaps) > -1e-6)
    assert gaps[-1] == pytest.approx(0.7, abs=0.04)


@pytest.mark.parametrize("fps", [10, 25, 60, 120])
def test_the_schedule_is_in_seconds(fps):
    assert len(passes(Search(), 6.0, fps, [250.0])) == pytest.approx(14, abs=2)


def test_news_makes_passes_frequent_again():
    search = Search()
    passes(search, 6.0, 30, [250.0])
    search.came(BOX)
    gaps = np.diff(passes(search, 2.0, 30, [250.0], start_s=6.0))
    assert gaps[0] < 0.15


def test_somebody_lost_is_looked_for_around_the_place_and_then_given_up():
    search = Search()
    passes(search, 3.0, 30, [250.0])
    search.lost(3.0, BOX)
    assert search.due(3.0 + 0.06, 1)
    view = search.next_view(3.06, [250.0], FRAME)
    assert view.left <= 100
    assert view.top <= 100
    assert view.left + view.width >= 180
    assert view.top + view.height >= 300
    assert view.width < 0.8 * FRAME[0]
    for step in range(30):
        search.due(3.1 + step / 30, 1)
    assert not search.due(4.1, 1) or search.next_view(4.1, [250.0], FRAME).width != view.width


def test_somebody_found_again_ends_the_search_for_them():
    search = Search()
    passes(search, 3.0, 30, [250.0])
    search.lost(3.0, BOX)
    search.next_view(3.0, [250.0], FRAME)
    search.came(BOX + 20)
    assert not search.due(3.05, 1)


def test_somebody_found_elsewhere_does_not_end_it():
    search = Search()
    passes(search, 3.0, 30, [250.0])
    search.lost(3.0, BOX)
    search.next_view(3.0, [250.0], FRAME)
    search.came(BOX + 400)
    assert search.due(3.06, 1)


def test_an_empty_scene_is_watched_closely_at_first():
    search = Search()
    assert len(passes(search, 2.0, 30, [])) == 60
    assert len(passes(search, 2.0, 30, [], start_s=2.1)) <= 21


def test_a_glimpse_repeats_the_view_in_the_next_frame():
    search = Search()
    search.next_view(0.0, [], FRAME)
    view = search.next_view(0.1, [], FRAME)
    search.glimpsed()
    assert search.due(0.101, 1)
    assert search.next_view(0.101, [], FRAME) == view
    assert search.next_view(0.2, [], FRAME) != view


@pytest.mark.parametrize(("extent", "size"), [(260, 320), (420, 192), (640, SMALLEST), (130, LARGEST), (1, LARGEST)])
def test_the_scale_suits_the_people(extent, size):
    assert suiting_size([extent], FRAME) == size
    if SMALLEST < size < LARGEST:
        assert extent * size / 640 == pytest.approx(BEST_EXTENT, rel=0.15)


@pytest.mark.parametrize("frame_size", [(640, 480), (480, 640), (3840, 2160), (333, 77), (1, 1)])
@pytest.mark.parametrize("extents", [[], [30.0], [250.0]])
def test_views_lie_in_the_frame_and_the_parts_cover_it(frame_size, extents):
    width, height = frame_size
    covered = np.zeros((height, width), bool)
    for view in views_for(extents, [], frame_size):
        assert view.left >= 0
        assert view.top >= 0
        assert 0 < view.left + view.width <= width
        assert 0 < view.top + view.height <= height
        assert view.long_side % 32 == 0
        if (view.width, view.height) != frame_size or frame_size == (1, 1):
            covered[view.top : view.top + view.height, view.left : view.left + view.width] = True
    assert covered.all()


def test_small_people_are_looked_for_mostly_in_parts():
    views = views_for([60.0, 70.0], [], FRAME)
    parts = [view for view in views if view.width < FRAME[0]]
    assert len(parts) > len(views) / 2
    assert len([view for view in views_for([250.0], [], FRAME) if view.width < FRAME[0]]) * 4 == len(
        views_for([250.0], [], FRAME)
    )


@pytest.mark.parametrize("box", [[-50, -80, 20, 90], [600, 400, 700, 600], [0, 0, 0, 0], [-900, 10, -800, 200]])
def test_surroundings_stay_in_the_frame(box):
    view = surroundings(np.array(box, np.float32), FRAME)
    assert 0 <= view.left < view.left + view.width <= FRAME[0]
    assert 0 <= view.top < view.top + view.height <= FRAME[1]


def test_passes_cannot_take_more_than_their_share_for_long():
    """Something is found and lost again all the time, in a scene with somebody in it."""
    search, spent = Search(share=0.15), []
    for index in range(20 * 20):
        now = index / 20
        if search.due(now, 1):
            search.spend(search.next_view(now, [250.0], FRAME))
            spent.append(now)
            search.came(BOX)
            search.lost(now, BOX)
    early, late = (sum(start <= time_s < start + 1 for time_s in spent) for start in (0, 19))
    assert early >= 20  # what is saved up
    passes_s = PASS_S * 0.75 * late  # in a frame of 4:3 most inputs are 256 x 192, around the missing 256 x 256
    assert 0.09 <= passes_s <= 0.16


def test_what_cannot_wait_is_paid_for_later():
    search = Search(share=0.1)
    assert search.affords(0.0)
    for _ in range(100):
        search.spend(surroundings(BOX, FRAME))
    assert not search.affords(1.0)
    assert not search.due(1.0, 1)
    assert search.due(1.0, 0)  # with nobody in view there is nothing to save time for
    assert search.affords(SAVED_S / 0.1 + 1.5)
