"""No command writes over what it reads: refused in one sentence, before any work, by whatever name the file goes."""

import os
from pathlib import Path

import pytest

from benchmarks import folds
from core.errors import UserError
from core.files import refuse_overwriting
from models import model_path
from tests.training.toy import SMALL, write_clips, write_mocap
from training.__main__ import main


def link(path: Path, target: Path) -> Path:
    path.symlink_to(target)
    return path


def hard_link(path: Path, target: Path) -> Path:
    os.link(target, path)
    return path


NAMES = {
    "itself": lambda own: own,
    "another spelling": lambda own: own.parent / "x" / ".." / "own.pkl",
    "relative": lambda own: Path(os.path.relpath(own)),
    "a link to it": lambda own: link(own.parent / "link", own),
    "a second name": lambda own: hard_link(own.parent / "second", own),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_known_by_any_name(tmp_path, name):
    own = tmp_path / "own.pkl"
    (tmp_path / "x").mkdir()
    own.write_text("")
    other = NAMES[name](own)
    for output, read in ((other, own), (own, other)):
        with pytest.raises(UserError, match=r"^--out would overwrite .*, which is read"):
            refuse_overwriting([("--out", output)], [tmp_path / "absent", read])


def test_what_is_written_beside_an_output_counts_too(tmp_path):
    (tmp_path / "a.part").write_text("")
    with pytest.raises(UserError, match=r"--json would overwrite .*a\.part"):
        refuse_overwriting([("--json", tmp_path / "a")], [tmp_path / "a.part"])


def test_two_outputs_need_two_files(tmp_path):
    with pytest.raises(UserError, match="--json and --logits both name"):
        refuse_overwriting([("--json", tmp_path / "a"), ("--logits", tmp_path / "b" / ".." / "a")], [])


def test_other_files_are_written(tmp_path):
    (tmp_path / "a").write_text("")
    (tmp_path / "b").write_text("")
    refuse_overwriting([("--json", tmp_path / "a"), ("--logits", tmp_path / "c")], [tmp_path / "b", tmp_path / "d"])


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with an input of every kind. Most are not fit for use, so work would be told by another sentence."""
    monkeypatch.chdir(tmp_path)
    write_clips(Path("own.pkl"))
    write_mocap(Path("mocap.npz"))
    for name in ("run/model.safetensors", "run/encoder.ckpt", "run/teacher.safetensors", "shipped/kard.pkl",
                 "ntu/sub/S001C001P001R001A001.skeleton", "videos/walk/clip.avi"):  # fmt: skip
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("precious")
    Path("videos/walk/clip.avi").chmod(0o444)
    Path("linked").mkdir()
    Path("linked/report.json").symlink_to("../mocap.npz")
    Path("linked/metrics.csv").symlink_to("../shipped/kard.pkl")
    return tmp_path


COMMANDS = [
    ("evaluate --data own.pkl --logits own.pkl", "--logits", "own.pkl"),
    ("evaluate --data own.pkl --json own.pkl", "--json", "own.pkl"),
    ("evaluate --data own.pkl --confusion ./own.pkl", "--confusion", "own.pkl"),
    ("evaluate --data own.pkl --weights run/model.safetensors --json run/model.safetensors", "--json",
     "run/model.safetensors"),
    ("evaluate --data ntu --json ntu/sub/S001C001P001R001A001.skeleton", "--json",
     "ntu/sub/S001C001P001R001A001.skeleton"),
    ("extract videos --out videos/walk/clip.avi", "--out", "videos/walk/clip.avi"),
    ("convert ntu --out ntu/sub/S001C001P001R001A001.skeleton", "--out", "ntu/sub/S001C001P001R001A001.skeleton"),
    ("finetune --data own.pkl --encoder run/model.safetensors --out run", "--out", "run/model.safetensors"),
    ("finetune --shipped shipped --out linked", "--out", "shipped/kard.pkl"),
    ("tune --data own.pkl --weights run/model.safetensors --out run", "--out", "run/model.safetensors"),
    ("teacher --data run/teacher.safetensors --out run", "--out", "run/teacher.safetensors"),
    ("pretrain --data mocap.npz --out linked", "--out", "mocap.npz"),
    ("soup run/model.safetensors other.safetensors --out run/model.safetensors", "--out", "run/model.safetensors"),
    ("card --shipped shipped --json shipped/kard.pkl", "--json", "shipped/kard.pkl"),
    ("card --shipped shipped --twin run/model.safetensors --json run/model.safetensors", "--json",
     "run/model.safetensors"),
]  # fmt: skip


@pytest.mark.parametrize(("command", "option", "file"), COMMANDS)
def test_a_command_that_would_overwrite_its_input_is_refused(place, capsys, command, option, file):
    def everything():
        return {p: p.read_bytes() for p in place.rglob("*") if p.is_file()}

    before = everything()
    assert main(command.split()) == 2
    assert capsys.readouterr().err == f"error: {option} would overwrite {file}, which is read; give another place\n"
    assert everything() == before


def test_the_shipped_model_is_an_input_where_none_is_named(tmp_path, capsys):
    shipped = model_path("skeleformer.safetensors")
    data = write_clips(tmp_path / "own.pkl")
    linked = link(tmp_path / "model.npz", shipped)
    assert main(["evaluate", "--data", str(data), "--logits", str(linked)]) == 2
    assert "--logits would overwrite" in capsys.readouterr().err


def test_a_source_model_does_not_take_its_encoders_place(tmp_path, capsys):
    from training.tables.__main__ import main as tables

    encoder = tmp_path / "source-full.safetensors"
    encoder.write_text("precious")
    assert tables(["source", "--data", str(tmp_path), "--encoder", str(encoder), "--source", str(tmp_path)]) == 2
    assert "--source would overwrite" in capsys.readouterr().err


def test_a_run_in_the_folder_of_its_data_is_no_overwriting(tmp_path):
    data = write_clips(tmp_path / "own.pkl")
    smallest = ["--epochs", "1", "--windows-per-epoch", "2", "--batch", "2", *SMALL]
    assert main(["finetune", "--data", str(data), "--out", str(tmp_path), *smallest]) == 0


def test_a_benchmark_does_not_overwrite_its_data_either(tmp_path, capsys):
    data = write_clips(tmp_path / "own.pkl")
    before = data.read_bytes()
    assert folds.main(["--data", str(data), "--json", str(data)]) == 2
    assert "would overwrite" in capsys.readouterr().err
    assert data.read_bytes() == before
