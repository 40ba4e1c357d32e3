"""When to look for newcomers, where, and at which scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.pose.picture import STRIDE, View

BEST_EXTENT = 130
"""MoveNet multipose is most precise on people whose keypoints span 95 to 195 pixels of its input."""

SMALLEST, LARGEST = 160, 512
"""Pixels of the longer side of the input; beyond the largest a part of the frame is looked at instead."""

USUAL = 256
"""What finds most people when nothing is known about their size."""

PARTS = 0.6
"""Width and height of a part over the frame's; four parts overlap by more than a person who needs them is wide."""

SMALL = 0.3
"""People who span less than this share of the frame's longer side are looked for part by part."""


class Search:
    """Decides when the whole-frame network runs, and on which view of the frame.

    While nothing changes, passes get rarer, up to ``longest_s`` apart; a newcomer or a loss makes them frequent again.
    Passes take turns between the scale that suits the people in view and other scales, since a newcomer may be of any
    size. Somebody lost counts as in view for a while, and while anybody is missing every frame is looked at. All times
    are capture times in seconds.
    """

    def __init__(
        self,
        *,
        shortest_s: float = 0.15,
        longest_s: float = 1.0,
        growth: float = 1.5,
        empty_s: float = 0.1,
        missing_s: float = 0.5,
        alert_s: float = 2.0,
    ) -> None:
        """Choose how often to look.

        Args:
            shortest_s: seconds between passes after a change.
            longest_s: seconds between passes when nothing has changed for long.
            growth: each pass without news makes the wait for the next one longer by this factor.
            empty_s: longest wait while nobody is in view.
            alert_s: for this long after the start, or after the last person went, an empty scene is looked at in every
                frame.
            missing_s: for how long somebody who was lost is looked for in every frame.
        """
        self.shortest_s = shortest_s
        self.longest_s = longest_s
        self.growth = growth
        self.empty_s = empty_s
        self.missing_s = missing_s
        self.alert_s = alert_s
        self.restart()

    def restart(self) -> None:
        """Forget everything, as before the first frame."""
        self._last_s: float | None = None
        self._wait_s = self.shortest_s
        self._turn = 0
        self._alone_s: float | None = None
        self._view: View | None = None
        self._glimpsed = False
        self._missing: list[tuple[float, float]] = []  # (time of loss, extent)

    def due(self, time_s: float, anybody: bool) -> bool:
        """Whether a pass is due at a frame's time."""
        self._missing = [(at_s, extent) for at_s, extent in self._missing if time_s - at_s <= self.missing_s]
        if anybody or self._alone_s is None:
            self._alone_s = time_s
        if self._last_s is None or self._glimpsed or self._missing:
            return True
        wait_s = self._wait_s
        if not anybody:
            wait_s = 0.0 if time_s - self._alone_s <= self.alert_s else min(wait_s, self.empty_s)
        return time_s - self._last_s >= wait_s - 1e-6

    def lost(self, time_s: float, extent: float) -> None:
        """Somebody of this extent in pixels is not to be seen any more: look for them."""
        self._missing.append((time_s, extent))
        self._wait_s = self.shortest_s
        self._turn = 0

    def glimpsed(self) -> None:
        """The last pass found somebody who cannot be followed: take the same view in the next frame."""
        self._glimpsed = True

    def came(self, extent: float) -> None:
        """Somebody of this extent was found: look again soon, and stop looking for whoever was lost with that size."""
        self._wait_s = self.shortest_s
        self._missing = [(at_s, other) for at_s, other in self._missing if not 0.6 < other / extent < 1.7]

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
        views = views_for(extents, [extent for _, extent in self._missing], frame_size)
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
            views += [frame(min(size, 384)), part] if part is parts[0] else [part]
        else:
            views += [frame(size), frame(USUAL), frame(size), part]
    return views
