"""2D-to-3D pre-training: head, loss and disturbance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from equations import arr, linear
from small_networks import random_features, small_config

from skeleformer import Lifter, LiftingHead, SkeleFormer, disturb, lifting_loss


def test_head_gives_three_coordinates_a_joint_and_frame() -> None:
    head = LiftingHead(544, 17)
    e = torch.randn(2, 9, 544)
    assert head(e).shape == (2, 9, 17, 3)
    np.testing.assert_allclose(arr(head(e)).reshape(2, 9, 51), linear(head.linear, arr(e)), atol=1e-5)


def test_loss_is_equation_8_over_the_joints() -> None:
    predicted, target = torch.randn(2, 2, 9, 17, 3)
    distance = np.sqrt(((arr(predicted) - arr(target)) ** 2).sum(-1))
    np.testing.assert_allclose(lifting_loss(predicted, target).item(), distance.sum(-1).mean() / 17, rtol=1e-5)
    mask = torch.rand(2, 9, 17) > 0.5
    np.testing.assert_allclose(lifting_loss(predicted, target, mask).item(), distance[mask.numpy()].mean(), rtol=1e-5)
    assert lifting_loss(predicted, target, torch.zeros(2, 9, 17)).item() == 0


def test_lifter_lifts_each_person_and_trains_the_encoder(small: Callable[..., SkeleFormer]) -> None:
    lifter = Lifter(small())
    x = random_features(lifter.encoder.config)
    out = lifter(x)
    assert out.shape == (2, 2, 9, 17, 3)
    lifting_loss(out, torch.randn_like(out)).backward()
    assert all(p.grad is not None for p in lifter.encoder.temporal.parameters())
    assert all(p.grad is None for p in lifter.encoder.head.parameters())


def _undisturbed(frames: int = 400) -> torch.Tensor:
    """Joints that move evenly at 15 frames a second."""
    config = small_config()
    velocity = torch.randn(1, config.joints, 2).expand(frames, -1, -1)
    position = torch.randn(config.joints, 2) * 0.2 + velocity * torch.arange(frames)[:, None, None] / 15
    x = torch.cat([position, velocity, torch.ones(frames, config.joints, 1)], -1)
    x[0, :, 2:4] = 0
    return x


def test_disturbance_hides_fifteen_percent_and_leaves_zeros() -> None:
    x = disturb(_undisturbed(), 15.0, noise=0.0)
    hidden = x[..., -1] == 0
    assert 0.13 < hidden.float().mean() < 0.17
    assert (x[hidden] == 0).all()
    clean = _undisturbed()
    torch.manual_seed(0)
    x = disturb(clean, 15.0, noise=0.0)
    hidden = x[..., -1] == 0
    assert torch.equal(x[..., :2][~hidden], clean[..., :2][~hidden])
    fresh = hidden[:-1] & ~hidden[1:]  # seen now, not a frame ago: nowhere to come from
    assert (x[1:][fresh][:, 2:4] == 0).all()
    both = ~hidden[:-1] & ~hidden[1:]
    assert torch.equal(x[1:][both], clean[1:][both])


def test_noise_has_its_size_and_velocities_follow() -> None:
    clean = _undisturbed()
    x = disturb(clean, 15.0, masked=0.0, noise=0.02)
    shift = x[..., :2] - clean[..., :2]
    assert 0.019 < shift.std() < 0.021
    torch.testing.assert_close(
        x[1:, :, 2:4] - clean[1:, :, 2:4], (shift[1:] - shift[:-1]) * 15, atol=1e-3, rtol=1e-3
    )
    assert (x[0, :, 2:4] == 0).all()


def test_disturbance_is_reproducible() -> None:
    a, b = (disturb(_undisturbed(5), 15.0, generator=torch.Generator().manual_seed(3))[..., -1] for _ in range(2))
    assert torch.equal(a, b)
