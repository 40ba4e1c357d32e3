"""The tuning methods of table 7 behind one function."""

from skeleformer.config import INTERACTIONS, METHODS, POSITIONS, SOURCES, TuningConfig
from skeleformer.tuning.apply import apply_tuning, trainable_parameters

__all__ = ["INTERACTIONS", "METHODS", "POSITIONS", "SOURCES", "TuningConfig", "apply_tuning", "trainable_parameters"]
