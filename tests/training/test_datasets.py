"""Annotation files that are not of the expected form are refused in a sentence that names file and clip."""

import numpy as np
import pytest

from pipeline.errors import UserError
from tests.training.test_data import annotation, write
from training.__main__ import main
from training.datasets import load_dataset
from training.faces import to_coco17


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
    "a label that is a word": (changed(label="clap"), "clap"),
    "an endless label": (changed(label=float("inf")), "infinity"),
    "no label": (without("label"), "it has no 'label'"),
    "no frames a second": (changed(fps=0), "its fps are 0"),
    "time going backwards": (changed(fps=-30.0), "its fps are -30"),
    "endless frames a second": (changed(fps=float("inf")), "its fps are inf"),
    "frames a second that are no number": (changed(fps=float("nan")), "its fps are nan"),
    "frames a second that are nothing": (changed(fps=None), "float"),
    "an index without frames a second": (
        [annotation(), without("fps")[1] | {"frame_index": list(range(20))}], "it has no 'fps'"
    ),
    "an index of other frames": (changed(frame_index=[0, 1, 2]), r"frame_index has shape \(3,\) for 20 frames"),
    "an index that falls": (changed(frame_index=list(range(20))[::-1]), "rising"),
    "an index that is no number": (changed(frame_index=[np.nan] * 20), "rising"),
    "nobody": (keypoints(0, 20, 17, 2), "0 people and 20 frames"),
    "no frames": (keypoints(1, 0, 17, 2), "1 people and 0 frames"),
    "no people axis": (keypoints(20, 17, 2), r"shape \(20, 17, 2\)"),
    "one coordinate": (keypoints(1, 20, 17, 1), r"shape \(1, 20, 17, 1\)"),
    "four coordinates": (keypoints(1, 20, 17, 4), r"shape \(1, 20, 17, 4\)"),
    "other joints": (keypoints(1, 20, 25, 3), "25 joints"),
    "no keypoints": (without("keypoint"), "it has no 'keypoint'"),
    "keypoints that are words": (changed(keypoint="none"), "none"),
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
