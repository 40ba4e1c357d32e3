"""The three streams and their embeddings."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from equations import arr, linear

from core.skeleton import COCO_PARENTS, KINECT_PARENTS, NTU_PARENTS
from skeleformer.multistream.streams import StreamEmbedding, split_streams

SKELETONS = [(COCO_PARENTS, 2), (KINECT_PARENTS, 3), (NTU_PARENTS, 3), (NTU_PARENTS, 2)]


@pytest.mark.parametrize(("parents", "coords"), SKELETONS)
def test_streams_are_joint_minus_parent_and_velocity(parents: tuple[int, ...], coords: int) -> None:
    x = torch.randn(3, len(parents), 2 * coords + 1)
    x[..., -1] = torch.rand(3, len(parents)) + 0.1
    joint, bone, velocity, weights = split_streams(x, torch.tensor(parents))
    a = arr(x)
    for v, p in enumerate(parents):
        np.testing.assert_allclose(arr(joint)[:, v], a[:, v, :coords])
        np.testing.assert_allclose(arr(bone)[:, v], a[:, v, :coords] - a[:, p, :coords], atol=1e-6)
        np.testing.assert_allclose(arr(velocity)[:, v], a[:, v, coords:-1])
        expected = np.stack([a[:, v, -1], np.minimum(a[:, v, -1], a[:, p, -1]), a[:, v, -1]], -1)
        np.testing.assert_allclose(arr(weights)[:, v], expected)


def test_only_the_root_has_no_bone() -> None:
    x = torch.randn(1, 17, 5)
    x[..., -1] = 1
    bone = split_streams(x, torch.tensor(COCO_PARENTS))[1]
    assert (bone.abs().sum(-1)[0] == 0).nonzero().flatten().tolist() == [0]


def test_embedding_is_linear_and_weighted() -> None:
    embed = StreamEmbedding(COCO_PARENTS, 2, 8)
    torch.nn.init.normal_(embed.joint.bias)
    x = torch.randn(4, 17, 5)
    x[..., -1] = torch.rand(4, 17)
    expected = linear(embed.joint, arr(x)[..., :2]) * arr(x)[..., -1:]
    np.testing.assert_allclose(arr(embed(x)[0]), expected, atol=1e-5)


@pytest.mark.parametrize("value", [1e30, float("nan"), float("inf")])
def test_an_absent_joint_embeds_to_zero_whatever_it_says(value: float) -> None:
    embed = StreamEmbedding(COCO_PARENTS, 2, 8)
    torch.nn.init.normal_(embed.bone.bias)
    x = torch.randn(2, 17, 5)
    x[..., -1] = 1
    x[:, 11] = torch.tensor([value, value, value, value, 0.0])  # left hip: bones of the knee and of itself vanish
    joint, bone, velocity = embed(x)
    assert joint[:, 11].abs().sum() == velocity[:, 11].abs().sum() == 0
    assert bone[:, 11].abs().sum() == bone[:, 13].abs().sum() == 0
    assert all(e.isfinite().all() for e in (joint, bone, velocity))
    assert (bone[:, 12] != 0).any()
