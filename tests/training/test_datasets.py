"""Annotation files that are not of the expected form are refused in a sentence that names file and clip."""

import numpy as np
import pytest

from core.errors import UserError
from tests.training.test_data import annotation, write
from tests.training.toy import write_clips
from training.__main__ import main
from training.data.datasets import load_dataset
from training.data.faces import to_coco17
from training.task import own_task


def changed(**changes):
    """Two annotations, of which the second is not as it should be."""
    return [annotation(), annotation("clap/b", 1) | changes]


def without(key):
    return [annotation(), {k: v for k, v in annotation("clap/b", 1).items() if k != key}]


def keypoints(*shape):
    return changed(keypoint=np.ones(shape, np.float32), keypoint_score=None)


CLIPS = {
    "a label past the names": (changed(label=2), "its label is 2, but there are 2 classes"),
    "a negative label": (changed(label=-1), "its label is -1"),
    "half a label": (changed(label=0.5), "its label is 0.5"),
    "a label that is a word": (changed(label="clap"), "its label is 'clap', which is no class: classes are numbered"),
    "an endless label": (changed(label=float("inf")), "its label is inf, which is no class"),
    "a label that is nothing": (changed(label=None), "its label is None, which is no class"),
    "no label": (without("label"), "it has no 'label'"),
    "no frames a second": (changed(fps=0), "its fps are 0"),
    "time going backwards": (changed(fps=-30.0), "its fps are -30"),
    "endless frames a second": (changed(fps=float("inf")), "its fps are inf"),
    "frames a second that are no number": (changed(fps=float("nan")), "its fps are nan"),
    "frames a second that are nothing": (changed(fps=None), "its fps are None, which is no number"),
    "an index without frames a second": (
        [annotation(), without("fps")[1] | {"frame_index": list(range(20))}], "it has no 'fps'"
    ),
    "an index of other frames": (changed(frame_index=[0, 1, 2]), r"frame_index has shape \(3,\) for 20 frames"),
    "an index that falls": (changed(frame_index=list(range(20))[::-1]), "rising"),
    "an index of words": (changed(frame_index=["a"] * 20), "its frame_index is no list of numbers"),
    "an index that is no number": (changed(frame_index=[np.nan] * 20), "rising"),
    "nobody": (keypoints(0, 20, 17, 2), "0 people and 20 frames"),
    "no frames": (keypoints(1, 0, 17, 2), "1 people and 0 frames"),
    "no people axis": (keypoints(20, 17, 2), r"shape \(20, 17, 2\)"),
    "one coordinate": (keypoints(1, 20, 17, 1), r"shape \(1, 20, 17, 1\)"),
    "four coordinates": (keypoints(1, 20, 17, 4), r"shape \(1, 20, 17, 4\)"),
    "other joints": (keypoints(1, 20, 25, 3), "25 joints"),
    "no keypoints": (without("keypoint"), "it has no 'keypoint'"),
    "keypoints that are words": (changed(keypoint="none"), "its keypoints are no array of numbers"),
    "keypoints of unlike frames": (
        changed(keypoint=[[[[1, 2]] * 17, [[1, 2]] * 16]]), "its keypoints are no array of numbers"
    ),
    "keypoints without one number": (
        changed(keypoint=np.full((1, 20, 17, 2), np.nan)), "none of its keypoints is a finite number"
    ),
    "keypoints without end": (changed(keypoint=np.full((1, 20, 17, 2), 1e300)), "none of its keypoints is a finite"),
    "scores that are words": (changed(keypoint_score="high"), "its scores are no array of numbers"),
    "scores of other joints": (changed(keypoint_score=np.ones((1, 20, 16))), r"scores have shape \(1, 20, 16\)"),
    "scores of one person for two": (
        changed(keypoint=np.ones((2, 20, 17, 2)), keypoint_score=np.ones((1, 20, 17))), r"shape \(1, 20, 17\)"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CLIPS)
def test_a_clip_of_another_form_is_named_with_its_file(tmp_path, case):
    annotations, said = CLIPS[case]
    path = write(tmp_path / "own.pkl", annotations=annotations)
    with pytest.raises(UserError, match=said) as refused:
        load_dataset(path)
    assert str(refused.value).startswith(f"{path}, clip 'clap/b': ")


FILES = {
    "a list as split": ({"split": ["wave/a"]}, "'split' is no dict"),
    "a name as split": ({"split": {"train": "wave/a"}}, "'split' is no dict of lists"),
    "a number as split": ({"split": {"train": 3}}, "'split' is no dict of lists"),
    "a number of names": ({"label_names": 2}, "'label_names' is no list"),
    "names without an order": ({"label_names": {"wave": 0, "clap": 1}}, "'label_names' is no list"),
    "a name twice": ({"label_names": ["wave", "clap", "wave"]}, "'label_names' has 'wave' more than once"),
    "a name as names": ({"label_names": "wave"}, "'label_names' is no list"),
    "no annotations": ({"annotations": []}, "holds no annotations"),
    "neither annotations nor names": ({"annotations": [], "label_names": None}, "holds no annotations"),
    "an annotation that is none": ({"annotations": [annotation(), [1]]}, "annotation 2 is no dict"),
    "a clip without a name": ({"annotations": without("frame_dir")}, "annotation 2: it has no 'frame_dir'"),
    "a mapping that is a number": ({"to_coco17": 4}, "'to_coco17' is no list"),
    "an array without a length as mapping": ({"to_coco17": np.array(4)}, "'to_coco17' is no list"),
    "a mapping of too few joints": ({"to_coco17": [0] * 16}, "'to_coco17' is no list of 17"),
    "a mapping of words": ({"to_coco17": ["nose"] * 17}, "'to_coco17' is no list of 17"),
    "a mapping of joints that are not there": (
        {"annotations": keypoints(1, 20, 20, 3), "to_coco17": [20] * 17}, "clip 'clap/b': it has 20 joints"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FILES)
def test_a_file_of_another_form_is_named(tmp_path, case):
    changes, said = FILES[case]
    path = write(tmp_path / "own.pkl", **changes)
    with pytest.raises(UserError, match=said) as refused:
        load_dataset(path)
    assert str(refused.value).startswith(str(path))


def test_numbers_that_are_not_finite_are_told_once(tmp_path, caplog):
    """Not a number, without end, a score of neither, and a person who was found in no frame."""
    clips = [annotation(f"wave/{i}") for i in range(4)]
    clips[0]["keypoint"][0, 3, 5, 1] = np.nan
    clips[1]["keypoint"][0, 4] = np.inf
    clips[2]["keypoint_score"][0, 5, 6] = np.inf
    clips[3]["keypoint"][:] = clips[3]["keypoint_score"][:] = 0
    path = write(tmp_path / "own.pkl", annotations=clips)
    data = load_dataset(path)
    (said,) = (record.getMessage() for record in caplog.records if "finite" in record.getMessage())
    assert said.startswith(f"{path}: 3 of its 4 clips have keypoints that are no finite numbers")
    absent = [{tuple(at) for at in np.argwhere(clip.scores[0] == 0).tolist()} for clip in data.clips]
    assert absent[0] == {(3, 5)}
    assert absent[1] == {(4, joint) for joint in range(17)}
    assert absent[2] == {(5, 6)}
    assert not data.clips[3].scores.any(), "nobody is a recording too"
    assert all(np.isfinite(clip.keypoints).all() and np.isfinite(clip.scores).all() for clip in data.clips)


def test_names_in_a_split_that_are_no_clips_are_told(tmp_path, caplog):
    split = {"train": ["wave/a", "wave/z"], "val": ["x", "y", "z"], "test": ["clap/b"]}
    path = write(tmp_path / "own.pkl", split=split)
    data = load_dataset(path)
    assert [record.getMessage() for record in caplog.records] == [
        f"{path}: its splits name clips that are not in it: 1 of the 2 in 'train', 3 of the 3 in 'val'"
    ]
    assert len(data.part("train")) == 1
    with pytest.raises(UserError, match="'val' of own is empty: none of the 3 clips it names is in the file"):
        data.part("val")
    with pytest.raises(UserError, match=r"'train&test' of own is empty$"):
        data.part("train&test")


def test_shared_data_loads_without_complaint(shared, caplog):
    for path in (shared / "data").glob("*.pkl"):
        assert load_dataset(path).clips
    assert not caplog.records


@pytest.mark.parametrize("command", ["finetune", "teacher", "tune"])
def test_one_class_alone_is_nothing_to_learn(tmp_path, capsys, command):
    path = write(tmp_path / "own.pkl")  # whose training part is one clip of 'wave'
    assert main([command, "--data", str(path), "--out", str(tmp_path / "run")]) == 2
    assert "has clips of 'wave' only" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("validate", "said"), [("val", None), ("train", "12 of the 12"), ("all", "12 of the 16")])
def test_clips_that_are_trained_on_and_measured_are_told(tmp_path, caplog, validate, said):
    own_task(write_clips(tmp_path / "own.pkl"), "train", validate, 1, 8)
    assert [r.getMessage()[: len(said)] for r in caplog.records] == [said] if said else not caplog.records


def test_the_command_says_it_in_one_line(tmp_path, capsys):
    path = write(tmp_path / "own.pkl", annotations=changed(label=7))
    assert main(["finetune", "--data", str(path), "--out", str(tmp_path / "run")]) == 2
    assert capsys.readouterr().err == f"error: {path}, clip 'clap/b': its label is 7, but there are 2 classes\n"
    assert not (tmp_path / "run").exists()


def test_what_is_of_the_expected_form_stays_readable(tmp_path):
    """Labels as other libraries store them, no names, no splits, an index that pauses, a mapping as an array."""
    rng = np.random.default_rng(0)
    body = rng.uniform(0, 1, (1, 20, 20, 3)).astype(np.float32)
    mapping = np.arange(17)
    data = load_dataset(
        write(
            tmp_path / "own.pkl", label_names=None, split=None, to_coco17=mapping,
            annotations=[
                annotation(label=np.int64(2)) | {"frame_index": [0, 0, *range(2, 20)]},
                annotation("clap/b", 0) | {"label": 0.0, "keypoint": body, "keypoint_score": None},
            ],
        )
    )  # fmt: skip
    assert data.label_names == ("0", "1", "2")
    assert [clip.label for clip in data.clips] == [2, 0]
    assert data.clips[0].times_s[-1] == pytest.approx(19 / 30)
    np.testing.assert_array_equal(data.clips[1].keypoints, to_coco17(body, np.ones((1, 20, 20)), list(mapping))[0])
    assert len(data.part("all")) == 2


def test_recordings_of_one_file_share_a_clock(tmp_path):
    """One that kept every third count of the camera only is as long as the others, not three times as fast."""
    index = {"every/a": np.arange(0, 80, 4), "every/b": np.arange(0, 80, 4), "third/c": np.arange(0, 240, 12)}
    annotations = [annotation(name) | {"fps": 15.0, "frame_index": counts} for name, counts in index.items()]
    clips = load_dataset(write(tmp_path / "own.pkl", annotations=annotations)).clips
    assert [clip.times_s[-1] for clip in clips] == pytest.approx([19 / 15, 19 / 15, 57 / 15])


def test_another_frame_rate_than_the_files(tmp_path):
    path = write_clips(tmp_path / "own.pkl")
    said, asked = (load_dataset(path, fps).clips[0].times_s for fps in (None, 5.0))
    np.testing.assert_allclose(asked, 3 * said)
