"""Annotation files: read without running code, and refused with a sentence when they are something else."""

import pickle

import numpy as np
import pytest

from core.errors import UserError
from training.data.datasets import load_dataset
from training.data.pickles import load_plain_pickle
from training.data.vocabulary import LABELS, MERGE, merge_of


class Harmful:
    def __reduce__(self):
        return (open, ("harm.txt", "w"))


def annotation(name="wave/a", label=0, frames=20, people=1):
    rng = np.random.default_rng(len(name) + label)
    return {
        "frame_dir": name, "label": label, "img_shape": (240, 320), "total_frames": frames,
        "fps": 30.0, "keypoint": rng.uniform(50, 200, (people, frames, 17, 2)).astype(np.float16),
        "keypoint_score": np.ones((people, frames, 17), np.float16),
    }  # fmt: skip


def write(path, **changes):
    data = {
        "split": {"train": ["wave/a"], "val": ["clap/b"]}, "label_names": ["wave", "clap"],
        "annotations": [annotation(), annotation("clap/b", 1)],
    } | changes  # fmt: skip
    path.write_bytes(pickle.dumps(data))
    return path


def test_clips_and_splits_come_back(tmp_path):
    data = load_dataset(write(tmp_path / "own.pkl"))
    assert data.label_names == ("wave", "clap")
    (clip,) = data.part("val")
    assert (clip.name, clip.label, clip.keypoints.shape) == ("clap/b", 1, (1, 20, 17, 2))
    assert clip.times_s[-1] == pytest.approx(19 / 30)
    assert len(data.part("all")) == 2


def test_code_in_a_pickle_is_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.pkl").write_bytes(pickle.dumps({"annotations": [Harmful()]}))
    with pytest.raises(UserError, match="open"):
        load_plain_pickle(tmp_path / "bad.pkl")
    assert not (tmp_path / "harm.txt").exists()


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.99])
def test_a_file_that_was_cut_is_told_in_words(tmp_path, kept):
    whole = write(tmp_path / "own.pkl").read_bytes()
    (tmp_path / "own.pkl").write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(UserError, match=r"own\.pkl is no plain annotation pickle: it is damaged, cut short or of"):
        load_dataset(tmp_path / "own.pkl")


@pytest.mark.parametrize(
    "content", [b"", b"text", pickle.dumps([1, 2]), pickle.dumps({"annotations": [{"label": 0}]}), b"\x80\x04\x95\xff"]
)
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "x.pkl").write_bytes(content)
    with pytest.raises(UserError):
        load_dataset(tmp_path / "x.pkl")


def test_missing_file_and_missing_split_are_named(tmp_path):
    with pytest.raises(UserError, match="nowhere"):
        load_dataset(tmp_path / "nowhere.pkl")
    with pytest.raises(UserError, match=r"'test'.*train.*val"):
        load_dataset(write(tmp_path / "own.pkl")).part("test")


def test_numbers_that_are_none_become_absent_joints(tmp_path):
    bad = annotation()
    bad["keypoint"][0, 3, 5] = np.nan
    data = load_dataset(write(tmp_path / "own.pkl", annotations=[bad, annotation("clap/b", 1)]))
    clip = data.part("train")[0]
    assert np.isfinite(clip.keypoints).all()
    assert clip.scores[0, 3, 5] == 0


@pytest.mark.parametrize("dataset", sorted(MERGE))
def test_merge_gives_every_class_its_own_words_or_the_same(dataset):
    groups = set(MERGE[dataset].values())
    words = [w for g in groups for w in g]
    assert len(words) == len(set(words)), "two classes share a word without being the same"
    assert set(words) <= set(LABELS)


def test_merge_finds_a_renamed_file_by_its_classes_and_the_models_own_words():
    assert merge_of("renamed", list(MERGE["kard"])) == merge_of("kard", list(MERGE["kard"]))
    assert merge_of("mine", ["walk", "clap"]) == [(LABELS.index("walk"),), (LABELS.index("clap"),)]
    assert merge_of("mine", ["walk", "fly a kite"]) is None


def test_shared_data_loads_with_its_splits(shared):
    folder = shared / "data"
    expected = {
        "jhmdb_train": ("val", 145),
        "nw_ucla": ("xview_val", 462),
        "kard": ("xsub_val", 270),
        "sbu": ("val", 52),
    }
    for name, (split, count) in expected.items():
        data = load_dataset(folder / f"{name}.pkl")
        clips = data.part(split)
        assert len(clips) == count
        assert merge_of(data.name, list(data.label_names)) is not None
        assert clips[0].keypoints.shape[2] == 17


def test_sensor_faces_look_towards_the_camera(shared):
    """People in front of a sensor face it: the nose is nearer to the camera than the ears."""
    clips = load_dataset(shared / "data" / "kard.pkl").part("xsub_val")
    towards = [
        (c.keypoints[0, :, 0, 2] - c.keypoints[0, :, 3:5, 2].mean(1)).mean() > 0 for c in clips if c.keypoints.any()
    ]
    assert np.mean(towards) > 0.95
