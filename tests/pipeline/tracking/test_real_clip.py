"""The tracker on real poses: eight pedestrians, two of whom cross others and are hidden for a while."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.pose import PoseEstimator, create_pose
from pipeline.pose.movenet.costs import Costs
from pipeline.sources import open_source
from pipeline.tracking import Tracker

# Where each person is, marked by eye: frame -> centre in pixels of the bundled clip.
PEOPLE = {
    "turns back on the road": {0: (564, 103), 28: (587, 87), 52: (446, 116), 68: (328, 135)},
    "waits left of the sign, then walks past it": {0: (151, 198), 32: (227, 238), 48: (283, 253), 68: (458, 317)},
    "red jacket, far away": {0: (441, 102), 28: (523, 72), 48: (567, 63), 68: (571, 57)},
    "white hood, passes behind the sign": {0: (486, 235), 32: (106, 179), 40: (26, 170)},
    "striped jumper, crosses two people": {12: (573, 286), 32: (329, 256), 48: (170, 245), 60: (23, 231)},
    "leather jacket, from behind the sign": {22: (228, 213), 32: (283, 229), 48: (407, 248), 68: (591, 297)},
}
PEDESTRIAN_FRAMES = 72


def track(pose: PoseEstimator, clip: Path) -> dict[int, dict[int, np.ndarray]]:
    """frame -> track -> centre of the box."""
    tracker, out = Tracker(), {}
    with open_source(clip) as source:
        for frame in source:
            if frame.index >= PEDESTRIAN_FRAMES:
                break
            people = tracker.update(pose.estimate(frame), frame.time_s)
            out[frame.index] = {p.track: (p.pose.box[:2] + p.pose.box[2:]) / 2 for p in people}
    pose.close()
    return out


def ids_at(places: dict[int, tuple[int, int]], tracked: dict[int, dict[int, np.ndarray]]) -> set[int]:
    """Whose boxes are at a person's places."""
    ids = set()
    for frame, place in places.items():
        distance = {track: float(np.linalg.norm(centre - place)) for track, centre in tracked[frame].items()}
        nearest = min(distance, key=distance.__getitem__)
        assert distance[nearest] < 15, f"nobody is tracked at {place} in frame {frame}"
        ids.add(nearest)
    return ids


@pytest.fixture(scope="module")
def tracked(demo_clip: Path) -> dict[int, dict[int, np.ndarray]]:
    """By an estimator that looks at single frames."""
    return track(create_pose("movenet-multipose", long_side=512), demo_clip)


@pytest.fixture(scope="module")
def followed(demo_clip: Path) -> dict[int, dict[int, np.ndarray]]:
    """By an estimator that knows who is who but where people cross."""
    return track(create_pose(costs=Costs()), demo_clip)


@pytest.mark.parametrize("who", PEOPLE)
def test_a_pedestrian_keeps_one_id(who: str, tracked: dict[int, dict[int, np.ndarray]]) -> None:
    assert len(ids_at(PEOPLE[who], tracked)) == 1


@pytest.mark.parametrize("who", PEOPLE)
def test_a_pedestrian_who_is_followed_keeps_one_id_past_the_others(
    who: str, followed: dict[int, dict[int, np.ndarray]]
) -> None:
    # The follower finds the far and the hidden ones later than a pass over the whole frame does.
    assert len(ids_at({frame: place for frame, place in PEOPLE[who].items() if frame >= 28}, followed)) == 1


def test_hardly_more_ids_than_people(tracked: dict[int, dict[int, np.ndarray]]) -> None:
    # Eight people; the one with the white hood is out of the detector's reach for two seconds and may count twice.
    assert 8 <= len({track for people in tracked.values() for track in people}) <= 9
