"""Saved models: what a run writes, what another starts from, and what is known of both."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor, nn

from core.errors import UserError
from core.preprocess import PREPROCESS_VERSION, RATE_HZ
from models import model_path
from skeleformer.pretrained import SkeleFormer
from skeleformer.weights import read_metadata
from training.run.checkpoint import read_state


def save_model(model: SkeleFormer, path: Path, words: tuple[str, ...], whole: Sequence[str] = ()) -> None:
    """Write a model with what a pipeline needs to know about it, and the data sets whose validation part it knows."""
    model.save_pretrained(
        path,
        metadata={
            "labels": json.dumps(list(words)), "rate_hz": str(RATE_HZ), "preprocess_version": PREPROCESS_VERSION,
            "frames": str(model.config.frames), "validation_seen": json.dumps(list(whole)),
        },
    )  # fmt: skip


def load_model(weights: str | None) -> tuple[SkeleFormer, tuple[str, ...]]:
    """A saved model, in evaluation mode, and its words; the shipped one by default.

    Raises:
        WeightsError: the file is missing, damaged or of another kind.
        UserError: it does not name its words.
    """
    path = Path(weights) if weights else model_path("skeleformer.safetensors")
    model = SkeleFormer.from_pretrained(path)
    words = _words(path)
    if len(words) != model.config.classes:
        raise UserError(f"{path} names {len(words)} labels for {model.config.classes} classes")
    return model.eval(), words


def _words(path: Path) -> tuple[str, ...]:
    return tuple(json.loads(read_metadata(path).get("labels", "[]")))


def validation_seen(model: SkeleFormer) -> tuple[str, ...]:
    """The data sets whose validation part a saved model was trained on."""
    return tuple(json.loads(model.metadata.get("validation_seen", "[]")))


def load_encoder(path: str, words: tuple[str, ...]) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Weights to start from: a pre-training checkpoint or a saved model; its head too where it has the same words.

    Returns:
        the weights, and the data sets whose validation part they were trained on.

    Raises:
        WeightsError: a ``.safetensors`` file is missing, damaged or of another kind.
        UserError: the file is neither, or a model whose tuning would be lost.
    """
    if path.endswith(".safetensors"):
        model = SkeleFormer.from_pretrained(path)
        if model.tuning is not None and set(model.state_dict()) != set(SkeleFormer(model.config).state_dict()):
            raise UserError(f"{path} is tuned by {model.tuning.method}, which would be lost; start from a plain model")
        return starting_weights(model, _words(Path(path)), words), validation_seen(model)
    encoder = (read_state(Path(path)) or {}).get("encoder")
    if not isinstance(encoder, dict) or not all(isinstance(weight, Tensor) for weight in encoder.values()):
        raise UserError(
            f"{path} is no file of weights to start from; give the encoder.ckpt that `python -m training pretrain` "
            "wrote, or a .safetensors model"
        )
    return {k: v for k, v in encoder.items() if not k.startswith("head.")}, ()


def starting_weights(model: SkeleFormer, known: tuple[str, ...], words: tuple[str, ...]) -> dict[str, Tensor]:
    """All of a model's weights where it knows the words to be learnt, otherwise all but the classifier's."""
    return {k: v for k, v in model.state_dict().items() if known == words or not k.startswith("head.")}


def take_over(model: nn.Module, weights: Mapping[str, Tensor]) -> int:
    """Load the parameters whose names and shapes agree; how many did."""
    own = model.state_dict()
    taken = {k: v for k, v in weights.items() if k in own and v.shape == own[k].shape}
    model.load_state_dict(taken, strict=False)
    return len(taken)
