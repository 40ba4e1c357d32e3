"""mmpose models as modules with plain tensors in and out, for export."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from engines.openmmlab.model import output_indices, quietly
from engines.pose_card import PoseCard

CANDIDATES = 100
PEOPLE = 32
"""An exported one-stage model takes its surest anchors as candidates and gives the keypoints of this many of them."""

OUTPUTS = {"simcc": ("simcc_x", "simcc_y"), "heatmap": ("heatmaps",), "one-stage": ("dets", "keypoints")}
"""Names of the outputs; SimCC and one-stage models as the published files have them."""


class CropGraph(nn.Module):
    """Backbone, neck and head of a top-down model: crops in, SimCC distributions or heatmaps out."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.chosen = output_indices(model)

    def forward(self, crops: Tensor) -> tuple[Tensor, ...]:  # (N, 3, H, W)
        outputs = self.model.head(self.model.extract_feat(crops))
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        if self.chosen:
            outputs = tuple(output[:, list(self.chosen)] for output in outputs)
        return outputs  # (N, K, bins) twice, or (N, K, H', W')


class OneStageGraph(nn.Module):
    """RTMO: pictures in, the ``PEOPLE`` best boxes with their keypoints out.

    Non-maximum suppression proper is left to whoever reads the output, because its loop does not fit into a graph for
    every runtime. But the keypoints are costly, so candidates that overlap a surer one are put behind all others and
    mostly fall away before theirs are computed.
    """

    def __init__(self, model: Any, card: PoseCard) -> None:
        super().__init__()
        self.model = model
        self.iou = card.nms_iou
        with quietly():
            self.model.switch_to_deploy()
        width, height = card.size
        sizes = [(height // stride, width // stride) for stride in model.head.featmap_strides]
        priors = model.head.prior_generator.grid_priors(sizes, dtype=torch.float32, device="cpu")
        strides = [torch.full((len(p),), float(s)) for p, s in zip(priors, model.head.featmap_strides, strict=True)]
        self.register_buffer("priors", torch.cat(priors))  # (A, 2) centres of the anchors in pixels
        self.register_buffer("strides", torch.cat(strides))  # (A,)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:  # (N, 3, H, W)
        head = self.model.head
        classes, boxes, _, seen, vectors = head.forward(self.model.extract_feat(pictures))
        scores = head._flatten_predictions(classes).sigmoid().amax(dim=2)  # (N, A)
        corners = head.decode_bbox(head._flatten_predictions(boxes), self.priors, self.strides)  # (N, A, 4)
        scores, best = torch.topk(scores, min(CANDIDATES, scores.shape[1]))  # (N, C)

        def pick(values: Tensor) -> Tensor:
            return torch.gather(values, 1, best.unsqueeze(-1).expand(-1, -1, values.shape[2]))

        alone = (_overlap_with_surer(pick(corners)) <= self.iou).to(scores.dtype)  # (N, C)
        ranks = torch.topk(scores + alone, min(PEOPLE, scores.shape[1])).indices  # (N, P); a score is at most 1
        scores, best = torch.gather(scores, 1, ranks), torch.gather(best, 1, ranks)
        corners = pick(corners)  # (N, P, 4)
        seen = pick(head._flatten_predictions(seen).sigmoid())  # (N, P, K)
        vectors = pick(head._flatten_predictions(vectors))  # (N, P, D)
        grids = pick(self.priors.expand(pictures.shape[0], -1, -1))  # type: ignore[operator]
        centers = (corners[..., 2:] + corners[..., :2]) * 0.5
        sides = (corners[..., 2:] - corners[..., :2]) * head.bbox_padding
        points = self._points(vectors, torch.cat([centers, sides], dim=2), grids)  # (N, P, K, 2)
        dets = torch.cat([corners, scores.unsqueeze(-1)], dim=2)  # (N, P, 5)
        return dets, torch.cat([points, seen.unsqueeze(-1)], dim=3)  # (N, P, K, 3)

    def _points(self, vectors: Tensor, boxes: Tensor, grids: Tensor) -> Tensor:
        points: Tensor = self.model.head.dcc.forward_test(vectors, boxes, grids)
        return points if points.ndim == 4 else points.unsqueeze(0)  # of one picture mmpose drops a dimension in torch


def _overlap_with_surer(corners: Tensor) -> Tensor:
    """(N, C) the largest intersection over union of each box with a box before it, of (N, C, 4) boxes, surest first."""
    low = torch.maximum(corners[:, :, None, :2], corners[:, None, :, :2])
    high = torch.minimum(corners[:, :, None, 2:], corners[:, None, :, 2:])
    shared = (high - low).clamp(min=0).prod(dim=3)  # (N, C, C)
    areas = (corners[..., 2:] - corners[..., :2]).prod(dim=2)  # (N, C)
    overlap = shared / (areas[:, :, None] + areas[:, None, :] - shared).clamp(min=1e-6)
    before = torch.ones(corners.shape[1], corners.shape[1]).tril(diagonal=-1)  # [i, j] is 1 where j is surer than i
    return (overlap * before).amax(dim=2)


def graph_of(model: Any, card: PoseCard) -> nn.Module:
    """The graph of a model on the CPU; the model itself stays as it is."""
    model = copy.deepcopy(model)
    return (OneStageGraph(model, card) if card.kind == "one-stage" else CropGraph(model)).eval()
