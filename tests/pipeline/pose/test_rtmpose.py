"""RTMPose, RTMDet, YOLOX and RTMO files as they are published: what goes in, what comes out, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx_pose_models import detector_model, one_stage_model, simcc_model

from core.errors import EngineError
from core.skeleton import COCO_KEYPOINTS, MIRROR
from core.types import Frame, Pose
from engines.network import TensorSpec
from engines.pose_card import PoseCard
from pipeline.pose import PoseError, create_pose
from pipeline.pose.openmmlab.affine import centers_and_scales, crop_matrix, to_image
from pipeline.pose.openmmlab.detector import create_detector
from pipeline.pose.openmmlab.published import card_of, load_network
from pipeline.pose.openmmlab.rtmpose import CropNetwork
from pipeline.pose.openmmlab.simcc import decode_simcc, unflip_simcc
from pipeline.pose.openmmlab.topdown import TopDown


def spot(x: int, y: int, width: int = 640, height: int = 480) -> np.ndarray:
    """A dark picture with a bright spot of 5 x 5 pixels around (x, y)."""
    image = np.full((height, width, 3), 20, np.uint8)
    image[y - 2 : y + 3, x - 2 : x + 3] = 250
    return image


class FixedBoxes:
    """A detector that always sees the same boxes, and counts how often it is asked."""

    def __init__(self, *boxes: tuple[float, float, float, float]) -> None:
        self.boxes = np.array(boxes, np.float32).reshape(-1, 4)
        self.calls = 0
        self.closed = False

    def detect(self, image: np.ndarray) -> np.ndarray:
        self.calls += 1
        return self.boxes

    def close(self) -> None:
        self.closed = True


class Figure:
    """A network that always finds the same figure, around ``x``."""

    x = 100.0
    closed = False

    def keypoints_in(self, image: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        spread = np.stack([np.linspace(-20, 20, 17), np.linspace(-60, 60, 17)], axis=1)
        return np.repeat((spread + np.array([self.x, 200]))[None], len(boxes), axis=0), np.full((len(boxes), 17), 0.8)

    def close(self) -> None:
        self.closed = True


def crop_network(path: Path, **options: bool) -> CropNetwork:
    network = load_network(path, "onnx-cpu", 1)
    return CropNetwork(network, card_of(network, path.name), path.name, **options)


def test_published_file_finds_the_spot_in_every_box(tmp_path: Path) -> None:
    network = crop_network(simcc_model(tmp_path / "rtmpose.onnx"))
    boxes = np.array([[200, 100, 300, 300], [150, 50, 400, 400], [250, 180, 300, 240]], np.float32)
    keypoints, scores = network.keypoints_in(spot(270, 200), boxes)
    assert keypoints.shape == (3, 17, 2)
    np.testing.assert_allclose(keypoints, np.broadcast_to([270, 200], keypoints.shape), atol=3.5)
    assert scores.shape == (3, 17)


@pytest.mark.parametrize("batch", [1, 4])
def test_fixed_batch_is_filled_and_split(tmp_path: Path, batch: int) -> None:
    boxes = np.array([[200 + 5 * i, 100, 300 + 5 * i, 300] for i in range(6)], np.float32)
    free = crop_network(simcc_model(tmp_path / "free.onnx")).keypoints_in(spot(270, 200), boxes)
    fixed = crop_network(simcc_model(tmp_path / "fixed.onnx", batch=batch)).keypoints_in(spot(270, 200), boxes)
    np.testing.assert_array_equal(free[0], fixed[0])
    np.testing.assert_array_equal(free[1], fixed[1])


@pytest.mark.parametrize(("joints", "works"), [(26, True), (133, True), (21, False), (14, False)])
def test_sets_of_keypoints(tmp_path: Path, joints: int, works: bool) -> None:
    path = simcc_model(tmp_path / "model.onnx", joints=joints)
    if works:
        keypoints, _ = crop_network(path).keypoints_in(spot(270, 200), np.array([[200, 100, 300, 300]], np.float32))
        assert keypoints.shape == (1, 17, 2)
    else:
        with pytest.raises(PoseError, match=f"finds {joints} keypoints"):
            crop_network(path)


def test_other_input_sizes_are_read_from_the_file(tmp_path: Path) -> None:
    network = crop_network(simcc_model(tmp_path / "large.onnx", size=(288, 384)))
    keypoints, _ = network.keypoints_in(spot(270, 200), np.array([[200, 100, 300, 300]], np.float32))
    np.testing.assert_allclose(keypoints[0, 0], [270, 200], atol=3)


def test_flip_test_of_a_symmetric_network_changes_little(tmp_path: Path) -> None:
    path = simcc_model(tmp_path / "model.onnx")
    boxes = np.array([[200, 100, 300, 300]], np.float32)
    plain, _ = crop_network(path).keypoints_in(spot(270, 200), boxes)
    flipped, _ = crop_network(path, flip_test=True).keypoints_in(spot(270, 200), boxes)
    assert np.abs(plain - flipped).max() < 4


def test_whole_frame_through_create_pose(tmp_path: Path) -> None:
    detector = detector_model(tmp_path / "rtmdet_nano.onnx")
    pose = create_pose(f"rtmpose:{simcc_model(tmp_path / 'm.onnx')}", detector=str(detector), backend="onnx-cpu")
    image = spot(270, 200)
    found = pose.estimate(Frame(0, 0.0, image))
    assert len(found) == 1
    np.testing.assert_allclose(found[0].keypoints, np.broadcast_to([270, 200], (17, 2)), atol=2)
    assert found[0].scores.max() <= 1
    assert pose.estimate(Frame(1, 5.0, np.full((480, 640, 3), 20, np.uint8))) == ()
    pose.close()
    pose.close()


def test_detector_box_is_in_image_pixels(tmp_path: Path) -> None:
    image = np.full((720, 1280, 3), 20, np.uint8)
    image[100:500, 300:480] = 250
    detector = create_detector(str(detector_model(tmp_path / "rtmdet_m.onnx")), backend="onnx-cpu")
    boxes = detector.detect(image)
    np.testing.assert_allclose(boxes, [[300, 100, 480, 500]], atol=5)  # one pixel of the network is four of the picture


def test_yolox_gets_plain_pixels(tmp_path: Path) -> None:
    image = np.full((480, 640, 3), 20, np.uint8)
    image[100:300, 200:400] = 200
    path = detector_model(tmp_path / "yolox_tiny.onnx", threshold=150)  # no normalised value is as high
    np.testing.assert_allclose(create_detector(str(path)).detect(image), [[200, 100, 400, 300]], atol=3)
    other = path.rename(tmp_path / "people.onnx")
    np.testing.assert_allclose(create_detector(f"yolox:{other}").detect(image), [[200, 100, 400, 300]], atol=3)


@pytest.mark.skipif(sys.platform == "win32", reason="no colons in names there")
def test_a_colon_in_the_path_belongs_to_the_path(tmp_path: Path) -> None:
    image = np.full((480, 640, 3), 20, np.uint8)
    image[100:300, 200:400] = 200
    path = detector_model(tmp_path / "C:people.onnx", threshold=150)
    np.testing.assert_allclose(create_detector(f"yolox:{path}").detect(image), [[200, 100, 400, 300]], atol=3)


def test_a_drive_letter_is_not_lost() -> None:
    with pytest.raises(PoseError, match=r"no model file C:\\models\\person\.onnx"):
        create_detector(r"yolox:C:\models\person.onnx")


def test_files_in_the_users_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    simcc_model(tmp_path / "m.onnx")
    detector_model(tmp_path / "det.onnx")
    pose = create_pose("rtmpose:~/m.onnx", detector="~/det.onnx", backend="onnx-cpu")
    assert len(pose.estimate(Frame(0, 0.0, spot(270, 200)))) == 1


def test_a_detector_that_cannot_be_used_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Odd:
        inputs = outputs = (TensorSpec("dets", np.dtype(np.float32), (1, 320)),)
        closed = False

        def close(self) -> None:
            self.closed = True

    network = Odd()
    monkeypatch.setattr("pipeline.pose.openmmlab.detector.load_network", lambda path, backend, threads: network)
    with pytest.raises(PoseError, match="takes one picture"):
        create_detector("people.onnx")
    assert network.closed


def test_boxes_of_other_classes_are_left_out(tmp_path: Path) -> None:
    image = np.full((480, 640, 3), 20, np.uint8)
    image[100:300, 200:400] = 250
    assert len(create_detector(str(detector_model(tmp_path / "cars.onnx", label=2))).detect(image)) == 0


def test_one_stage_file(tmp_path: Path) -> None:
    joints = np.stack([np.linspace(100, 200, 17), np.linspace(100, 400, 17), np.full(17, 0.8)], axis=1).ravel()
    people = np.array([[100, 100, 200, 400, 0.7, *joints], [103, 98, 201, 402, 0.6, *(joints + 1)],
                       [400, 100, 500, 400, 0.9, *joints], [0, 0, 20, 20, 0.01, *joints]])  # fmt: skip
    pose = create_pose(f"rtmpose:{one_stage_model(tmp_path / 'rtmo.onnx', people)}", backend="onnx-cpu")
    found = pose.estimate(
        Frame(0, 0.0, np.zeros((640, 1280, 3), np.uint8))
    )  # two pixels of the picture are one of the network
    assert [pose.score for pose in found] == pytest.approx([0.957, 0.757], abs=1e-3)  # the mean of the picture is 57
    np.testing.assert_allclose(
        found[1].box, [200, -120, 400, 480], atol=0.01
    )  # grey bars of 160 pixels above and below
    np.testing.assert_allclose(found[1].keypoints[0], [200, -120], atol=0.01)
    np.testing.assert_allclose(found[1].keypoints[-1], [400, 480], atol=0.01)
    np.testing.assert_allclose(found[1].scores, 0.8, atol=1e-6)


def test_a_joint_that_a_one_stage_network_leaves_undefined_is_absent(tmp_path: Path) -> None:
    joints = np.column_stack([np.linspace(100, 200, 17), np.linspace(100, 400, 17), np.full(17, 0.8)])
    joints[3, 2], joints[4, 0] = np.nan, np.inf
    people = np.array([[100, 100, 200, 400, 0.7, *joints.ravel()], [300, np.nan, 400, 400, 0.9, *joints.ravel()]])
    pose = create_pose(f"rtmpose:{one_stage_model(tmp_path / 'rtmo.onnx', people)}", backend="onnx-cpu")
    (found,) = pose.estimate(Frame(0, 0.0, np.zeros((640, 640, 3), np.uint8)))
    assert_absent(found, (3, 4))


def assert_absent(pose: Pose, absent: tuple[int, ...]) -> None:
    """These joints have no score, the others do, and all lie within the body."""
    assert np.flatnonzero(pose.scores == 0).tolist() == list(absent)
    others = np.delete(pose.keypoints, absent, axis=0)
    assert (pose.keypoints >= others.min(axis=0)).all()
    assert (pose.keypoints <= others.max(axis=0)).all()
    assert np.isfinite(pose.box).all()


def test_a_joint_that_a_crop_network_leaves_undefined_is_absent() -> None:
    class Astray(Figure):
        def keypoints_in(self, image: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            keypoints, scores = super().keypoints_in(image, boxes)
            keypoints[:, 5], scores[:, 6] = np.nan, np.inf
            return keypoints, scores

    pose = TopDown(Astray(), FixedBoxes((60, 100, 140, 300)), detect_every_s=10)
    for index in range(3):
        (found,) = pose.estimate(Frame(index, index / 10, np.zeros((480, 640, 3), np.uint8)))
        assert_absent(found, (5, 6))


def test_files_that_cannot_work_are_one_sentence(tmp_path: Path) -> None:
    detector = detector_model(tmp_path / "det.onnx")
    simcc = simcc_model(tmp_path / "pose.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"not a network")
    for spec, options, sentence in (
        (f"rtmpose:{tmp_path / 'none.onnx'}", {}, "no model file"),
        (f"rtmpose:{tmp_path / 'bad.onnx'}", {}, "cannot be read"),
        (f"rtmpose:{detector}", {}, "finds boxes, not keypoints"),
        (f"rtmpose:{simcc}", {"detector": str(simcc)}, "gives dets"),
        (f"rtmpose:{simcc}", {"detector": "yolov9"}, "person detector 'yolov9' is not known"),
        (f"rtmpose:{simcc}", {"weights": "w.pth"}, "Weights belong to an mmpose model"),
        ("rtmpose:", {}, "not known"),
    ):
        with pytest.raises(PoseError, match=sentence) as caught:
            create_pose(spec, **options)
        assert "\n" not in str(caught.value)


def test_detector_runs_at_its_interval_and_boxes_follow_the_body() -> None:
    network, detector = Figure(), FixedBoxes((60, 100, 140, 300))
    pose = TopDown(network, detector, detect_every_s=0.5)
    image = np.zeros((480, 640, 3), np.uint8)
    for step in range(11):  # a second at 10 frames a second
        network.x = 100 + 10.0 * step
        (found,) = pose.estimate(Frame(step, step / 10, image))
        centre = (found.box[0] + found.box[2]) / 2
        assert abs(centre - network.x) < 1
    assert detector.calls == 3  # at 0, 0.5 and 1 s
    assert pose.estimate_in(image, np.zeros((0, 4), np.float32)) == ()
    pose.close()
    assert detector.closed
    assert network.closed


def test_time_that_jumps_back_asks_the_detector_again() -> None:
    detector = FixedBoxes((60, 100, 140, 300))
    pose = TopDown(Figure(), detector, detect_every_s=10)
    calls = []
    for index, time_s in enumerate((0.0, 0.1, -5.0, -4.9)):
        assert pose.estimate(Frame(index, time_s, np.zeros((480, 640, 3), np.uint8)))
        calls.append(detector.calls)
    assert calls == [1, 1, 2, 2]


def test_nobody_in_view_asks_the_detector_again() -> None:
    class Nobody:
        def keypoints_in(self, image: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return np.zeros((len(boxes), 17, 2)), np.full((len(boxes), 17), 0.05)

        def close(self) -> None:
            pass

    detector = FixedBoxes((0, 0, 10, 10))
    pose = TopDown(Nobody(), detector, detect_every_s=10)
    image = np.zeros((48, 64, 3), np.uint8)
    for index in range(4):
        assert pose.estimate(Frame(index, index / 10, image)) == ()
    assert detector.calls == 4


def test_two_boxes_on_one_body_give_one_pose() -> None:
    detector = FixedBoxes((60, 100, 140, 300), (65, 105, 145, 295))
    assert len(TopDown(Figure(), detector).estimate(Frame(0, 0.0, spot(100, 200)))) == 1


def test_simcc_decoding_by_hand() -> None:
    along_x = np.zeros((1, 3, 8), np.float32)
    along_y = np.zeros((1, 3, 12), np.float32)
    along_x[0, 0, 5], along_y[0, 0, 7] = 0.9, 0.4
    along_x[0, 1, 2], along_y[0, 1, 11] = 0.3, 0.6
    keypoints, scores = decode_simcc(along_x, along_y, 2.0)
    np.testing.assert_allclose(keypoints[0], [[2.5, 3.5], [1, 5.5], [-0.5, -0.5]])
    np.testing.assert_allclose(scores[0], [0.4, 0.3, 0])


def test_mirror_is_its_own_inverse() -> None:
    random = np.random.default_rng(0)
    along_x, along_y = random.random((2, 17, 8)), random.random((2, 17, 12))
    twice = unflip_simcc(*unflip_simcc(along_x, along_y, MIRROR), MIRROR)
    np.testing.assert_array_equal(twice[0], along_x)
    np.testing.assert_array_equal(twice[1], along_y)
    assert COCO_KEYPOINTS[MIRROR[COCO_KEYPOINTS.index("left_wrist")]] == "right_wrist"
    assert MIRROR[0] == 0


@pytest.mark.parametrize("size", [(192, 256), (256, 256), (288, 384)])
def test_crop_and_back_is_the_identity(size: tuple[int, int]) -> None:
    random = np.random.default_rng(3)
    corners = random.uniform(-50, 500, (20, 2))
    boxes = np.concatenate([corners, corners + random.uniform(5, 300, (20, 2))], axis=1).astype(np.float32)
    centers, scales = centers_and_scales(boxes, size, 1.25)
    assert (scales[:, 0] / scales[:, 1]) == pytest.approx(size[0] / size[1], rel=1e-5)
    assert (scales >= 1.25 * (boxes[:, 2:] - boxes[:, :2]) * 0.9999).all()
    points = random.uniform(0, 400, (20, 5, 2))
    matrices = np.stack([crop_matrix(c, s, size, udp=False) for c, s in zip(centers, scales, strict=True)])
    cropped = np.einsum("nij,nkj->nki", matrices[..., :2], points) + matrices[:, None, :, 2]
    np.testing.assert_allclose(to_image(cropped, centers, scales, size), points, atol=0.02)


def test_box_without_area_is_no_crash(tmp_path: Path) -> None:
    network = crop_network(simcc_model(tmp_path / "m.onnx"))
    keypoints, _ = network.keypoints_in(spot(270, 200), np.array([[270, 200, 270, 200]], np.float32))
    assert np.isfinite(keypoints).all()


def test_card_survives_the_file_and_damage_is_refused() -> None:
    card = PoseCard("heatmap", (288, 384), COCO_KEYPOINTS, udp=True, refine="dark-udp", shift_heatmap=True)
    assert PoseCard.from_metadata(card.to_metadata()) == card
    assert PoseCard.from_metadata({}) is None
    for damaged in ("", "[]", "{}", '{"version": 9}', '{"version": 1, "kind": "simcc"}'):
        with pytest.raises(EngineError, match="export it again"):
            PoseCard.from_metadata({"pose": damaged})


def test_nothing_of_this_imports_torch_or_mmpose(tmp_path: Path) -> None:
    path = simcc_model(tmp_path / "m.onnx")
    code = (
        "import sys, numpy as np\n"
        "from pipeline.pose import create_pose\n"
        "from core.types import Frame\n"
        f"pose = create_pose('rtmpose:{path}')\n"
        "pose.estimate(Frame(0, 0.0, np.zeros((240, 320, 3), np.uint8)))\n"
        "assert not {'torch', 'mmpose', 'mmengine', 'mmcv'} & set(sys.modules), sorted(sys.modules)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr


def test_options_of_other_estimators_are_refused() -> None:
    with pytest.raises(PoseError, match="person detector belongs to"):
        create_pose("movenet-multipose", detector="rtmdet.onnx")
    with pytest.raises(PoseError, match="Weights belong to"):
        create_pose("movenet-multipose", trust_weights=True)
