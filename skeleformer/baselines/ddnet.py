"""Convolutions over time on joint distances and motions, after DD-Net (Yang et al., ACM MM Asia 2019): a small network
that learns quickly from few clips, for SkeleFormer to learn from."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor, nn

from core.errors import WeightsError
from skeleformer.weights import check_state, read_tensors, write_tensors

ARCHITECTURE = "ddnet"

TYPICAL_SPEED = 2.0
"""Body heights a second that velocities are divided by."""


def _layer(before: int, after: int, kernel: int = 3) -> nn.Sequential:
    """Convolution over time, batch norm and rectifier: (N, before, T) to (N, after, T)."""
    return nn.Sequential(
        nn.Conv1d(before, after, kernel, padding=kernel // 2, bias=False), nn.BatchNorm1d(after), nn.LeakyReLU(0.2)
    )


class DDNet(nn.Module):
    """Skeleton sequences to class logits.

    Differs from the paper's network in this: positions are an input beside the distances of all pairs of joints,
    there is one speed of motion instead of two (the frame rate is imitated in training), the distance to an absent
    joint is 0, and frames are pooled by their mean and their maximum. Frames without the person, which short windows
    are padded with too, count in both: how far a window is padded moves the logits a little.

    Args:
        classes: number of classes.
        joints: V.
        width: channels; the paper has 16 to 64.
        dropout: before the classifier.
    """

    pairs: Tensor

    def __init__(self, classes: int, joints: int = 17, width: int = 128, dropout: float = 0.2) -> None:
        super().__init__()
        self.sizes = {"classes": classes, "joints": joints, "width": width}
        self.register_buffer("pairs", torch.triu_indices(joints, joints, 1), persistent=False)  # (2, P)

        def stream(channels: int) -> nn.Sequential:
            return nn.Sequential(
                _layer(channels, 2 * width, 1), nn.Dropout1d(0.1), _layer(2 * width, width), nn.Dropout1d(0.1),
                _layer(width, width, 1),
            )  # fmt: skip

        def stage(before: int, after: int) -> nn.Sequential:
            return nn.Sequential(_layer(before, after), _layer(after, after))

        def halve() -> nn.Sequential:
            return nn.Sequential(nn.MaxPool1d(2, ceil_mode=True), nn.Dropout1d(0.1))

        self.distances = stream(self.pairs.shape[1])
        self.positions = stream(3 * joints)
        self.motions = stream(2 * joints)
        self.trunk = nn.Sequential(
            stage(3 * width, 2 * width), halve(), stage(2 * width, 4 * width), halve(), stage(4 * width, 8 * width)
        )
        self.drop = nn.Dropout(dropout)
        self.head = nn.Linear(16 * width, classes)

    def embed(self, features: Tensor) -> Tensor:
        """Features (B, M, T, V, 5) to the embedding (B, 16 width), the mean over the people that are there."""
        there = (features[..., -1] > 0).any(-1).any(-1).to(features.dtype)[..., None]  # (B, M, 1)
        flat = features.flatten(0, 1)  # (N, T, V, 5), N = B M
        place, velocity, weight = flat[..., :2], flat[..., 2:4], flat[..., 4]
        first, second = self.pairs
        seen = weight > 0
        distance = (place[:, :, first] - place[:, :, second]).norm(dim=-1) * (seen[:, :, first] & seen[:, :, second])
        place = torch.cat([place, weight[..., None]], dim=-1)
        streams = (
            self.distances(distance.transpose(1, 2)),  # (N, c, T)
            self.positions(place.flatten(2).transpose(1, 2)),
            self.motions(velocity.flatten(2).transpose(1, 2) / TYPICAL_SPEED),
        )
        h = self.trunk(torch.cat(streams, dim=1))  # (N, 8c, T / 4)
        pooled = torch.cat([h.amax(-1), h.mean(-1)], dim=1).unflatten(0, features.shape[:2])  # (B, M, 16c)
        return (pooled * there).sum(1) / there.sum(1).clamp(min=1)

    def forward(self, features: Tensor) -> Tensor:
        """Features (B, M, T, V, 5) to logits (B, classes)."""
        return self.head(self.drop(self.embed(features)))

    def save_pretrained(self, path: Path | str, words: tuple[str, ...]) -> None:
        """Write parameters, sizes and class names.

        Raises:
            WeightsError: the file cannot be written.
        """
        entries = {
            "architecture": ARCHITECTURE, "sizes": json.dumps(self.sizes), "labels": json.dumps(list(words)),
        }  # fmt: skip
        write_tensors(self.state_dict(), path, entries)

    @classmethod
    def from_pretrained(cls, path: Path | str) -> tuple[DDNet, tuple[str, ...]]:
        """The network that a file holds, in evaluation mode, and its class names.

        Raises:
            WeightsError: the file is missing, damaged or of another architecture.
        """
        tensors, entries = read_tensors(path, ARCHITECTURE, "DD-Net")
        try:
            model = cls(**{k: int(v) for k, v in json.loads(entries["sizes"]).items()})
            words = tuple(map(str, json.loads(entries["labels"])))
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise WeightsError(f"the sizes or labels in {path} cannot be used: {error}") from None
        check_state(tensors, model.state_dict(), path)
        model.load_state_dict(tensors)
        return model.eval(), words
