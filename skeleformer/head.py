"""Classification head on the pooled embedding (section 3.3)."""

from __future__ import annotations

from torch import Tensor, nn


class ClassificationHead(nn.Module):
    """Batch norm, then a linear layer or an MLP with one hidden layer.

    Pooled embeddings of all actions share a large mean, which the final layer norm cannot remove; without the batch
    norm a network trained from scratch gives the same embedding to everything for its first hundreds of steps.

    Args:
        dim: d of the embedding.
        classes: number of classes.
        hidden: units of the hidden layer; 0 for a linear head.
        dropout: before the last layer.
    """

    def __init__(self, dim: int, classes: int, hidden: int = 0, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(dim)
        self.hidden = nn.Sequential(nn.Linear(dim, hidden), nn.GELU()) if hidden else nn.Identity()
        self.drop = nn.Dropout(dropout)
        self.classifier = nn.Linear(hidden or dim, classes)

    def forward(self, embedding: Tensor) -> Tensor:
        """(B, d) to logits (B, classes)."""
        return self.classifier(self.drop(self.hidden(self.norm(embedding))))  # (B, classes)
