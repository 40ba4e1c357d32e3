"""How a network is executed: ``load`` a model file, ``run`` it on named numpy arrays."""

from core.errors import BackendUnavailable, EngineError
from engines.action.metadata import check_metadata, check_pair, labels
from engines.loading import BACKENDS, load
from engines.network import Network, TensorSpec

__all__ = [
    "BACKENDS",
    "BackendUnavailable",
    "EngineError",
    "Network",
    "TensorSpec",
    "check_metadata",
    "check_pair",
    "labels",
    "load",
]
