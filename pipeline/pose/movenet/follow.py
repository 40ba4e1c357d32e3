"""Poses at camera speed: each person is followed in a square of their own, newcomers are looked for now and then.

movenet-lightning in a square costs about a third of movenet-multipose on the frame and places the keypoints of a known
person more precisely; multipose finds people. So multipose runs on a schedule (``search.py``), right after a loss, and
in each frame only where following would cost more than it.
"""

from __future__ import annotations

import itertools
import logging
import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from core.preprocess import RATE_HZ
from core.similarity import match_poses, oks
from core.types import Frame, Pose
from pipeline.pose.base import PoseEstimator
from pipeline.pose.movenet.costs import Costs, clock_for, measure_costs
from pipeline.pose.movenet.followed import Followed
from pipeline.pose.movenet.lightning import MoveNetLightning, presence
from pipeline.pose.movenet.multipose import MoveNetMultipose
from pipeline.pose.movenet.network import BACKEND
from pipeline.pose.movenet.search import Search, suiting_size, surroundings
from pipeline.pose.movenet.side_by_side import SideBySide, usual_threads
from pipeline.pose.movenet.square import LIKELY, Square, inner_box, overlap, square_around
from pipeline.pose.picture import View, as_bgr, whole

log = logging.getLogger(__name__)

LONGEST_GAP_S = 0.5
"""After a longer gap between frames nobody is where they were: everything starts anew."""

PRESENT = 0.35
"""Below this presence there is nobody in a square; backgrounds stay below 0.3 in 19 of 20 cases, people above 0.45."""

GLIMPSED = 0.25
"""Somebody of at least this presence, found by a whole-frame pass, is reported but not followed."""

CERTAIN = 0.5
"""From this presence on there is no doubt about a person."""

UNCONFIRMED_S = 1.5
"""Somebody about whom there has been doubt for this long has to be found by a whole-frame pass to be followed on."""

DROP, DOUBTFUL = 0.9, 0.6
"""A presence below this share of the usual one and below this value asks for a second opinion on the pose."""

OPINION_WAIT_S = 0.03
"""Second opinions are at least this far apart for each person followed; ``Search`` limits what they cost in the long
run."""

STEADY = 0.8
"""Of somebody whose poses are at least this similar to what the motion before them foretold, the next may be foretold
without a look."""

SAME_BODY = 0.5
"""Two poses of a frame at least this similar are one body."""

EXPLAINED = 0.3
"""A whole-frame pose at least this similar to somebody followed is that person, seen by the other network."""

CONTINUES = 0.1
"""A pose less similar than this to what was expected of the person may be somebody else's."""

MOST_FOUND = 6
"""People that one whole-frame pass can report."""

_ROUNDING = 1e-4  # time stamps of files are rounded


class MoveNetFollower(PoseEstimator):
    """Finds people and follows each of them; keeps state between frames.

    Give it the frames of one source in order. Time comes from the frames, so dropped frames do no harm: squares are
    moved on by each person's velocity. Somebody who is lost is dropped in the same frame and looked for at once, and
    has a new ``Pose.track`` when found again.
    """

    def __init__(
        self,
        *,
        smooth: bool = True,
        costs: Costs | None = None,
        search: Search | None = None,
        rest_hz: float | None = RATE_HZ,
        threads: int | None = None,
        backend: str = BACKEND,
    ) -> None:
        """Load the shipped networks, or share those that another camera of this process has loaded.

        Args:
            smooth: filter each followed person's keypoints over time.
            costs: what the networks cost; measured now when left out.
            search: when and where to look for newcomers; the default schedule when left out.
            rest_hz: steady people are looked at no more often than this and moved on by their velocity in between
                (``Pose.predicted``), as is whatever may be no person at all; those who move otherwise than foretold
                are looked at in each frame. The default is the rate at which actions are recognised, so recognition
                loses nothing. None looks at everybody in each frame.
            threads: so many networks run at the same time, each on one core; None for what suits the machine. The
                poses do not depend on it.
            backend: the engine that runs the networks, see :func:`engines.load`.

        Raises:
            PoseError: a network cannot be loaded.
        """
        self.smooth = smooth
        self.rest_hz = rest_hz
        self._multipose = MoveNetMultipose(backend=backend)
        self._lightning = MoveNetLightning(backend)
        self.costs = costs or measure_costs(self._multipose, self._lightning, clock_for(backend))
        log.info("a whole-frame pose pass costs as much as following %.1f people", self.costs.usual)
        self._search = search or Search()
        self._together = SideBySide(usual_threads() if threads is None else threads)
        self._people: list[Followed] = []
        self._ids = itertools.count(1)
        self._time_s: float | None = None
        self._frame_size = (0, 0)
        self._opinion_s = -np.inf
        self._pays = (0, 0)  # people followed and people matched by the last pass that was to replace following

    def estimate(self, frame: Frame) -> tuple[Pose, ...]:
        """Everybody in the frame, in image pixels, surest first."""
        image, now = as_bgr(frame.image), frame.time_s
        self._restart_after_gap(image, now)
        found: tuple[Pose, ...] = ()
        known: dict[int, Pose] = {}
        resting = {i for i, person in enumerate(self._people) if self._may_rest(person, now)}
        doubted = next((person for person in self._people if now - person.confirmed_s > UNCONFIRMED_S), None)
        if not self._search.affords(now):
            doubted = None  # for the moment
        view: View | None = None
        if doubted is not None:
            view = surroundings(doubted.predicted(now).box, self._frame_size)
        elif self._search.due(now, len(self._people)):
            view = self._next_view(now)
        elif self._whole_frame_pays(image, len(resting)):
            found = self._multipose.detect(image, whole(image, self._suiting_size()))
            expected = [person.predicted(now) for person in self._people]
            known = {i: found[j] for i, j in match_poses(expected, found, EXPLAINED).items()}
            self._pays = (len(self._people), len(known))

        poses, seen = self._look(image, now, known, resting, view)
        found = (*found, *seen, *self._second_opinion(image, poses, now))
        lost = self._lost(poses, now)
        if len(lost) == len(self._people) > 1:
            self._search.restart()  # the scene was cut: where people were says nothing
        else:
            for i in lost:
                self._search.lost(now, self._people[i].predicted(now).box)
        if any(not self._is_among(found, self._people[i], now) for i in lost):
            # At once, whatever it costs: later somebody else may stand where they were.
            found = (*found, *self._pass(image, self._next_view(now)))
        self._advance(poses, lost, found, now)
        self._people = [person for person in self._people if person is not doubted or person.confirmed_s == now]
        glimpses = self._welcome(image, found, now)
        return self._report(glimpses, now)

    def close(self) -> None:
        """Release the networks; calling it twice does no harm."""
        self._together.close()
        self._multipose.close()
        self._lightning.close()

    def make_repeatable(self) -> None:
        """Go by the usual cost of the networks: a measurement is never twice the same."""
        self.costs = Costs()

    @property
    def helped_s(self) -> float:
        """Seconds of CPU time that other threads than the caller's have spent on poses so far."""
        return self._together.helped_s

    def _restart_after_gap(self, image: NDArray[np.uint8], now: float) -> None:
        size = (image.shape[1], image.shape[0])
        gap_s = 0.0 if self._time_s is None else now - self._time_s
        if size != self._frame_size or not 0 <= gap_s <= LONGEST_GAP_S:
            self._people.clear()
            self._opinion_s = -np.inf
            self._search.restart()
        self._time_s, self._frame_size = now, size

    def _suiting_size(self) -> int:
        return suiting_size([person.extent for person in self._people], self._frame_size)

    def _may_rest(self, person: Followed, now: float) -> bool:
        """Whether a person needs no look in this frame: alone, steady or in doubt, and looked at not long ago.

        That is, since the last multiple of 1 / ``rest_hz``: recognition resamples to those times, so what it sees then
        was looked at then.
        """
        if self.rest_hz is None or (person.steadiness < STEADY and person.usual_presence >= CERTAIN):
            return False  # a doubtful thing is not worth more looks, however it moves
        if not self._alone(person):
            return False  # only looks tell who is who
        turn, last = (math.floor(time_s * self.rest_hz + _ROUNDING) for time_s in (now, person.time_s))
        return turn == last

    def _alone(self, person: Followed) -> bool:
        """Whether nobody else's box meets a person's."""
        return not any(overlap(person.pose.box, other.pose.box) for other in self._people if other is not person)

    def _knows(self, person: Followed) -> bool:
        """Whether this is surely still the same person: where two meet, a square may slide from one to the other."""
        return self._alone(person) and not self._search.misses(person.pose.box)

    def _whole_frame_pays(self, image: NDArray[np.uint8], resting: int) -> bool:
        """Whether one pass over the frame is cheaper than looking at each person, at a scale that suits the people."""
        people = len(self._people)
        matched = self._pays[1] if self._pays[0] == people else min(people, MOST_FOUND)
        return people > 1 and matched - resting > self.costs.of(whole(image, self._suiting_size()))

    def _next_view(self, now: float) -> View:
        return self._search.next_view(now, [person.extent for person in self._people], self._frame_size)

    def _pass(self, image: NDArray[np.uint8], view: View) -> tuple[Pose, ...]:
        if self._people:  # while nobody is in view there is nothing else to do
            self._search.spend(view)
        return self._multipose.detect(image, view)

    def _look(
        self, image: NDArray[np.uint8], now: float, known: dict[int, Pose], resting: set[int], view: View | None
    ) -> tuple[dict[int, Pose], tuple[Pose, ...]]:
        """At everybody who is neither ``known`` nor ``resting``, and at a view of the frame, side by side.

        Returns:
            The pose of each person who is known or was looked at, by index, and everybody found in the view.
        """
        squares = {
            i: person.square(now, self._frame_size)
            for i, person in enumerate(self._people)
            if i not in known and i not in resting
        }
        jobs: list[Callable[[], tuple[Pose, ...]]] = []
        if view is not None:
            jobs.append(partial(self._pass, image, view))  # first, since it takes longest
        jobs += [partial(self._look_at, image, square) for square in squares.values()]
        results = self._together.run(jobs)
        found = () if view is None else results.pop(0)
        return known | {i: pose for i, (pose,) in zip(squares, results, strict=True)}, found

    def _look_at(self, image: NDArray[np.uint8], square: Square) -> tuple[Pose, ...]:
        return (self._lightning.look(image, square),)

    def _second_opinion(self, image: NDArray[np.uint8], poses: dict[int, Pose], now: float) -> tuple[Pose, ...]:
        """Where a person's presence drops, let the whole-frame network look around there and keep the surer pose.

        One person a frame, and the more people the more seldom, so that this stays a small part of the time.
        """
        if now - self._opinion_s < OPINION_WAIT_S * len(self._people) or not self._search.affords(now):
            return ()
        drops = {i: presence(pose) / max(self._people[i].usual_presence, 1e-3) for i, pose in poses.items()}
        doubtful = [i for i, drop in drops.items() if drop < DROP and presence(poses[i]) < DOUBTFUL]
        if not doubtful:
            return ()
        self._opinion_s = now
        worst = min(doubtful, key=drops.__getitem__)
        person = self._people[worst]
        found = self._pass(image, surroundings(person.predicted(now).box, self._frame_size))
        alike = [pose for pose in found if person.likeness(pose, now) >= CONTINUES]
        if alike:
            best = max(alike, key=lambda pose: person.likeness(pose, now))
            poses[worst] = max(poses[worst], best, key=presence)
        return found

    @staticmethod
    def _is_among(found: tuple[Pose, ...], person: Followed, now: float) -> bool:
        return any(person.likeness(pose, now) >= CONTINUES for pose in found)

    def _lost(self, poses: dict[int, Pose], now: float) -> set[int]:
        """Whose new pose is not to be believed, by index: nobody is there, a sudden jump, or somebody else's body."""
        likeness = {i: self._people[i].likeness(pose, now) for i, pose in poses.items()}
        lost = {i for i, pose in poses.items() if presence(pose) < PRESENT or likeness[i] < CONTINUES}
        for j, i in itertools.combinations(sorted(poses), 2):
            if {i, j} & lost or oks(poses[i], poses[j], LIKELY) < SAME_BODY:
                continue
            lost.add(i if likeness[i] < likeness[j] else j)
        return lost

    def _advance(self, poses: dict[int, Pose], lost: set[int], found: tuple[Pose, ...], now: float) -> None:
        """Take the new poses over; the lost go."""
        seen = sorted(set(poses) - lost)
        confirmed = {seen[i] for i in match_poses([poses[i] for i in seen], found, EXPLAINED)}
        for i in seen:
            self._people[i].moved(poses[i], now)
            if presence(poses[i]) >= CERTAIN or i in confirmed:
                self._people[i].confirmed_s = now
        self._people = [person for i, person in enumerate(self._people) if i not in lost]

    def _welcome(self, image: NDArray[np.uint8], found: tuple[Pose, ...], now: float) -> list[Pose]:
        """Start to follow everybody found who is not followed yet; give back whom the squares cannot hold on to."""
        glimpses = []
        for pose in found:
            if any(oks(pose, person.pose, LIKELY) >= EXPLAINED for person in self._people):
                continue
            closer = self._lightning.look(image, square_around(inner_box(pose.box), self._frame_size))
            closer = max(closer, pose, key=presence)
            if presence(closer) < PRESENT:
                if presence(closer) >= GLIMPSED:
                    glimpses.append(pose)
                    self._search.glimpsed()
                continue
            if any(oks(closer, person.pose, LIKELY) >= SAME_BODY for person in self._people):
                if any(oks(pose, person.pose) >= CONTINUES for person in self._people):
                    continue  # the whole-frame pass saw a followed person badly
                closer = pose  # somebody else, so close that the square shows both
            self._people.append(Followed(next(self._ids), closer, now, now))
            self._search.came(closer.box)
        return glimpses

    def _report(self, glimpses: list[Pose], now: float) -> tuple[Pose, ...]:
        poses = [
            replace(person.shown(now, self.smooth), track=person.track if self._knows(person) else None)
            for person in self._people
        ]
        return tuple(sorted(poses + glimpses, key=lambda pose: pose.score, reverse=True))
