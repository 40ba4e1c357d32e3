"""When to look for newcomers, where, and at which scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.pose.movenet.square import longer_side, overlap
from pipeline.pose.picture import STRIDE, View

BEST_EXTENT = 130
"""MoveNet multipose is most precise on people whose keypoints span 95 to 195 pixels of its input."""

SMALLEST, LARGEST = 160, 384
"""Pixels of the longer side of the input; beyond the largest a part of the frame is looked at instead."""

USUAL = 256
"""What finds most people when nothing is known about their size."""

PARTS = 0.6
"""Width and height of a part over the frame's; four parts overlap by more than a person who needs them is wide."""

MISSING_WAIT_S = 0.05
"""While somebody is missing passes are this far apart, as long as the budget lasts: in a crowd somebody always is."""

PASS_S = 0.015
"""Seconds that a pass at 256 x 256 takes on one core of a common machine; fixed, so that a file gives the same poses on
any."""

SAVED_S = 0.25
"""Seconds of passes that can be saved up."""

SMALL = 0.2
"""People who span less than this share of the frame's longer side are looked for part by part."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Somebody who was lost.

    Attributes:
        time_s: capture time of the loss.
        box: (4,) x1, y1, x2, y2 where the person should have been then, in pixels.
    """

    time_s: float
    box: NDArray[np.float32]

    @property
    def extent(self) -> float:
        """Longer side of the box in pixels, at least 1."""
        return longer_side(self.box)

    def is_at(self, box: NDArray[np.float32]) -> bool:
        """Whether a person in ``box`` may be this one: of like size and at most a body away."""
        near = float(np.abs((box[:2] + box[2:] - self.box[:2] - self.box[2:]) / 2).max()) < self.extent
        return near and 0.6 < longer_side(box) / self.extent < 1.7


class Search:
    """Decides when the whole-frame network runs, and on which view of the frame.

    While nothing changes, passes get rarer, up to ``longest_s`` apart; a newcomer or a loss makes them frequent again.
    Passes take turns between the scale that suits the people in view and other scales, since a newcomer may be of any
    size. Whoever was lost is looked for often for a while, mostly where they should be. All times are capture
    times in seconds.
    """

    def __init__(
        self,
        *,
        shortest_s: float = 0.07,
        longest_s: float = 0.7,
        growth: float = 1.5,
        empty_s: float = 0.1,
        missing_s: float = 0.5,
        alert_s: float = 2.0,
        share: float = 0.15,
    ) -> None:
        """Choose how often to look.

        Args:
            shortest_s: seconds between passes after a change.
            longest_s: seconds between passes when nothing has changed for long.
            growth: each pass without news makes the wait for the next one longer by this factor.
            empty_s: longest wait while nobody is in view.
            alert_s: for this long after the start, or after the last person went, an empty scene is looked at in every
                frame.
            missing_s: for how long somebody who was lost is looked for often.
            share: while somebody is in view, passes take at most this share of the time of a core that runs one in
                ``PASS_S``. What is not used is saved up for ``SAVED_S`` of passes in a row. So something that is
                taken for a person again and again cannot keep the machine busy.
        """
        self.shortest_s = shortest_s
        self.longest_s = longest_s
        self.growth = growth
        self.empty_s = empty_s
        self.missing_s = missing_s
        self.alert_s = alert_s
        self.share = share
        self.restart()

    def restart(self) -> None:
        """Forget everything, as before the first frame."""
        self._last_s: float | None = None
        self._wait_s = self.shortest_s
        self._turn = 0
        self._alone_s: float | None = None
        self._view: View | None = None
        self._glimpsed = False
        self._missing: list[Missing] = []
        self._missing_turn = 0
        self._saved_s = SAVED_S
        self._saved_at_s: float | None = None

    def affords(self, time_s: float) -> bool:
        """Whether there is time for a pass at a frame's time, with somebody in view."""
        if self._saved_at_s is not None:
            self._saved_s = min(self._saved_s + self.share * max(time_s - self._saved_at_s, 0.0), SAVED_S)
        self._saved_at_s = time_s
        return self._saved_s > 0

    def spend(self, view: View) -> None:
        """A pass over a view with somebody in view; one that cannot wait may be made on credit."""
        self._saved_s = max(self._saved_s - PASS_S * view.input_pixels / USUAL**2, -SAVED_S)

    def due(self, time_s: float, people: int) -> bool:
        """Whether a pass is due at a frame's time, with so many people in view."""
        self._missing = [lost for lost in self._missing if time_s - lost.time_s <= self.missing_s]
        if people or self._alone_s is None:
            self._alone_s = time_s
        if people and not self.affords(time_s):
            return False
        if self._last_s is None or self._glimpsed:
            return True
        wait_s = self._wait_s
        if self._missing:
            wait_s = MISSING_WAIT_S if people else 0.0
        elif not people:
            wait_s = 0.0 if time_s - self._alone_s <= self.alert_s else min(wait_s, self.empty_s)
        return time_s - self._last_s >= wait_s - 1e-6

    def lost(self, time_s: float, box: NDArray[np.float32]) -> None:
        """Somebody who should be in ``box`` (x1, y1, x2, y2 in pixels) is not to be seen any more: look for them."""
        self._missing.append(Missing(time_s, box))
        self._wait_s = self.shortest_s
        self._missing_turn = 0

    def misses(self, box: NDArray[np.float32]) -> bool:
        """Whether somebody lost a moment ago was last seen in ``box``, in part at least."""
        return any(overlap(box, lost.box) for lost in self._missing)

    def glimpsed(self) -> None:
        """The last pass found somebody who cannot be followed: take the same view in the next frame."""
        self._glimpsed = True

    def came(self, box: NDArray[np.float32]) -> None:
        """Somebody was found in ``box``: look again soon, and stop looking for whoever was lost there."""
        self._wait_s = self.shortest_s
        self._missing = [lost for lost in self._missing if not lost.is_at(box)]

    def next_view(self, time_s: float, extents: Sequence[float], frame_size: tuple[int, int]) -> View:
        """The view for a pass at ``time_s``; every call is taken as a pass.

        Args:
            time_s: the frame's time.
            extents: longer side of the keypoints' extent of everybody in view, in pixels.
            frame_size: (width, height) of the frame.
        """
        if self._last_s is not None:
            self._wait_s = min(self._wait_s * self.growth, self.longest_s)
        self._last_s = time_s
        if self._glimpsed and self._view is not None:
            self._glimpsed = False
            return self._view
        if self._missing:
            self._missing_turn += 1
            turn = (self._missing_turn - 1) % (len(self._missing) + 1)
            if turn < len(self._missing):
                self._view = surroundings(self._missing[-1 - turn].box, frame_size)
                return self._view
        views = views_for(extents, [lost.extent for lost in self._missing], frame_size)
        self._view = views[self._turn % len(views)]
        self._turn += 1
        return self._view


def suiting_size(extents: Sequence[float], frame_size: tuple[int, int]) -> int:
    """Pixels of the longer side of a whole-frame input that suits people of these extents; 256 for nobody."""
    known = [max(extent, 1.0) for extent in extents]
    if not known:
        return USUAL
    typical = float(np.exp(np.mean(np.log(known))))
    size = STRIDE * round(BEST_EXTENT * max(frame_size) / typical / STRIDE)
    return min(max(size, SMALLEST), LARGEST)


def surroundings(box: NDArray[np.float32], frame_size: tuple[int, int]) -> View:
    """The part of the frame around a person's box (x1, y1, x2, y2 in pixels), at the scale that suits the person."""
    side = longer_side(box) * USUAL / BEST_EXTENT
    centre = [float(value) for value in (box[:2] + box[2:]) / 2]
    x1, y1 = (int(min(max(c - side / 2, 0), size - 1)) for c, size in zip(centre, frame_size, strict=True))
    x2, y2 = (int(max(min(c + side / 2, size), 1)) for c, size in zip(centre, frame_size, strict=True))
    return View(x1, y1, max(x2 - x1, 1), max(y2 - y1, 1), USUAL)


def views_for(extents: Sequence[float], missing: Sequence[float], frame_size: tuple[int, int]) -> list[View]:
    """The views that take turns: what suits the people in view most often, other scales in between.

    Args:
        extents: of everybody in view, in pixels.
        missing: of everybody lost a moment ago.
        frame_size: (width, height) of the frame.
    """
    width, height = frame_size
    size = suiting_size([*extents, *missing], frame_size)
    part_w, part_h = max(round(width * PARTS), 1), max(round(height * PARTS), 1)
    corners = [(0, 0), (width - part_w, height - part_h), (width - part_w, 0), (0, height - part_h)]
    parts = [View(left, top, part_w, part_h, 320) for left, top in corners]

    def frame(long_side: int) -> View:
        return View(0, 0, width, height, long_side)

    small = bool(extents) and float(np.median([*extents, *missing])) < SMALL * max(frame_size)
    views = []
    for part in parts:
        if not extents and missing:
            views += [frame(size), frame(USUAL), part, frame(USUAL)]
        elif not extents:
            views += [frame(USUAL), frame(384), frame(USUAL), frame(192), frame(USUAL), part]
        elif small:
            views += [frame(size), part] if part is parts[0] else [part]
        else:
            views += [frame(size), frame(USUAL), frame(size), part]
    return views
