"""From keypoints to the network's input: the one function that training, evaluation and the live pipeline call.

Every frame is normalised by itself (and its predecessor, for the velocity), never by the window as a whole, so that the
spatial half of the network can run once per new frame and its result be kept.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.skeleton import FLANKS, FOREARMS, SHANKS, SHOULDERS, THIGHS, TORSO, UPPER_ARMS

PREPROCESS_VERSION = "1"
"""Written into exported models; a model made for another version is refused instead of giving wrong labels."""

RATE_HZ = 15.0
"""Frames a second that windows are resampled to."""

CONFIDENT_SCORE = 0.3
"""A keypoint with at least this detector score counts fully; below, its weight falls linearly to 0."""

MAX_SPEED = 10.0
"""Velocities are clipped to this many body heights a second; anything faster is a jump of the detector."""

# Length of body segments as parts of the standing height (Drillis and Contini 1966; the widths are taken between joint
# centres). Foreshortening only ever shortens a segment, so a high quantile of length / part estimates the height in
# pixels.
_FRACTIONS = {
    FLANKS: 0.29, ((5, 12), (6, 11)): 0.35, (SHOULDERS,): 0.22, THIGHS: 0.24, SHANKS: 0.24, UPPER_ARMS: 0.18,
    FOREARMS: 0.15,
}  # fmt: skip
_SEGMENTS = np.array([segment for segments in _FRACTIONS for segment in segments])
_PARTS = np.array([fraction for segments, fraction in _FRACTIONS.items() for _ in segments], np.float32)


def keypoint_weights(scores: NDArray[np.floating]) -> NDArray[np.float32]:
    """Detector scores (..., V) to weights in [0, 1]: 0 is absent or undefined, 1 is certain enough."""
    scores = np.asarray(scores, np.float32)
    return np.where(np.isfinite(scores), np.clip(scores / CONFIDENT_SCORE, 0.0, 1.0), 0.0)


def body_height(keypoints: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Standing height in pixels that each frame's visible segments suggest.

    Args:
        keypoints: (T, 17, 2) pixels.
        weights: (T, 17) in [0, 1].

    Returns:
        (T,) float32; the second largest of the segments' estimates (the largest is often a misplaced joint), 0 where
        fewer than two segments are seen.
    """
    a, b = _SEGMENTS[:, 0], _SEGMENTS[:, 1]
    length = np.linalg.norm(keypoints[:, a] - keypoints[:, b], axis=-1) / _PARTS  # (T, S)
    seen = np.minimum(weights[:, a], weights[:, b])
    return np.sort(length * (seen > 0.5), axis=1)[:, -2]


def window_features(
    keypoints: NDArray[np.floating],
    scores: NDArray[np.floating],
    rate_hz: float = RATE_HZ,
) -> NDArray[np.float32]:
    """Features of a sequence of 2-D COCO-17 skeletons at a fixed rate.

    The unit of length is the person's body height as estimated in each frame; the origin is the middle of the torso.
    The velocity is that of the joint in the image, before the origin is subtracted, so that walking differs from
    walking on the spot.

    Args:
        keypoints: (T, 17, 2) image pixels, y down.
        scores: (T, 17) detector scores; 0 marks an absent joint, as does an undefined score or position.
        rate_hz: frames a second of the sequence.

    Returns:
        (T, 17, 5) float32: x, y (body heights, y down), velocity of x and y (body heights a second), weight in [0, 1].
        Everything is 0 where the weight is 0; the velocity is 0 in the first frame and where the joint was absent
        before.
    """
    xy = np.asarray(keypoints, np.float32)
    w = keypoint_weights(scores)  # (T, 17)
    w = np.where(np.isfinite(xy).all(-1), w, 0.0)
    xy = np.where(w[..., None] > 0, xy, 0.0)
    features = np.zeros((*w.shape, 5), np.float32)
    if not len(xy):
        return features

    height = body_height(xy, w)
    extent = _extent(xy, w)
    scale = np.maximum(np.where(height > 0, height, extent), 1.0)[:, None, None]  # (T, 1, 1)

    torso = np.zeros_like(w)
    torso[:, TORSO] = w[:, TORSO] + 1e-3 * (w[:, TORSO] > 0)
    anchor = np.where(torso.sum(1, keepdims=True) > 0, torso, w)
    centre = (xy * anchor[..., None]).sum(1, keepdims=True) / np.maximum(anchor.sum(1), 1e-6)[:, None, None]

    both = (w[1:] > 0) & (w[:-1] > 0)
    velocity = np.where(both[..., None], (xy[1:] - xy[:-1]) * (rate_hz / scale[1:]), 0.0)

    features[..., 0:2] = np.clip((xy - centre) / scale, -2.0, 2.0)
    features[1:, :, 2:4] = np.clip(velocity, -MAX_SPEED, MAX_SPEED)
    features[..., 4] = w
    features[..., :4] *= w[..., None] > 0
    return features


def _extent(xy: NDArray[np.float32], w: NDArray[np.float32]) -> NDArray[np.float32]:
    """(T,) larger side of the box around the seen joints, in pixels; the scale when no two segments are seen."""
    seen = w[..., None] > 0
    low = np.where(seen, xy, np.inf).min(1)
    high = np.where(seen, xy, -np.inf).max(1)
    side = (high - low).max(-1)
    return np.where(np.isfinite(side), side, 0.0).astype(np.float32)


MAX_GAP_S = 0.35
"""Longest pause between two observations that is bridged by interpolation; longer ones become frames without a
person."""


def resample(
    times_s: NDArray[np.floating],
    keypoints: NDArray[np.floating],
    scores: NDArray[np.floating],
    grid_s: NDArray[np.floating],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Skeletons at the given times, interpolated linearly between the observations around each.

    A joint seen on one side only is taken from there. The score is interpolated, so a joint that is about to vanish
    fades.

    Args:
        times_s: (N,) seconds, increasing.
        keypoints: (N, 17, C) coordinates.
        scores: (N, 17) detector scores; 0 marks an absent joint, as does an undefined score or position.
        grid_s: (T,) seconds, increasing.

    Returns:
        keypoints (T, 17, C) and scores (T, 17), float32; a row of zeros where the grid lies outside the observations
        or in a pause longer than ``MAX_GAP_S``.
    """
    times = np.asarray(times_s, np.float64)
    grid = np.asarray(grid_s, np.float64)
    after = np.searchsorted(times, grid - 1e-6)  # first observation not before the grid time
    inside = after < len(times)
    hi = np.minimum(after, len(times) - 1)
    exact = np.abs(times[hi] - grid) <= 1e-6
    lo = np.where(exact, hi, np.maximum(hi - 1, 0))
    gap = times[hi] - times[lo]
    known = inside & (exact | ((grid >= times[lo] - 1e-6) & (gap <= MAX_GAP_S)))

    part = np.where(gap > 0, (grid - times[lo]) / np.where(gap > 0, gap, 1.0), 0.0).astype(np.float32)[
        :, None
    ]  # (T, 1)
    xy, s = np.asarray(keypoints, np.float32), np.asarray(scores, np.float32)
    defined = np.isfinite(xy).all(-1) & np.isfinite(s)
    xy, s = np.where(defined[..., None], xy, 0.0), np.where(defined, s, 0.0)
    s_lo, s_hi = s[lo], s[hi]
    # Where only one side has seen the joint, its position counts whole.
    position = np.where(s_lo <= 0, 1.0, np.where(s_hi <= 0, 0.0, part))[..., None]  # (T, 17, 1)
    out_xy = xy[lo] * (1 - position) + xy[hi] * position
    out_s = (s_lo * (1 - part) + s_hi * part) * known[:, None]
    return (out_xy * (out_s > 0)[..., None]).astype(np.float32), out_s.astype(np.float32)
