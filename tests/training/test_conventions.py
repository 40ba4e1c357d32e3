"""Annotation files as other programs write them: recognised and converted with a notice, or refused in one sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UserError
from tests.training.test_data import annotation, write
from training.data.clips import Clip
from training.data.conventions import learnable, people_first, to_pixels
from training.data.datasets import load_dataset
from training.task import own_task

SIZE = (480, 640)  # height, width
RNG = np.random.default_rng(3)
BODY = RNG.uniform(40, 400, (1, 12, 17, 2)).astype(np.float32)


def one(**changes):
    return annotation() | {"keypoint": BODY, "keypoint_score": np.full((1, 12, 17), 0.9), "img_shape": SIZE} | changes


def load(tmp_path: Path, *annotations):
    names = [a["frame_dir"] for a in annotations]
    return load_dataset(write(tmp_path / "own.pkl", annotations=list(annotations), split={"train": names}))


def test_a_joint_at_the_origin_is_absent_whatever_its_score(tmp_path, caplog):
    holes = BODY.copy()
    holes[:, :, 9] = 0
    (clip,) = load(tmp_path, one(keypoint=holes)).clips
    assert not clip.scores[:, :, 9].any()
    assert np.allclose(np.delete(clip.scores, 9, axis=2), 0.9, atol=1e-3)
    assert "1 of its 1 clips have joints at (0, 0) with a score" in caplog.text


def test_zeros_are_absent_where_there_are_no_scores(tmp_path, caplog):
    holes = BODY.copy()
    holes[:, 3:5] = 0
    (clip,) = load(tmp_path, one(keypoint=holes, keypoint_score=None)).clips
    assert not clip.scores[:, 3:5].any()
    assert clip.scores[:, :3].all()
    assert not caplog.records


def test_the_origin_of_a_room_is_a_place(tmp_path):
    body = RNG.normal(0, 0.5, (1, 12, 17, 3)).astype(np.float32)
    body[:, :, 11] = 0  # a root-centred skeleton
    body[:, 4] = 0  # a frame without anybody
    (clip,) = load(tmp_path, one(keypoint=body, keypoint_score=None)).clips
    assert clip.scores[0, 3].all()
    assert not clip.scores[0, 4].any()


@pytest.mark.parametrize("centred", [False, True])
def test_normalised_coordinates_become_pixels(tmp_path, caplog, centred):
    unit = BODY / np.array(SIZE[::-1], np.float32)
    (clip,) = load(tmp_path, one(keypoint=unit * 2 - 1 if centred else unit)).clips
    assert np.allclose(clip.keypoints, BODY, atol=0.05)
    assert "normalised (-1 to 1)" in caplog.text if centred else "normalised (0 to 1)" in caplog.text


def test_normalised_coordinates_without_a_picture_size_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"normalised .* no 'img_shape'"):
        load(tmp_path, one(keypoint=BODY / 1000, img_shape=None))


def test_somebody_far_off_in_pixels_is_left_alone(tmp_path):
    far = one(frame_dir="a", keypoint=BODY / 200)  # two pixels tall
    near = one(frame_dir="b")
    assert np.allclose(load(tmp_path, far, near).clips[0].keypoints, BODY / 200, atol=1e-3)


def clip_of_scores(scores, name="a", label=0):
    keypoints = np.broadcast_to(BODY, (len(scores), 12, 17, 2)) * (scores > 0)[..., None]
    return Clip(name, label, keypoints.astype(np.float32), scores.astype(np.float32), np.arange(12) / 15)


@given(st.lists(st.booleans(), min_size=1, max_size=5))
def test_people_who_are_seen_stand_first_in_their_order(seen):
    scores = np.stack([np.full((12, 17), 0.1 * (i + 1) if here else 0.0) for i, here in enumerate(seen)])
    order = [round(float(s[0, 0]) * 10) - 1 for s in people_first(clip_of_scores(scores)).scores if s.any()]
    assert order == [i for i, here in enumerate(seen) if here]


def test_a_clip_of_nobody_is_skipped_and_a_class_of_nobody_refused(tmp_path, caplog):
    somebody, nobody = clip_of_scores(np.ones((1, 12, 17))), clip_of_scores(np.zeros((1, 12, 17)), "nobody")
    assert learnable("mine", [somebody, nobody], ["wave"]) == (somebody,)
    assert "nobody is seen in 1 of its clips, which are skipped: nobody" in caplog.text
    with pytest.raises(UserError, match="nobody is seen in any training clip of 'clap'"):
        learnable("mine", [somebody, replace(nobody, label=1)], ["wave", "clap"])


def test_training_refuses_a_class_of_nobody(tmp_path, caplog):
    empty = one(frame_dir="clap/a", label=1, keypoint=np.zeros_like(BODY), keypoint_score=np.zeros((1, 12, 17)))
    path = write(tmp_path / "own.pkl", annotations=[one(), empty], split={"train": [one()["frame_dir"], "clap/a"]})
    with pytest.raises(UserError, match="nobody is seen"):
        own_task(path, "train", None, 1, 16)
    assert "nobody is seen in any clip of 'clap'" in caplog.text


def test_pixels_stay_the_same_object_of_numbers():
    clip = clip_of_scores(np.ones((1, 12, 17)))
    assert to_pixels("file", [clip], [{}]) == (clip,)


def test_triples_of_x_y_and_score_are_parted(tmp_path, caplog):
    scores = RNG.uniform(0, 1, (1, 12, 17, 1)).astype(np.float32)
    given = one(keypoint=np.concatenate([BODY, scores], axis=-1), keypoint_score=None)
    (clip,) = load(tmp_path, given).clips
    assert not clip.is_3d
    assert np.allclose(clip.keypoints, BODY)
    assert np.allclose(clip.scores, scores[..., 0])
    assert "taken for the score" in caplog.text


def test_joints_in_space_are_no_triples(tmp_path, caplog):
    body = RNG.uniform(0, 1, (1, 12, 17, 3)).astype(np.float32)
    body[..., 0] += 3  # nobody stands a hundred metres away
    (clip,) = load(tmp_path, one(keypoint=body, keypoint_score=None)).clips
    assert clip.is_3d
    assert not caplog.records


def test_labels_from_one_are_shifted_where_that_is_certain(tmp_path, caplog):
    data = load(tmp_path, one(label=1), one(frame_dir="clap/b", label=2))
    assert [clip.label for clip in data.clips] == [0, 1]
    assert "its labels run from 1 to 2; 1 is taken for 'wave'" in caplog.text
