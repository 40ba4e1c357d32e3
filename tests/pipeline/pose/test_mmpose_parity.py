"""What runs without mmpose gives what mmpose gives: crops to the bit, decoding, and whole models on real pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import engines
from core.skeleton import MIRROR
from core.types import Frame
from engines.export_pose import export_model
from pipeline.pose.openmmlab.affine import centers_and_scales, crop, crop_matrix
from pipeline.pose.openmmlab.heatmap import decode_heatmaps, unflip_heatmaps
from pipeline.pose.openmmlab.mmpose import BoxModel, OneStageModel
from pipeline.pose.openmmlab.onestage import OneStage
from pipeline.pose.openmmlab.rtmpose import CropNetwork
from pipeline.pose.openmmlab.simcc import decode_simcc
from tests.openmmlab import PICTURES, boxes_on, picture, random_model

pytestmark = [pytest.mark.mmpose, pytest.mark.filterwarnings("ignore:::(mmpose|torch)")]

SIZE = (192, 256)
WORST_PX = 0.1
WHOLEBODY = "rtmpose-t_8xb64-270e_coco-ubody-wholebody-256x192"


@pytest.fixture(scope="module", autouse=True)
def mmpose() -> None:
    from engines.openmmlab.model import import_mmpose

    import_mmpose()


@pytest.mark.parametrize("udp", [False, True])
@pytest.mark.parametrize("size", [(192, 256), (288, 384), (256, 256)])
def test_crops_are_the_same_to_the_bit(size: tuple[int, int], udp: bool) -> None:
    from mmpose.datasets.transforms import GetBBoxCenterScale, TopdownAffine

    theirs = TopdownAffine(size, use_udp=udp)
    for name in PICTURES:
        image = picture(name)
        boxes = boxes_on(image, 30)
        centers, scales = centers_and_scales(boxes, size, 1.25)
        for box, center, scale in zip(boxes, centers, scales, strict=True):
            wanted = theirs(GetBBoxCenterScale()({"img": image, "bbox": box[None]}))
            np.testing.assert_array_equal(crop(image, crop_matrix(center, scale, size, udp), size), wanted["img"])


def noisy_truth(count: int = 20) -> tuple[np.ndarray, np.random.Generator]:
    """Keypoints (count, 17, 2) in pixels of a crop, some at its very edge, and a generator for noise."""
    random = np.random.default_rng(7)
    keypoints = random.uniform([0, 0], np.array(SIZE) - 1, (count, 17, 2))
    keypoints[0, :4] = [[0, 0], [SIZE[0] - 1, 0], [0, SIZE[1] - 1], [1, 2]]
    return keypoints, random


def test_simcc_decoding_equals_mmpose() -> None:
    from mmpose.codecs import SimCCLabel

    codec = SimCCLabel(input_size=SIZE, sigma=(4.9, 5.66), simcc_split_ratio=2.0, normalize=False)
    truth, random = noisy_truth()
    encoded = [codec.encode(person[None]) for person in truth]
    along_x = np.concatenate([one["keypoint_x_labels"] for one in encoded])
    along_y = np.concatenate([one["keypoint_y_labels"] for one in encoded])
    along_x = along_x + random.normal(0, 0.02, along_x.shape).astype(np.float32)
    along_x[3, 5] = -1  # a keypoint that is nowhere
    wanted, wanted_scores = codec.decode(along_x.copy(), along_y.copy())
    keypoints, scores = decode_simcc(along_x, along_y, 2.0)
    np.testing.assert_array_equal(keypoints, wanted)
    np.testing.assert_array_equal(scores, wanted_scores)
    seen = scores > 0.5
    assert np.abs(keypoints - truth)[seen].max() < 4  # the noise moves a maximum by a few bins at most


@pytest.mark.parametrize(
    ("refine", "codec_name", "options"),
    [
        ("quarter", "MSRAHeatmap", {"sigma": 2}),
        ("dark", "MSRAHeatmap", {"sigma": 2, "unbiased": True, "blur_kernel_size": 11}),
        ("dark-udp", "UDPHeatmap", {"sigma": 2, "blur_kernel_size": 11}),
        ("dark-udp", "UDPHeatmap", {"sigma": 3, "blur_kernel_size": 17}),
    ],
)
def test_heatmap_decoding_equals_mmpose(refine: str, codec_name: str, options: dict) -> None:
    import mmpose.codecs

    codec = getattr(mmpose.codecs, codec_name)(input_size=SIZE, heatmap_size=(48, 64), **options)
    truth, random = noisy_truth()
    heatmaps = np.stack([codec.encode(person[None])["heatmaps"] for person in truth])
    heatmaps = heatmaps + random.normal(0, 0.005, heatmaps.shape).astype(np.float32)
    heatmaps[2, 3] = -heatmaps[2, 3].clip(1e-6)  # a keypoint that is nowhere
    wanted = [codec.decode(person.copy()) for person in heatmaps]
    keypoints, scores = decode_heatmaps(heatmaps, SIZE, refine=refine, blur=options.get("blur_kernel_size", 11))
    seen = np.concatenate([score for _, score in wanted]) > 0  # elsewhere DARK divides by a curvature of nothing
    np.testing.assert_allclose(keypoints[seen], np.concatenate([points for points, _ in wanted])[seen], atol=0.02)
    np.testing.assert_array_equal(scores, np.concatenate([score for _, score in wanted]))


@pytest.mark.parametrize("shift", [False, True])
def test_mirrored_heatmaps_equal_mmpose(shift: bool) -> None:
    import torch
    from mmpose.models.utils.tta import flip_heatmaps

    heatmaps = np.random.default_rng(0).random((2, 17, 6, 5)).astype(np.float32)
    wanted = flip_heatmaps(torch.from_numpy(heatmaps.copy()), flip_indices=MIRROR.tolist(), shift_heatmap=shift)
    np.testing.assert_array_equal(unflip_heatmaps(heatmaps, MIRROR, shift), wanted.numpy())


@pytest.mark.parametrize("name", ["rtmpose-t", "rtmpose-t-halpe26", WHOLEBODY, "hrnet-w32"])
def test_exported_crop_model_equals_mmpose_on_pictures(name: str, tmp_path: Path) -> None:
    model = random_model(name)
    path = tmp_path / f"{name}.onnx"
    card, _ = export_model(model, path)
    network = engines.load(path, backend="onnx-cpu")
    for flip_test in (False, True):
        ours = CropNetwork(network, card, name, flip_test=flip_test)
        theirs = BoxModel(model, name, flip_test=flip_test)
        for shown in PICTURES:
            image = picture(shown)
            boxes = boxes_on(image, 3)
            keypoints, scores = ours.keypoints_in(image, boxes)
            wanted, wanted_scores = theirs.keypoints_in(image, boxes)
            assert np.abs(keypoints - wanted).max() <= WORST_PX, (shown, flip_test)
            np.testing.assert_allclose(scores, wanted_scores, rtol=1e-2, atol=1e-3)
            assert wanted.std(axis=(0, 1)).min() > 20  # the keypoints are all over the picture, not all in one place


def test_exported_one_stage_model_equals_mmpose_on_pictures(tmp_path: Path) -> None:
    model = random_model("rtmo-t")
    path = tmp_path / "rtmo-t.onnx"
    card, _ = export_model(model, path)
    ours = OneStage(engines.load(path, backend="onnx-cpu"), card, "rtmo-t")
    theirs = OneStageModel(model, "rtmo-t")
    for shown in PICTURES:
        frame = Frame(0, 0.0, picture(shown))
        found, wanted = ours.estimate(frame), theirs.estimate(frame)
        assert len(found) >= 10  # random weights see people everywhere; the export gives the best 32
        for pose, other in zip(found[:10], wanted[:10], strict=True):
            assert pose.score == pytest.approx(other.score, abs=1e-4)
            assert np.abs(pose.keypoints - other.keypoints).max() <= WORST_PX
            assert np.abs(pose.box - other.box).max() <= WORST_PX
            np.testing.assert_allclose(pose.scores, other.scores, atol=1e-3)
