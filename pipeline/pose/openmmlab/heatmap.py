"""Keypoints from heatmaps: one picture of the crop for each keypoint, highest where the keypoint is likely to be.

Sources: Xiao et al., "Simple Baselines for Human Pose Estimation and Tracking", ECCV 2018 (a quarter of a pixel towards
    the higher
neighbour); Zhang et al., "Distribution-Aware Coordinate Representation", CVPR 2020 (DARK); Huang et al., "The Devil is
in the Details", CVPR 2020 (UDP). Details as in mmpose's codecs, so that exported models give the same keypoints.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.pose.openmmlab.affine import Size

Array = NDArray[np.float32]


def decode_heatmaps(heatmaps: Array, size: Size, *, refine: str, blur: int) -> tuple[Array, Array]:
    """Find each keypoint's maximum and place it between the pixels.

    Args:
        heatmaps: (N, K, H, W).
        size: (width, height) of the crop.
        refine: ``quarter``, ``dark`` or ``dark-udp``.
        blur: pixels of the Gaussian kernel for the last two, odd.

    Returns:
        Keypoints (N, K, 2) in pixels of the crop, and their scores (N, K), the maxima.
    """
    people, joints, height, width = heatmaps.shape
    flat = heatmaps.reshape(people * joints, height, width).astype(np.float32)
    best = flat.reshape(len(flat), -1).argmax(axis=1)
    scores = flat.reshape(len(flat), -1).max(axis=1)
    points = np.stack([best % width, best // width], axis=1).astype(np.float64)
    points[scores <= 0] = -1
    if refine == "quarter":
        points += _quarter(flat, points)
    elif refine == "dark":
        points += _dark(np.log(np.maximum(_smooth(flat, blur), 1e-10)), points)
    else:
        points += _dark_udp(np.log(np.clip(_smooth(flat, blur), 1e-3, 50)), points)
    if refine == "dark-udp":
        points *= np.array([size[0] / (width - 1), size[1] / (height - 1)])
    else:
        points *= np.array([size[0] / width, size[1] / height])
    return points.reshape(people, joints, 2).astype(np.float32), scores.reshape(people, joints)


def unflip_heatmaps(heatmaps: Array, mirrored: NDArray[np.intp], shift: bool) -> Array:
    """Turn the heatmaps (N, K, H, W) of a mirrored crop into those of the crop.

    Args:
        heatmaps: as in :func:`decode_heatmaps`.
        mirrored: (K,) for each keypoint the one that it becomes in a mirror.
        shift: move them by one pixel to the right, which aligns little-square pixels.
    """
    back = heatmaps[:, mirrored, :, ::-1].copy()
    if shift:
        back[..., 1:] = back[..., :-1].copy()
    return back


def _quarter(maps: Array, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(M, 2) steps of a quarter of a pixel towards the higher neighbour, in the inside of the heatmap."""
    _, height, width = maps.shape
    x, y = points.astype(int).T
    row = np.arange(len(maps))
    step = np.zeros_like(points)
    inside = (x > 1) & (x < width - 1) & (y > 0) & (y < height)
    step[inside, 0] = np.sign(maps[row, y, np.clip(x + 1, 0, width - 1)] - maps[row, y, x - 1])[inside]
    inside = (y > 1) & (y < height - 1) & (x > 0) & (x < width)
    step[inside, 1] = np.sign(maps[row, np.clip(y + 1, 0, height - 1), x] - maps[row, y - 1, x])[inside]
    return 0.25 * step


def _smooth(maps: Array, kernel: int) -> Array:
    """Gaussian smoothing with black around, each heatmap brought back to its own maximum."""
    border = (kernel - 1) // 2
    smoothed = np.empty_like(maps)
    for index, one in enumerate(maps):
        padded = cv2.GaussianBlur(np.pad(one, border), (kernel, kernel), 0)
        inner = padded[border : padded.shape[0] - border, border : padded.shape[1] - border]
        smoothed[index] = inner * (one.max() / inner.max())
    return smoothed


def _dark(logs: Array, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(M, 2) Newton steps to the top of the logarithm's second-order expansion; derivatives over two pixels."""
    _, height, width = logs.shape
    x, y = points.astype(int).T
    inside = (x > 1) & (x < width - 2) & (y > 1) & (y < height - 2)
    step = np.zeros_like(points)
    row = np.flatnonzero(inside)
    x, y = x[inside], y[inside]

    def at(dx: int, dy: int) -> NDArray[np.float64]:
        return np.asarray(logs[row, y + dy, x + dx], np.float64)

    dx, dy = 0.5 * (at(1, 0) - at(-1, 0)), 0.5 * (at(0, 1) - at(0, -1))
    dxx, dyy = 0.25 * (at(2, 0) - 2 * at(0, 0) + at(-2, 0)), 0.25 * (at(0, 2) - 2 * at(0, 0) + at(0, -2))
    dxy = 0.25 * (at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1))
    determinant = dxx * dyy - dxy**2
    solvable = determinant != 0
    safe = np.where(solvable, determinant, 1)
    newton = np.stack([-(dyy * dx - dxy * dy) / safe, -(dxx * dy - dxy * dx) / safe], axis=1)
    step[row] = np.where(solvable[:, None], newton, 0)
    return step


def _dark_udp(logs: Array, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(M, 2) Newton steps as above; derivatives over one pixel, the heatmap's edge repeated once around it."""
    padded = np.pad(logs, ((0, 0), (1, 1), (1, 1)), mode="edge").astype(np.float64)
    row = np.arange(len(logs))
    x, y = points.astype(int).T + 1

    def at(dx: int, dy: int) -> NDArray[np.float64]:
        value: NDArray[np.float64]
        value = padded[row, np.clip(y + dy, 0, padded.shape[1] - 1), np.clip(x + dx, 0, padded.shape[2] - 1)]
        return value

    gradient = 0.5 * np.stack([at(1, 0) - at(-1, 0), at(0, 1) - at(0, -1)], axis=1)
    dxx = at(1, 0) - 2 * at(0, 0) + at(-1, 0)
    dyy = at(0, 1) - 2 * at(0, 0) + at(0, -1)
    dxy = 0.5 * (at(1, 1) - at(1, 0) - at(0, 1) + 2 * at(0, 0) - at(-1, 0) - at(0, -1) + at(-1, -1))
    hessian = np.stack([np.stack([dxx, dxy], axis=1), np.stack([dxy, dyy], axis=1)], axis=1)
    inverse = np.linalg.pinv(hessian + np.finfo(np.float32).eps * np.eye(2))  # pinv: a flat heatmap has no curvature
    step: NDArray[np.float64] = -np.einsum("nij,nj->ni", inverse, gradient)
    return step
