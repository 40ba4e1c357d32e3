"""SkeleFormer with skeleton prompts, its tuning methods and the baselines it is compared with."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.errors import WeightsError
    from core.skeleton import COCO_PARENTS, KINECT_PARENTS, NTU_PARENTS, parents_from_names
    from skeleformer.baselines.shiftgcn import ShiftGCN
    from skeleformer.baselines.stgcn import STGCN
    from skeleformer.config import SkeleFormerConfig
    from skeleformer.costs.flops import cost, count_flops, count_parameters
    from skeleformer.folding import fold
    from skeleformer.lifting import Lifter, LiftingHead, lifting_loss
    from skeleformer.multistream.features import skeleton_features
    from skeleformer.pretrained import SkeleFormer
    from skeleformer.split import SpatialGraph, TemporalGraph
    from skeleformer.tuning import METHODS, TuningConfig, apply_tuning
    from skeleformer.weights import read_metadata

# Names are looked up when used: without torch, `python -m skeleformer` can still say what is missing.
_HOME = {
    name: module
    for module, names in {
        "core.errors": "WeightsError",
        "core.skeleton": "COCO_PARENTS KINECT_PARENTS NTU_PARENTS parents_from_names",
        "skeleformer.baselines.shiftgcn": "ShiftGCN",
        "skeleformer.baselines.stgcn": "STGCN",
        "skeleformer.config": "SkeleFormerConfig",
        "skeleformer.costs.flops": "cost count_flops count_parameters",
        "skeleformer.folding": "fold",
        "skeleformer.lifting": "Lifter LiftingHead lifting_loss",
        "skeleformer.multistream.features": "skeleton_features",
        "skeleformer.pretrained": "SkeleFormer",
        "skeleformer.split": "SpatialGraph TemporalGraph",
        "skeleformer.tuning": "METHODS TuningConfig apply_tuning",
        "skeleformer.weights": "read_metadata",
    }.items()
    for name in names.split()
}

__all__ = [
    "COCO_PARENTS", "KINECT_PARENTS", "METHODS", "NTU_PARENTS", "STGCN", "Lifter", "LiftingHead", "ShiftGCN",
    "SkeleFormer", "SkeleFormerConfig", "SpatialGraph", "TemporalGraph", "TuningConfig", "WeightsError", "apply_tuning",
    "cost", "count_flops", "count_parameters", "fold", "lifting_loss", "parents_from_names",
    "read_metadata", "skeleton_features",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
