"""The skeleton as a graph, for the convolutional baselines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def bones_of(parents: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Edges (joint, parent) of a tree of joints."""
    return tuple((joint, parent) for joint, parent in enumerate(parents) if joint != parent)


def spatial_partition(joints: int, edges: Sequence[tuple[int, int]], root: int) -> Tensor:
    """ST-GCN's spatial configuration partitioning (Yan et al., AAAI 2018, section 3.3).

    A joint's neighbours fall into three sets: itself and those as far from the root, those nearer to it, those farther.

    Args:
        joints: V.
        edges: pairs of joints; joints that nothing leads to count as infinitely far from the root.
        root: joint from which distance is counted.

    Returns:
        (3, V, V) float32 adjacency; entry (k, v, w) weighs joint w in the sum for joint v, and each row of the summed
        matrix adds up to 1.
    """
    adjacency = np.eye(joints, dtype=bool)
    for a, b in edges:
        adjacency[a, b] = adjacency[b, a] = True
    distance = np.full(joints, np.inf)
    front = np.arange(joints) == root
    for hops in range(joints):
        distance[front & np.isinf(distance)] = hops
        front = adjacency @ front
    normalised = adjacency / adjacency.sum(1, keepdims=True)
    to, of = distance[None, :], distance[:, None]  # of neighbour w, of joint v
    return torch.from_numpy(
        np.stack([normalised * (to == of), normalised * (to < of), normalised * (to > of)]).astype(np.float32)
    )
