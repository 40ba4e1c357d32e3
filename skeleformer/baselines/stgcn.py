"""ST-GCN (Yan et al., AAAI 2018): the graph baseline of tables 6 and 9."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from skeleformer.baselines.baseline import GraphBaseline, GraphLayer
from skeleformer.baselines.graph import bones_of, spatial_partition

TEMPORAL_KERNEL = 9


class GraphConvolution(nn.Module):
    """Sum over the three sets of neighbours of the convolved joints, edges weighted by a learned importance."""

    adjacency: Tensor

    def __init__(self, before: int, after: int, adjacency: Tensor) -> None:
        super().__init__()
        self.after = after
        self.register_buffer("adjacency", adjacency.clone(), persistent=False)  # (K, V, V)
        self.importance = nn.Parameter(torch.ones_like(adjacency))
        self.convolution = nn.Conv2d(before, after * len(adjacency), 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, before, T, V) to (N, after, T, V)."""
        x = self.convolution(x).unflatten(1, (-1, self.after))  # (N, K, after, T, V)
        return torch.einsum("nkctw,kvw->nctv", x, self.adjacency * self.importance)


def stgcn_layer(before: int, after: int, stride: int, residual: bool, adjacency: Tensor) -> GraphLayer:
    """Graph convolution, then convolution over time."""
    temporal = nn.Sequential(
        nn.BatchNorm2d(after), nn.ReLU(),
        nn.Conv2d(after, after, (TEMPORAL_KERNEL, 1), (stride, 1), (TEMPORAL_KERNEL // 2, 0)), nn.BatchNorm2d(after),
    )  # fmt: skip
    return GraphLayer(before, after, stride, residual, GraphConvolution(before, after, adjacency), temporal)


class STGCN(GraphBaseline):
    """Spatial temporal graph convolutional network.

    Args:
        classes: number of classes.
        parents: parent of each joint.
        coords: 2 or 3.
        dropout: before the classifier.
        edges: pairs of joints, where they are not the bones of the tree.
    """

    def __init__(
        self,
        classes: int,
        parents: Sequence[int],
        coords: int = 2,
        dropout: float = 0.0,
        edges: Sequence[tuple[int, int]] | None = None,
    ) -> None:
        root = next(j for j, p in enumerate(parents) if j == p)
        adjacency = spatial_partition(len(parents), bones_of(parents) if edges is None else edges, root)
        super().__init__(
            classes, parents, coords, dropout,
            lambda before, after, stride, residual: stgcn_layer(before, after, stride, residual, adjacency),
        )  # fmt: skip
        self.root = root

    def set_edges(self, edges: Sequence[tuple[int, int]]) -> None:
        """Connect the joints otherwise, keeping all weights (edge reconnection of table 6)."""
        for module in self.modules():
            if isinstance(module, GraphConvolution):
                module.adjacency.copy_(spatial_partition(module.adjacency.shape[-1], edges, self.root))
