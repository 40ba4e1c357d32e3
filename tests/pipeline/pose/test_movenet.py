"""MoveNet multipose on real pictures: the right joints at the right pixels, whatever the picture's size and shape."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from core.skeleton import COCO_KEYPOINTS
from core.types import Frame, Pose
from pipeline.pose import PoseError, create_pose
from pipeline.pose.movenet.multipose import MoveNetMultipose, decode_multipose
from pipeline.pose.picture import letterbox

# Recorded at the default input size from tests/data; each was checked by eye on the drawn picture.
DANCER = {
    "nose": (186, 148), "left_shoulder": (192, 167), "right_shoulder": (160, 154), "left_elbow": (209, 191),
    "right_elbow": (158, 124), "left_wrist": (228, 212), "right_wrist": (180, 112), "left_hip": (187, 216),
    "right_hip": (164, 215), "left_knee": (212, 252), "right_knee": (133, 242), "left_ankle": (234, 289),
    "right_ankle": (139, 283),
}  # fmt: skip
RUNNERS = [
    {"nose": (263, 114), "left_shoulder": (280, 123), "right_shoulder": (238, 124), "left_elbow": (305, 133),
     "left_wrist": (321, 138), "left_hip": (255, 172), "right_hip": (226, 171), "left_knee": (280, 207),
     "right_knee": (238, 225), "right_ankle": (237, 270)},
    {"nose": (114, 126), "left_shoulder": (138, 131), "right_shoulder": (88, 117), "right_elbow": (60, 109),
     "left_wrist": (172, 179), "right_wrist": (31, 119), "left_hip": (125, 174), "right_hip": (95, 165)},
]  # fmt: skip
SLACK_PX = 4.0

RAISED_ARM = ("right_elbow", "right_wrist")
BODY = {name: point for name, point in DANCER.items() if name not in RAISED_ARM}
"""The joints that stay where they are when the picture gets coarser or loses its colours; the raised arm is hard."""


@pytest.fixture(scope="module")
def movenet():
    estimator = create_pose("movenet-multipose")
    yield estimator
    estimator.close()


@pytest.fixture(scope="module")
def dancer(root: Path) -> np.ndarray:
    return cv2.imread(str(root / "tests/data/dancer.jpg"))


def see(movenet, image: np.ndarray) -> tuple[Pose, ...]:
    return movenet.estimate(Frame(0, 0.0, image))


def assert_joints(pose: Pose, expected: dict[str, tuple[float, float]], slack: float = SLACK_PX) -> None:
    for name, point in expected.items():
        found = pose.keypoints[COCO_KEYPOINTS.index(name)]
        assert np.hypot(*(found - point)) <= slack, f"{name} at {found}, expected {point}"


def test_finds_one_dancer_at_the_recorded_pixels(movenet, dancer):
    poses = see(movenet, dancer)
    assert len(poses) == 1
    assert_joints(poses[0], DANCER)
    assert poses[0].score > 0.5
    assert poses[0].keypoints.dtype == poses[0].scores.dtype == poses[0].box.dtype == np.float32
    assert (poses[0].keypoints.shape, poses[0].scores.shape, poses[0].box.shape) == ((17, 2), (17,), (4,))
    np.testing.assert_allclose(poses[0].box, [117, 107, 247, 301], atol=8)


def test_finds_two_runners_surest_first(movenet, root):
    poses = see(movenet, cv2.imread(str(root / "tests/data/runners.jpg")))
    assert len(poses) == 2
    for pose, expected in zip(poses, RUNNERS, strict=True):
        assert_joints(pose, expected)
    assert poses[0].score >= poses[1].score


@pytest.mark.parametrize(
    ("top", "bottom", "left", "right"),
    [(0, 0, 0, 150), (0, 0, 150, 0), (0, 150, 0, 0), (150, 0, 0, 0), (0, 137, 0, 1), (3, 0, 61, 0)],
    ids=["wide", "wide-right", "portrait", "portrait-low", "odd-portrait", "odd-wide"],
)
def test_padding_moves_the_pose_and_nothing_else(movenet, dancer, top, bottom, left, right):
    image = cv2.copyMakeBorder(dancer, top, bottom, left, right, cv2.BORDER_REPLICATE)
    poses = see(movenet, image)
    moved = {name: (x + left, y + top) for name, (x, y) in BODY.items()}
    assert len(poses) == 1
    assert_joints(poses[0], moved, slack=14.0)  # the input is coarser where the picture is larger


@pytest.mark.parametrize("size", [(175, 175), (351, 347), (1001, 999), (2160, 2160)])
def test_pixels_follow_the_size_of_the_frame(movenet, dancer, size):
    poses = see(movenet, cv2.resize(dancer, size, interpolation=cv2.INTER_AREA))
    factor = np.array(size) / dancer.shape[1::-1]
    scaled = {name: tuple(np.multiply(point, factor)) for name, point in BODY.items()}
    assert len(poses) == 1
    assert_joints(poses[0], scaled, slack=7.0 * factor.max())


def test_4k_frame(movenet, dancer):
    frame = np.full((2160, 3840, 3), 127, np.uint8)
    frame[:, 900:3060] = cv2.resize(dancer, (2160, 2160))
    poses = see(movenet, frame)
    torso = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
    scaled = {name: (DANCER[name][0] * 2160 / 350 + 900, DANCER[name][1] * 2160 / 350) for name in torso}
    assert len(poses) == 1
    assert_joints(poses[0], scaled, slack=60.0)


@pytest.mark.parametrize("shape", [(1, 1), (1, 640), (640, 1), (2, 3), (7, 1999)])
def test_tiny_and_thin_frames_are_empty_scenes(movenet, shape):
    assert see(movenet, np.full((*shape, 3), 90, np.uint8)) == ()


def test_empty_scene_has_nobody(movenet, dancer):
    assert see(movenet, np.zeros((480, 640, 3), np.uint8)) == ()
    grass = cv2.resize(dancer[300:, :110], (640, 480))
    assert see(movenet, grass) == ()


def test_grey_pictures_work_in_every_layout(movenet, dancer):
    grey = cv2.cvtColor(dancer, cv2.COLOR_BGR2GRAY)
    flat, column = see(movenet, grey), see(movenet, grey[..., None])
    stacked = see(movenet, np.dstack([grey] * 3))
    assert len(flat) == 1
    assert_joints(flat[0], BODY, slack=10.0)
    for other in (column, stacked):
        np.testing.assert_array_equal(flat[0].keypoints, other[0].keypoints)


def test_channel_order_is_bgr(movenet, dancer):
    right, swapped = see(movenet, dancer), see(movenet, dancer[..., ::-1])
    alpha = see(movenet, np.dstack([dancer, np.full(dancer.shape[:2], 255, np.uint8)]))
    np.testing.assert_array_equal(right[0].keypoints, alpha[0].keypoints)
    assert not swapped or np.abs(right[0].scores - swapped[0].scores).max() > 1e-3


def test_letterbox_sizes_and_factors():
    for height, width in [(480, 640), (640, 480), (1, 1), (1080, 1920), (333, 77), (9, 4000)]:
        picture, factors = letterbox(np.full((height, width, 3), 200, np.uint8), 256)
        _, h, w, _ = picture.shape
        assert picture.dtype == np.int32
        assert (max(h, w), h % 32, w % 32) == (256, 0, 0)
        filled = (picture[0, ..., 0] == 200).nonzero()
        np.testing.assert_allclose(factors[0] * (filled[1].max() + 1) / w, width, rtol=1e-5)
        np.testing.assert_allclose(factors[1] * (filled[0].max() + 1) / h, height, rtol=1e-5)


def test_decode_reads_the_published_layout():
    table = np.zeros((1, 6, 56), np.float32)
    table[0, 3, 0:51:3], table[0, 3, 1:51:3], table[0, 3, 2:51:3] = np.linspace(0, 1, 17), 0.25, 0.9
    table[0, 3, 51:56] = 0.1, 0.2, 0.3, 0.4, 0.8
    table[0, 5, 55] = np.nan
    (pose,) = decode_multipose(table, np.float32([640, 480]), np.float32([10, 20]), 0.2)
    np.testing.assert_allclose(pose.keypoints[:, 0], 170)
    np.testing.assert_allclose(pose.keypoints[[0, 16], 1], [20, 500])
    np.testing.assert_allclose(pose.box, [138, 68, 266, 164], rtol=1e-6)
    assert pose.score == pytest.approx(0.8)
    assert pose.scores == pytest.approx(0.9)


def test_what_the_network_leaves_undefined_is_absent():
    table = np.zeros((1, 6, 56), np.float32)
    table[0, :2, :51].reshape(2, 17, 3)[:] = [0.5, 0.25, 0.8]
    table[0, :2, 51:] = [0.2, 0.1, 0.8, 0.4, 0.9]
    table[0, 0, 3 * 7 + 2] = np.nan  # the left elbow's score
    table[0, 1, 52] = np.nan  # a side of the second box
    (pose,) = decode_multipose(table, np.array([640, 480], np.float32), np.zeros(2, np.float32), 0.2)
    assert np.flatnonzero(pose.scores == 0).tolist() == [7]
    np.testing.assert_allclose(pose.keypoints, [[160, 240]] * 17)


def test_wrong_options_are_one_sentence():
    with pytest.raises(PoseError, match="multiple of 32, not 250"):
        MoveNetMultipose(long_side=250)
    with pytest.raises(PoseError, match="'openpose' is not known"):
        create_pose("openpose")


def test_missing_and_broken_model_files(monkeypatch, tmp_path):
    monkeypatch.setattr("pipeline.pose.movenet.multipose.model_path", lambda name: tmp_path / name)
    with pytest.raises(PoseError, match=r"movenet-multipose\.onnx is missing"):
        MoveNetMultipose()
    (tmp_path / "movenet-multipose.onnx").write_bytes(b"not a network")
    with pytest.raises(PoseError, match="cannot be loaded"):
        MoveNetMultipose()


def test_use_after_close_is_an_error(dancer):
    estimator = MoveNetMultipose()
    estimator.close()
    estimator.close()
    with pytest.raises(PoseError, match="closed"):
        see(estimator, dancer)
