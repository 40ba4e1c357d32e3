"""An action model from its safetensors file, as torch modules. Imported only where torch is wanted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import BackendUnavailable, EngineError

if TYPE_CHECKING:
    from skeleformer.pretrained import SkeleFormer

NEEDED = ("labels", "rate_hz", "preprocess_version")


def read_weights(path: Path) -> tuple[SkeleFormer, dict[str, str]]:
    """The model (on the CPU, evaluating) and the file's metadata.

    Raises:
        BackendUnavailable: torch is not installed.
        EngineError: the file is missing, damaged, of another architecture, or does not say what it was trained for.
    """
    try:
        from core.errors import WeightsError
        from skeleformer.pretrained import SkeleFormer
        from skeleformer.weights import read_metadata
    except ImportError as error:
        raise BackendUnavailable(f'This needs torch: pip install "skeleprompt[train]" ({error}).') from error
    try:
        metadata = read_metadata(path)
        model = SkeleFormer.from_pretrained(path)
    except WeightsError as error:
        raise EngineError(f"{error}.") from error
    missing = [key for key in NEEDED if key not in metadata]
    if missing:
        raise EngineError(f"{path} does not say for what it was trained: its metadata lacks {', '.join(missing)}.")
    return model, metadata
