"""ST-GCN and Shift-GCN on the project's input."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from equations import arr
from small_networks import random_features, randomise

from skeleformer import COCO_PARENTS, KINECT_PARENTS, NTU_PARENTS, STGCN, ShiftGCN, SkeleFormerConfig, count_parameters
from skeleformer.baselines.baseline import GraphBaseline
from skeleformer.baselines.graph import bones_of, spatial_partition
from skeleformer.baselines.shiftgcn import SpatialShift, TemporalShift
from skeleformer.baselines.stgcn import GraphConvolution

BASELINES = [STGCN, ShiftGCN]
SKELETONS = [(COCO_PARENTS, 2), (KINECT_PARENTS, 3), (NTU_PARENTS, 3)]


@pytest.mark.parametrize("kind", BASELINES)
@pytest.mark.parametrize(("parents", "coords"), SKELETONS)
@torch.no_grad()
def test_any_skeleton_and_length(kind: type[GraphBaseline], parents: tuple[int, ...], coords: int) -> None:
    model = kind(7, parents, coords).eval()
    for frames in (1, 3, 32, 256):
        x = random_features(SkeleFormerConfig(parents=parents, coords=coords), frames=frames)
        logits = model(x)
        assert logits.shape == (2, 7)
        assert logits.isfinite().all()
        assert model.embed(x).shape == (2, 256)


@pytest.mark.parametrize("kind", BASELINES)
@torch.no_grad()
def test_masked_joints_and_absent_people_never_change_the_output(kind: type[GraphBaseline]) -> None:
    model = kind(7, COCO_PARENTS).eval()
    x = random_features(SkeleFormerConfig())
    wild = torch.where(x[..., -1:] > 0, x, torch.tensor([float("nan")] * 4 + [0.0]))
    assert torch.equal(model(x), model(wild))
    alone = x[:, :1]
    both = torch.cat([alone, torch.zeros_like(alone)], 1)
    torch.testing.assert_close(model(both), model(alone), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", BASELINES)
def test_baselines_learn_to_tell_two_motions_apart(kind: type[GraphBaseline]) -> None:
    torch.manual_seed(0)
    still = torch.randn(1, 1, 1, 17, 5).expand(8, 1, 16, 17, 5).clone()
    still[..., -1] = 1
    x = still + torch.cat([torch.randn(8, 1, 16, 17, 4) * 0.1, torch.zeros(8, 1, 16, 17, 1)], -1)
    x[4:, :, :, 9, 1] += torch.sin(torch.arange(16.0))  # the left wrist goes up and down
    target = torch.tensor([0] * 4 + [1] * 4)
    model = kind(2, COCO_PARENTS)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(12):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), target).backward()
        optimizer.step()
    assert (model(x).argmax(1) == target).all()
    assert all(p.grad is not None for p in model.parameters())


def test_sizes_are_the_published_ones() -> None:
    assert count_parameters(STGCN(60, NTU_PARENTS, 3))[0] == pytest.approx(3.1e6, rel=0.02)  # Yan et al.
    assert count_parameters(ShiftGCN(60, NTU_PARENTS, 3))[0] == pytest.approx(0.69e6, rel=0.03)  # Cheng et al.


def test_partition_separates_neighbours_by_their_distance_to_the_root() -> None:
    parents = (0, 0, 1, 1)  # 0 - 1 - (2, 3)
    own, nearer, farther = spatial_partition(4, bones_of(parents), 0).numpy()
    np.testing.assert_allclose((own + nearer + farther).sum(1), 1, atol=1e-6)
    assert (own > 0).tolist() == np.eye(4, dtype=bool).tolist()
    assert np.argwhere(nearer > 0).tolist() == [[1, 0], [2, 1], [3, 1]]
    assert np.argwhere(farther > 0).tolist() == [[0, 1], [1, 2], [1, 3]]
    assert spatial_partition(4, [(2, 3)], 0).isfinite().all()  # joints that nothing leads to


def test_graph_convolution_is_the_sum_over_the_partition() -> None:
    layer = GraphConvolution(3, 4, spatial_partition(17, bones_of(COCO_PARENTS), 0))
    randomise(layer)
    x = torch.randn(1, 3, 2, 17)
    weight, bias = arr(layer.convolution.weight)[..., 0, 0].reshape(3, 4, 3), arr(layer.convolution.bias).reshape(3, 4)
    expected = np.zeros((4, 2, 17))
    for k in range(3):
        each = np.einsum("oc,ctv->otv", weight[k], arr(x)[0]) + bias[k][:, None, None]
        expected += each @ (arr(layer.adjacency)[k] * arr(layer.importance)[k]).T
    np.testing.assert_allclose(arr(layer(x))[0], expected, atol=1e-4)


def test_other_edges_change_what_stgcn_sees() -> None:
    model = STGCN(7, COCO_PARENTS).eval()
    x = random_features(SkeleFormerConfig())
    before = model(x)
    model.set_edges([(0, v) for v in range(1, 17)])
    star = model(x)
    assert (star - before).abs().max() > 1e-4
    model.set_edges(bones_of(COCO_PARENTS))
    torch.testing.assert_close(model(x), before)


def test_spatial_shift_takes_each_channel_from_another_joint_and_back() -> None:
    x = torch.randn(2, 6, 3, 5)
    shifted = SpatialShift(5, 6, 1)(x)
    for c in range(6):
        for v in range(5):
            assert torch.equal(shifted[:, c, :, v], x[:, c, :, (v + c) % 5])
    assert torch.equal(SpatialShift(5, 6, -1)(shifted), x)


def test_temporal_shift_interpolates_and_learns_its_span() -> None:
    shift = TemporalShift(3)
    with torch.no_grad():
        shift.offset.copy_(torch.tensor([0.0, 1.0, -0.25]))
    x = torch.randn(1, 3, 6, 2)
    y = shift(x)
    torch.testing.assert_close(y[:, 0], x[:, 0])
    torch.testing.assert_close(y[:, 1, :-1], x[:, 1, 1:])
    assert (y[:, 1, -1] == 0).all()
    torch.testing.assert_close(y[:, 2, 1:], 0.75 * x[:, 2, 1:] + 0.25 * x[:, 2, :-1])
    y.square().sum().backward()
    assert (shift.offset.grad != 0).all()
    half = TemporalShift(3, stride=2)
    half.offset.data.zero_()
    torch.testing.assert_close(half(x), x[:, :, ::2])
