"""The convolutional network that teaches SkeleFormer."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from small_networks import random_features

from core.errors import WeightsError
from skeleformer import SkeleFormerConfig
from skeleformer.baselines.ddnet import DDNet


@pytest.fixture
def net() -> DDNet:
    return DDNet(5, width=8).eval()


@pytest.mark.parametrize("frames", [1, 4, 9, 32])
def test_any_length_and_number_of_people(net: DDNet, frames: int) -> None:
    x = random_features(SkeleFormerConfig(), frames=frames)
    assert net(x).shape == (2, 5)
    torch.testing.assert_close(net(x), net(x.flip(1)))


def test_an_absent_person_never_changes_the_output_and_an_absent_joint_is_none_in_the_middle(net: DDNet) -> None:
    x = random_features(SkeleFormerConfig(), people=1)
    x[..., :4] *= x[..., 4:] > 0  # as the pre-processing leaves it
    beside = torch.cat([x, torch.zeros_like(x)], 1)
    torch.testing.assert_close(net(beside), net(x))
    x[:, :, :, 9] = 0
    without = net(x)
    x[:, :, :, 9, 4] = 0.5  # the same joint in the middle, seen
    assert not torch.allclose(net(x), without)


def test_a_saved_network_comes_back_with_its_words(net: DDNet, tmp_path: Path) -> None:
    net.save_pretrained(tmp_path / "t.safetensors", ("a", "b", "c", "d", "e"))
    again, words = DDNet.from_pretrained(tmp_path / "t.safetensors")
    x = random_features(SkeleFormerConfig())
    torch.testing.assert_close(again(x), net(x), atol=0.02, rtol=0.02)  # half precision in the file
    assert words == ("a", "b", "c", "d", "e")


def test_another_architecture_is_refused(tmp_path: Path, net: DDNet) -> None:
    from skeleformer import SkeleFormer

    path = tmp_path / "s.safetensors"
    SkeleFormer(SkeleFormerConfig(width=8, spatial_layers=0, temporal_layers=0)).save_pretrained(path)
    with pytest.raises(WeightsError, match="is no DD-Net"):
        DDNet.from_pretrained(path)
    net.save_pretrained(path, ("a",))
    with pytest.raises(WeightsError, match="is no SkeleFormer"):
        SkeleFormer.from_pretrained(path)
