"""A motion-capture corpus that cannot be used is refused in a sentence."""

import re
from dataclasses import replace

import numpy as np
import pytest

from core.errors import UserError
from tests.training.toy import write_mocap
from training.__main__ import main
from training.data.mocap import corpus_digest, load_mocap

TAKES, FRAMES = 3, 5


def corpus(path, **changes):
    """Three takes; an array that is to be None is left out."""
    arrays = dict(np.load(write_mocap(path, takes=TAKES, frames=FRAMES))) | changes
    np.savez_compressed(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


def test_recordings_come_back(tmp_path):
    clips = load_mocap(corpus(tmp_path / "mocap.npz"))
    assert [(c.name, c.source, c.label, c.world.shape, c.fps) for c in clips] == [
        (f"take{i}", "rig", "swing", (FRAMES, 17, 3), 30.0) for i in range(TAKES)
    ]


@pytest.mark.parametrize(
    "changes",
    [{"name": "another"}, {"source": "booth"}, {"label": "wave"}, {"fps": 60.0}, {"world": np.zeros((5, 17, 3), "f4")}],
)
def test_a_corpus_differs_by_anything_of_one_take(tmp_path, changes):
    clips = load_mocap(corpus(tmp_path / "mocap.npz"))
    others = [clips[0], replace(clips[1], **changes), clips[2]]
    assert corpus_digest(others) != corpus_digest(clips)
    assert corpus_digest(load_mocap(tmp_path / "mocap.npz")) == corpus_digest(clips)


def damage(content):
    """The same file with its middle overwritten, as a bad disk would."""
    return content[: len(content) // 2] + b"\xff" * 200 + content[len(content) // 2 + 200 :]


@pytest.mark.parametrize(
    "change",
    [lambda _: b"", lambda _: b"text", lambda content: content[:100], lambda content: content[:-200], damage],
    ids=["empty", "text", "its beginning", "without its end", "its middle overwritten"],
)
def test_damaged_files_are_refused(tmp_path, change):
    path = corpus(tmp_path / "mocap.npz")
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(UserError, match=re.escape(f"{path} is no motion-capture corpus: ")):
        load_mocap(path)


def test_other_files_are_refused(tmp_path):
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(UserError, match=r"one\.npy is no motion-capture corpus"):
        load_mocap(tmp_path / "one.npy")
    with pytest.raises(UserError, match=r"cannot read .*: Is a directory"):
        load_mocap(tmp_path)
    with pytest.raises(UserError, match=r"cannot read .*none\.npz: No such file"):
        load_mocap(tmp_path / "none.npz")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"label": None}, "it lacks one of positions, root, clip_start, clip_name, source, label, fps"),
        ({"label": np.array(["swing"])}, "'label' has shape (1,), not (3,)"),
        ({"positions": np.zeros((15, 25, 3))}, "'positions' has shape (15, 25, 3), not (15, 17, 3)"),
        ({"root": np.zeros((14, 3))}, "'root' has shape (14, 3), not (15, 3)"),
        ({"positions": np.array(1.0)}, "'positions' has shape (), not (0, 17, 3)"),
        ({"root": np.full((15, 3), "a")}, "'root' holds no numbers"),
        ({"fps": np.array("fast")}, "'fps' holds no numbers"),
        ({"clip_start": np.arange(3) * 5}, "'clip_start' has shape (3,), not (4,)"),
        ({"clip_start": np.array([0, 5, 5, 15])}, "'clip_start' does not cut 15 frames"),
        ({"clip_start": np.array([0, 5, 10, 16])}, "'clip_start' does not cut 15 frames"),
        ({"clip_start": np.arange(4) * 5.0}, "'clip_start' does not cut 15 frames"),
        ({"fps": np.float32(0)}, "'fps' is 0"),
        ({"fps": np.float32("nan")}, "'fps' is nan"),
        ({"root": np.full((15, 3), np.inf)}, "no finite numbers"),
        ({name: np.array([]) for name in ("clip_name", "source", "label")} | {"clip_start": np.array([0])},
         "no recordings"),
    ],
)  # fmt: skip
def test_arrays_that_do_not_fit_are_named(tmp_path, changes, said):
    path = corpus(tmp_path / "mocap.npz", **changes)
    with pytest.raises(UserError, match=re.escape(said)) as refused:
        load_mocap(path)
    assert str(refused.value).startswith(f"{path} is no motion-capture corpus: ")


def test_the_command_says_it_in_one_line(tmp_path, capsys):
    (tmp_path / "mocap.npz").write_bytes(b"")
    assert main(["pretrain", "--data", str(tmp_path / "mocap.npz"), "--out", str(tmp_path / "run")]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
