"""2D-to-3D pre-training: head and loss."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from equations import arr, linear
from small_networks import random_features

from skeleformer import Lifter, LiftingHead, SkeleFormer, lifting_loss


def test_head_gives_three_coordinates_a_joint_and_frame() -> None:
    head = LiftingHead(544, 17)
    e = torch.randn(2, 9, 544)
    assert head(e).shape == (2, 9, 17, 3)
    np.testing.assert_allclose(arr(head(e)).reshape(2, 9, 51), linear(head.linear, arr(e)), atol=1e-5)


def test_loss_is_equation_8_over_the_joints() -> None:
    predicted, target = torch.randn(2, 2, 9, 17, 3)
    distance = np.sqrt(((arr(predicted) - arr(target)) ** 2).sum(-1))
    np.testing.assert_allclose(lifting_loss(predicted, target).item(), distance.sum(-1).mean() / 17, rtol=1e-5)


def test_lifter_lifts_each_person_and_trains_the_encoder(small: Callable[..., SkeleFormer]) -> None:
    lifter = Lifter(small())
    x = random_features(lifter.encoder.config)
    out = lifter(x)
    assert out.shape == (2, 2, 9, 17, 3)
    lifting_loss(out, torch.randn_like(out)).backward()
    assert all(p.grad is not None for p in lifter.encoder.temporal.parameters())
    assert all(p.grad is None for p in lifter.encoder.head.parameters())
