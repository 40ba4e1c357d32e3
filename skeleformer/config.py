"""Sizes of a SkeleFormer, and the skeletons it is used with."""

from __future__ import annotations

from dataclasses import dataclass

COCO_PARENTS = (0, 0, 0, 1, 2, 0, 0, 5, 6, 7, 8, 5, 6, 11, 12, 13, 14)
"""Parent of each COCO-17 joint, the nose being the root (its own parent)."""


@dataclass(frozen=True)
class SkeleFormerConfig:
    """Everything that determines the shapes of the network's parameters."""

    classes: int = 60
    parents: tuple[int, ...] = COCO_PARENTS  # parent joint of each joint; the root is its own parent
    coords: int = 2  # 2 for image skeletons, 3 for depth sensors
    width: int = 32  # c: channels a joint; the temporal transformer works on joints * c
    spatial_layers: int = 4
    temporal_layers: int = 4
    heads: int = 8
    mlp_ratio: float = 2.0  # hidden channels of a block's MLP by its width
    frames: int = 32  # learned temporal positions; other lengths interpolate them
    fusion: str = "jemf"  # "jemf", "input" or "post" (section 4.9)
    head_hidden: int = 0  # hidden units of the classification MLP; 0 for a linear head
    dropout: float = 0.1  # in the MLPs and before the head
    rate_hz: float = 15.0  # frames a second of the windows

    @property
    def joints(self) -> int:
        return len(self.parents)

    @property
    def dim(self) -> int:
        """d: width of a frame's embedding, joints * c (544 for COCO-17)."""
        return self.joints * self.width

    @property
    def features(self) -> int:
        """Input features a joint: coordinates, velocity, weight."""
        return 2 * self.coords + 1
