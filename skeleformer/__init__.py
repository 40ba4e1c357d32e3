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
    from skeleformer.model import SkeleFormer
    from skeleformer.multistream.features import skeleton_features
    from skeleformer.split import SpatialGraph, TemporalGraph
    from skeleformer.tuning import METHODS, TuningConfig, apply_tuning
    from skeleformer.weights import read_metadata

# Names are looked up when used: without torch, `python -m skeleformer` can still say what is missing.
_HOME = {
    "COCO_PARENTS": "skeletons", "KINECT_PARENTS": "skeletons", "METHODS": "tuning", "NTU_PARENTS": "skeletons",
    "STGCN": "stgcn", "Lifter": "lifting", "LiftingHead": "lifting", "ShiftGCN": "shiftgcn", "SkeleFormer": "model",
    "SkeleFormerConfig": "config", "SpatialGraph": "split", "TemporalGraph": "split", "TuningConfig": "tuning",
    "WeightsError": "errors", "apply_tuning": "tuning", "cost": "flops", "count_flops": "flops",
    "count_parameters": "flops", "fold": "folding", "lifting_loss": "lifting", "parents_from_names": "skeletons",
    "read_metadata": "weights", "skeleton_features": "features",
}  # fmt: skip

__all__ = [
    "COCO_PARENTS", "KINECT_PARENTS", "METHODS", "NTU_PARENTS", "STGCN", "Lifter", "LiftingHead", "ShiftGCN",
    "SkeleFormer", "SkeleFormerConfig", "SpatialGraph", "TemporalGraph", "TuningConfig", "WeightsError", "apply_tuning",
    "cost", "count_flops", "count_parameters", "fold", "lifting_loss", "parents_from_names",
    "read_metadata", "skeleton_features",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
