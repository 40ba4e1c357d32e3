"""SkeleFormer with skeleton prompts, its tuning methods and the baselines it is compared with."""

from skeleformer.config import SkeleFormerConfig
from skeleformer.errors import WeightsError
from skeleformer.features import skeleton_features
from skeleformer.flops import cost, count_flops, count_parameters
from skeleformer.folding import fold
from skeleformer.lifting import Lifter, LiftingHead, lifting_loss
from skeleformer.model import SkeleFormer
from skeleformer.shiftgcn import ShiftGCN
from skeleformer.skeletons import COCO_PARENTS, KINECT_PARENTS, NTU_PARENTS, parents_from_names
from skeleformer.split import SpatialGraph, TemporalGraph
from skeleformer.stgcn import STGCN
from skeleformer.tuning import METHODS, TuningConfig, apply_tuning
from skeleformer.weights import read_metadata

__all__ = [
    "COCO_PARENTS", "KINECT_PARENTS", "METHODS", "NTU_PARENTS", "STGCN", "Lifter", "LiftingHead", "ShiftGCN",
    "SkeleFormer", "SkeleFormerConfig", "SpatialGraph", "TemporalGraph", "TuningConfig", "WeightsError", "apply_tuning",
    "cost", "count_flops", "count_parameters", "fold", "lifting_loss", "parents_from_names",
    "read_metadata", "skeleton_features",
]  # fmt: skip
