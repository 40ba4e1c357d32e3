"""The network that a run trains."""

from __future__ import annotations

from core.errors import UserError
from skeleformer.config import SkeleFormerConfig


def network(
    frames: int, width: int, layers: int, dropout: float, classes: int = 60, pooling: str = "mean"
) -> SkeleFormerConfig:
    """A SkeleFormer for COCO-17 of the sizes a user asked for.

    Raises:
        UserError: no network can have them.
    """
    try:
        return SkeleFormerConfig(
            classes=classes, frames=frames, width=width, spatial_layers=layers, temporal_layers=layers,
            dropout=dropout, pooling=pooling,
        )  # fmt: skip
    except ValueError as error:
        raise UserError(str(error)) from None
