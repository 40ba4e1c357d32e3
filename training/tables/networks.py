"""Networks as the tables need them: from scratch, from pre-training, from the source data sets, tuned in some way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from core.errors import UserError
from core.skeleton import COCO_PARENTS
from skeleformer.baselines.stgcn import STGCN
from skeleformer.config import SkeleFormerConfig
from skeleformer.pretrained import SkeleFormer
from skeleformer.tuning import TuningConfig, apply_tuning
from training.run.saved import load_encoder, take_over
from training.tables.task import FRAMES


def skeleformer(
    classes: int,
    encoder: Path | None,
    tuning: str | TuningConfig = "full",
    fusion: str = "jemf",
    parents: tuple[int, ...] = COCO_PARENTS,
    coords: int = 2,
    seed: int = 0,
) -> SkeleFormer:
    """A SkeleFormer with a new classifier.

    Args:
        classes: of the target.
        encoder: weights to start from, which have to fit; None for random ones. Where the streams are fused in another
            way, the fusion keeps its random values.
        tuning: what learns.
        fusion: of the streams.
        parents: the skeleton.
        coords: 2 or 3.
        seed: of the random values.

    Raises:
        UserError: the file holds no encoder, or one of other sizes.
    """
    torch.manual_seed(seed)
    model = SkeleFormer(SkeleFormerConfig(classes, parents, coords, frames=FRAMES, fusion=fusion))
    if encoder is not None:
        weights = encoder_weights(encoder)
        _require_same_sizes(model, weights, encoder)
        take_over(model, weights)
    return apply_tuning(model, tuning)


def require_encoder(path: Path, fusion: str = "jemf") -> None:
    """Find out before a table is measured, not in its last row, that an encoder cannot be used.

    Raises:
        UserError: the file holds no encoder, or one of other sizes.
    """
    skeleformer(1, path, fusion=fusion)


def stgcn(classes: int, parents: tuple[int, ...] = COCO_PARENTS, coords: int = 2, seed: int = 0) -> STGCN:
    """ST-GCN with random weights."""
    torch.manual_seed(seed)
    return STGCN(classes, parents, coords, dropout=0.1)


def encoder_weights(path: Path) -> dict[str, torch.Tensor]:
    """Parameters without the classifier's, of a pre-training checkpoint or a saved model; raises UserError."""
    return load_encoder(str(path), ())[0]


def _require_same_sizes(model: SkeleFormer, weights: dict[str, torch.Tensor], path: Path) -> None:
    """Refuse an encoder of which only a part would be taken over: a row would start from random values unnoticed."""
    c = model.config
    new = ("head.",) if c.fusion == "jemf" else ("head.", "spatial.fusion.")  # the encoder's own fusion is JEMF
    given, own = (
        {k: v.shape for k, v in state.items() if not k.startswith(new)} for state in (weights, model.state_dict())
    )
    if given != own:
        fit = len(given.items() & own.items())
        raise UserError(
            f"the encoder in {path} is none for the tables' network (width {c.width}, {c.spatial_layers} layers, "
            f"{c.frames} frames, no tuning): {fit} of its {len(own)} parameters fit"
        )


def with_parents(model: SkeleFormer, parents: tuple[int, ...]) -> SkeleFormer:
    """The same weights on a skeleton whose bones join other joints."""
    other = SkeleFormer(replace(model.config, parents=parents))
    other.load_state_dict(model.state_dict())
    return other.eval()
