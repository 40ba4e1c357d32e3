"""mmpose models as pose estimators, through the same door as every other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.types import Frame
from engines.openmmlab import needs
from pipeline.pose import PoseError, PoseEstimator, create_pose
from pipeline.pose.openmmlab.mmpose import BoxModel, OneStageModel
from tests.openmmlab import boxes_on, picture, random_model, save_checkpoint

pytestmark = pytest.mark.filterwarnings("ignore:::(mmpose|torch)")


def test_without_mmpose_the_user_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(needs.PACKAGES, "no_such_module_here", "no-such-package")
    with pytest.raises(PoseError, match=r"need no-such-package.*make mmpose"):
        create_pose("mmpose:rtmpose-t", weights="w.pth")


def test_asking_for_another_pose_model_imports_neither_torch_nor_mmpose() -> None:
    code = "import sys, pipeline.pose.openmmlab.mmpose; assert not {'torch', 'mmpose', 'mmengine'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


@pytest.mark.mmpose
@pytest.mark.parametrize("name", ["rtmpose-t", "rtmo-t"])
def test_estimator_from_configuration_and_checkpoint(name: str, tmp_path: Path) -> None:
    weights = save_checkpoint(random_model(name), tmp_path / "epoch_1.pth")
    pose = create_pose(f"mmpose:{name}", weights=weights, person_score=0.0)
    assert isinstance(pose, PoseEstimator)
    people = pose.estimate(Frame(0, 0.0, picture("walkers")))
    assert people
    for one in people:
        assert one.keypoints.shape == (17, 2)
        assert one.keypoints.dtype == one.scores.dtype == one.box.dtype == np.float32
        assert one.scores.min() >= 0
        assert one.scores.max() <= 1
    assert [one.score for one in people] == sorted((one.score for one in people), reverse=True)
    pose.close()
    pose.close()


@pytest.mark.mmpose
def test_a_one_stage_model_that_finds_nobody_gives_an_empty_scene(monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_model("rtmo-t")
    pose = OneStageModel(model, "rtmo-t")
    assert pose.estimate(Frame(0, 0.0, picture("walkers")))
    monkeypatch.setitem(model.test_cfg, "score_thr", 1.1)
    assert pose.estimate(Frame(1, 0.1, picture("walkers"))) == ()


@pytest.mark.mmpose
def test_weights_are_those_of_the_file(tmp_path: Path) -> None:
    """A seed other than the checkpoint's would give other keypoints."""
    image = picture("dancer")
    boxes = boxes_on(image)
    weights = save_checkpoint(random_model("rtmpose-t", seed=3), tmp_path / "w.pth")
    pose = create_pose("mmpose:rtmpose-t", weights=weights, person_score=0.0)
    wanted, _ = BoxModel(random_model("rtmpose-t", seed=3), "rtmpose-t").keypoints_in(image, boxes)
    other, _ = BoxModel(random_model("rtmpose-t"), "rtmpose-t").keypoints_in(image, boxes)
    found, _ = pose._network.keypoints_in(image, boxes)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(found, wanted)
    assert np.abs(found - other).max() > 10


@pytest.mark.mmpose
def test_everybody_in_one_batch_equals_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    model = BoxModel(random_model("rtmpose-t"), "rtmpose-t")
    image = picture("walkers")
    boxes = boxes_on(image)
    runs = []
    backbone = model._model.backbone
    handle = backbone.register_forward_hook(lambda module, inputs, output: runs.append(inputs[0].shape[0]))
    together, scores = model.keypoints_in(image, boxes)
    assert runs == [len(boxes)]
    handle.remove()
    apart = [model.keypoints_in(image, box[None]) for box in boxes]
    assert np.abs(together - np.concatenate([points for points, _ in apart])).max() < 0.1
    np.testing.assert_allclose(scores, np.concatenate([score for _, score in apart]), rtol=1e-3)


@pytest.mark.mmpose
@pytest.mark.parametrize("name", ["rtmpose-t-halpe26", "rtmw-m"])
def test_bigger_sets_are_reduced_to_the_17(name: str) -> None:
    from mmpose.apis import inference_topdown

    model = random_model(name)
    image = picture("runners")
    boxes = boxes_on(image, 2)
    found, _ = BoxModel(model, name).keypoints_in(image, boxes)
    whole = inference_topdown(model, image, boxes)[0].pred_instances.keypoints[0]
    assert len(whole) > 17
    np.testing.assert_array_equal(found[0], whole[:17].astype(np.float32))


@pytest.mark.mmpose
def test_given_boxes_and_shipped_detector(tmp_path: Path) -> None:
    weights = save_checkpoint(random_model("rtmpose-t"), tmp_path / "w.pth")
    pose: Any = create_pose("mmpose:rtmpose-t", weights=weights, person_score=0.0, detect_every_s=0.0)
    image = picture("walkers")
    given = pose.estimate_in(image, np.array([[300, 150, 380, 350]], np.float32))
    assert len(given) == 1
    by_detector = pose.estimate(Frame(0, 0.0, image))
    assert len(by_detector) >= 2  # MoveNet sees several of the walkers


@pytest.mark.mmpose
def test_configuration_file_of_ones_own(tmp_path: Path) -> None:
    config = tmp_path / "mine.py"
    config.write_text(
        "_base_ = 'mmpose::body_2d_keypoint/rtmpose/body8/rtmpose-t_8xb256-420e_body8-256x192.py'\n"
        "model = dict(test_cfg=dict(flip_test=False))\n"
    )
    weights = save_checkpoint(random_model("rtmpose-t"), tmp_path / "w.pth")
    pose: Any = create_pose(f"mmpose:{config}", weights=weights)
    assert pose.estimate_in(picture("dancer"), boxes_on(picture("dancer")))


@pytest.mark.mmpose
def test_what_cannot_work_is_one_sentence(tmp_path: Path) -> None:
    import torch

    weights = save_checkpoint(random_model("rtmpose-t"), tmp_path / "w.pth")
    (tmp_path / "odd.py").write_text("x = 1\n")
    (tmp_path / "broken.py").write_text("model = dict(type=\n")
    (tmp_path / "unknown.py").write_text("model = dict(type='TopdownPoseEstimator', backbone=dict(type='NoSuchNet'))\n")
    hand = "hand_2d_keypoint/rtmpose/hand5/rtmpose-m_8xb256-210e_hand5-256x256.py"
    from engines.openmmlab.config import _shipped_folder

    for spec, options, sentence in (
        ("rtmpose-t", {}, r"needs its weights.*--pose-weights"),
        ("rtmpose-tiny", {"weights": weights}, r"no configuration 'rtmpose-tiny'.*rtmpose-t"),
        (str(tmp_path / "none.py"), {"weights": weights}, "no mmpose configuration"),
        (str(tmp_path / "odd.py"), {"weights": weights}, "is no mmpose configuration"),
        (str(tmp_path / "broken.py"), {"weights": weights}, "is no mmpose configuration"),
        (str(tmp_path / "unknown.py"), {"weights": weights}, "cannot build this model.*NoSuchNet"),
        ("rtmpose-s", {"weights": weights}, "belongs to another model"),
        ("rtmpose-t", {"weights": tmp_path / "none.pth"}, "no weights file"),
        ("rtmpose-t", {"weights": weights, "detector": "yolo"}, "person detector 'yolo' is not known"),
    ):
        with pytest.raises(PoseError, match=f"(?s){sentence}") as caught:
            create_pose(f"mmpose:{spec}", **options)
        assert "\n" not in str(caught.value)
    model = random_model(str(_shipped_folder() / hand))
    with pytest.raises(PoseError, match="finds 21 keypoints and not all of COCO's 17"):
        BoxModel(model, "the hand model")
    if not torch.cuda.is_available():
        with pytest.raises(PoseError, match="finds no NVIDIA GPU"):
            create_pose("mmpose:rtmpose-t", weights=weights, device="cuda:0")


@pytest.mark.mmpose
def test_checkpoint_with_other_objects_needs_the_opt_in(tmp_path: Path) -> None:
    weights = save_checkpoint(random_model("rtmpose-t"), tmp_path / "w.pth", hook=Path("an object"))
    with pytest.raises(PoseError, match="--trust-weights"):
        create_pose("mmpose:rtmpose-t", weights=weights)
    create_pose("mmpose:rtmpose-t", weights=weights, trust_weights=True).close()
