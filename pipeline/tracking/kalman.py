"""A Kalman filter for one person's box whose noise is stated per second, so that any frame rate may feed it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# All lengths are in parts of the box's height, so that near and far people are followed alike. Order: centre x, centre
# y, width, height.
MEASUREMENT_STD = np.array([0.08, 0.08, 0.20, 0.12])
"""How far a detector's box strays from the person, one standard deviation."""

ACCELERATION_STD = np.array([1.0, 1.0, 0.6, 0.4])
"""How much a velocity may change within one second."""

VELOCITY_STD = np.array([1.5, 1.0, 0.5, 0.5])
"""Velocities a second that a newcomer may have."""

VELOCITY_LIFE_S = np.array([2.0, 1.0, 0.3, 0.5])
"""Time in which an unconfirmed velocity fades to 1/e: nobody walks, and no arm opens, for ever."""


class KalmanBox:
    """Position and velocity of a box, four independent axes with a fading velocity (Ornstein-Uhlenbeck) each.

    Args:
        box: (4,) x1, y1, x2, y2 in pixels.
    """

    def __init__(self, box: NDArray[np.floating]) -> None:
        self._position = _to_centre(box)  # (4,)
        self._velocity = np.zeros(4)
        height = max(self._position[3], 1.0)
        self._var = (MEASUREMENT_STD * height) ** 2  # of the position
        self._cov = np.zeros(4)  # of position and velocity
        self._var_v = (VELOCITY_STD * height) ** 2  # of the velocity

    @property
    def box(self) -> Array:
        """(4,) x1, y1, x2, y2 in pixels."""
        centre, half = self._position[:2], np.maximum(self._position[2:], 1.0) / 2
        return np.concatenate([centre - half, centre + half])

    @property
    def centre(self) -> Array:
        """(2,) pixels."""
        return self._position[:2].copy()

    @property
    def height(self) -> float:
        """Pixels, at least 1."""
        return float(max(self._position[3], 1.0))

    @property
    def velocity(self) -> Array:
        """(2,) pixels a second of the centre."""
        return self._velocity[:2].copy()

    @property
    def centre_std(self) -> float:
        """Standard deviation of the centre in pixels, the larger of the two directions."""
        return math.sqrt(float(self._var[:2].max()))

    def predict(self, dt_s: float) -> None:
        """Move on by dt_s seconds; two steps of half the time give the same state as one."""
        if dt_s <= 0:
            return
        rate = 1.0 / VELOCITY_LIFE_S
        keep = np.exp(-rate * dt_s)
        reach = (1.0 - keep) / rate  # how far a unit of velocity carries
        q = (ACCELERATION_STD * self.height) ** 2  # white acceleration, px^2 / s^3
        keep2 = keep**2
        self._position = self._position + reach * self._velocity
        self._velocity = keep * self._velocity
        # Exact discretisation of dv = -v / life dt + sqrt(q) dW.
        self._var = (
            self._var + 2 * reach * self._cov + reach**2 * self._var_v
            + q / rate**2 * (dt_s - 2 * reach + (1 - keep2) / (2 * rate))
        )  # fmt: skip
        self._cov = keep * (self._cov + reach * self._var_v) + q / 2 * reach**2
        self._var_v = keep2 * self._var_v + q * (1 - keep2) / (2 * rate)

    def update(self, box: NDArray[np.floating]) -> None:
        """Take in a detector's box (4,), x1, y1, x2, y2 in pixels."""
        measured = _to_centre(box)
        noise = (MEASUREMENT_STD * max(measured[3], 1.0)) ** 2
        gain = self._var / (self._var + noise)
        gain_v = self._cov / (self._var + noise)
        innovation = measured - self._position
        self._position = self._position + gain * innovation
        self._velocity = self._velocity + gain_v * innovation
        self._var_v = self._var_v - gain_v * self._cov
        self._cov = (1 - gain) * self._cov
        self._var = (1 - gain) * self._var


def _to_centre(box: NDArray[np.floating]) -> Array:
    x1, y1, x2, y2 = (float(v) for v in box)
    return np.array([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1])
