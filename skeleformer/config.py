"""Sizes of a SkeleFormer."""

from __future__ import annotations

from dataclasses import dataclass

from core.skeleton import COCO_PARENTS, check_parents
from skeleformer.pooling import POOLINGS

__all__ = ["COCO_PARENTS", "FUSIONS", "SkeleFormerConfig"]

FUSIONS = ("jemf", "input", "post")
"""How the three streams are brought together: joint-enhanced, before the encoder, or after it (section 4.9)."""

_MAX_LAYERS = 64  # a file that claims more is damaged


@dataclass(frozen=True)
class SkeleFormerConfig:
    """Everything that determines the shapes of the network's parameters.

    Raises:
        ValueError: sizes that no network can have, said in one sentence.
    """

    classes: int = 60
    parents: tuple[int, ...] = COCO_PARENTS  # parent joint of each joint; the root is its own parent
    coords: int = 2  # 2 for image skeletons, 3 for depth sensors
    width: int = 32  # c: channels a joint; the temporal transformer works on joints * c
    spatial_layers: int = 4
    temporal_layers: int = 4
    heads: int = 8
    mlp_ratio: float = 2.0  # hidden channels of a block's MLP by its width
    frames: int = 32  # learned temporal positions; fewer frames take the newest, more interpolate them
    fusion: str = "jemf"  # one of FUSIONS
    head_hidden: int = 0  # hidden units of the classification MLP; 0 for a linear head
    dropout: float = 0.1  # in the MLPs and before the head
    rate_hz: float = 15.0  # frames a second of the windows
    pooling: str = "mean"  # one of pooling.POOLINGS; the paper's, also where an older file says nothing

    def __post_init__(self) -> None:
        check_parents(self.parents)
        if self.coords not in (2, 3):
            raise ValueError(f"skeletons have 2 or 3 coordinates, not {self.coords}")
        if self.fusion not in FUSIONS:
            raise ValueError(f"fusion is one of {', '.join(FUSIONS)}, not {self.fusion!r}")
        if self.pooling not in POOLINGS:
            raise ValueError(f"pooling is one of {', '.join(POOLINGS)}, not {self.pooling!r}")
        for name in ("classes", "width", "heads", "frames"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is at least 1, not {getattr(self, name)}")
        if not (0 <= self.spatial_layers <= _MAX_LAYERS and 0 <= self.temporal_layers <= _MAX_LAYERS):
            raise ValueError(f"layers are between 0 and {_MAX_LAYERS}")
        if self.width % self.heads:
            raise ValueError(f"width {self.width} cannot be shared by {self.heads} heads")

    @property
    def joints(self) -> int:
        return len(self.parents)

    @property
    def dim(self) -> int:
        """d: width of a frame's embedding, joints * c (544 for COCO-17)."""
        return self.joints * self.width

    @property
    def embedding(self) -> int:
        """Width of a window's embedding, which the head classifies."""
        return self.dim * len(self.pooling.split("+"))

    @property
    def features(self) -> int:
        """Input features a joint: coordinates, velocity, weight."""
        return 2 * self.coords + 1

    @property
    def branches(self) -> int:
        """How often a frame goes through the encoder: once, or once a stream where they are fused after it."""
        return 3 if self.fusion == "post" else 1
