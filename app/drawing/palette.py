"""One colour a track: always the same, bright enough for a dark scene, told apart from its neighbours."""

from __future__ import annotations

import colorsys

Colour = tuple[int, int, int]
"""BGR, 0 to 255 each."""

GREY: Colour = (150, 150, 150)
_GOLDEN = 0.6180339887  # consecutive multiples of it fill the hue circle evenly, so neighbouring ids differ most
_SATURATIONS = (0.75, 0.5, 0.95)


def track_colour(track: int) -> Colour:
    """The colour of a track id."""
    r, g, b = colorsys.hsv_to_rgb((0.08 + track * _GOLDEN) % 1.0, _SATURATIONS[track % 3], 1.0)
    return round(b * 255), round(g * 255), round(r * 255)


def pale(colour: Colour) -> Colour:
    """Half-way to white: readable on a dark veil whatever the hue."""
    b, g, r = colour
    return (b + 255) // 2, (g + 255) // 2, (r + 255) // 2


def ink_on(colour: Colour) -> Colour:
    """Black or white, whichever is read more easily on the colour (ITU-R BT.601 luma)."""
    b, g, r = colour
    return (0, 0, 0) if 0.299 * r + 0.587 * g + 0.114 * b > 110 else (255, 255, 255)
