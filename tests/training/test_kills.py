"""A run killed at any moment goes on to the very weights of one left alone, and tells each epoch once."""

import csv
import json
import random
import shutil
import signal
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from core.files import write_text, write_whole
from tests.training.toy import SMALL, die, run, start, write_clips, write_mocap
from training.__main__ import main
from training.run.checkpoint import load_checkpoint, require_same_run

EPOCHS = 4
FINETUNE = ["--epochs", str(EPOCHS), "--windows-per-epoch", "24", "--batch", "8", *SMALL]


@pytest.fixture(scope="module")
def straight(tmp_path_factory) -> Path:
    """A run that nobody disturbs, ``run``, beside its data, ``own.pkl``."""
    folder = tmp_path_factory.mktemp("straight")
    write_clips(folder / "own.pkl")
    run(*command(folder, folder / "run"))
    return folder


def command(folder: Path, out: Path) -> list[str]:
    return ["finetune", "--data", str(folder / "own.pkl"), "--validate", "val", "--out", str(out), *FINETUNE]


def assert_same(out: Path, expected: Path) -> None:
    """Files, weights to the bit, and every epoch's figures but the seconds."""
    # What is left of a model that was being written has a name of its own and is in nobody's way.
    names = [{p.name for p in folder.glob("*") if "safetensors." not in p.name} for folder in (out, expected)]
    assert names[0] == names[1]
    a, b = (load_file(folder / "model.safetensors") for folder in (out, expected))
    assert_equal(a, b)
    a, b = (load_checkpoint(folder / "last.ckpt") for folder in (out, expected))
    for part in ("model", "average"):
        assert_equal(a[part], b[part])
    for name in ("metrics.jsonl", "metrics.csv"):
        assert figures(out / name) == figures(expected / name)
    assert [row["epoch"] for row in figures(out / "metrics.jsonl")] == list(range(EPOCHS))


def assert_equal(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> None:
    assert a.keys() == b.keys()
    assert [name for name in a if not torch.equal(a[name], b[name])] == []


def figures(path: Path) -> list[dict]:
    text = path.read_text()
    rows = map(json.loads, text.splitlines()) if path.suffix == ".jsonl" else csv.DictReader(text.splitlines())
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows]


@pytest.mark.parametrize(
    "moment", ["before 4", "after 4", "after 10", "before 13"],
    ids=["checkpoint written beside", "checkpoint without metrics", "last one without metrics", "model not written"],
)  # fmt: skip
def test_a_kill_between_two_files_costs_nothing(straight, tmp_path, moment):
    die(moment, *command(straight, tmp_path / "run"))
    assert main(command(straight, tmp_path / "run")) == 0
    assert_same(tmp_path / "run", straight / "run")


def test_kills_at_random_moments_cost_nothing(straight, tmp_path):
    """Each attempt is killed some time after it is at work; the last one is left alone."""
    rng = random.Random(0)
    killed = 0
    for _ in range(4):
        child = start(*command(straight, tmp_path / "run"))
        for line in child.stderr:
            if "epoch" in line or (tmp_path / "run").exists():
                break
        time.sleep(rng.uniform(0, 0.4))
        child.send_signal(signal.SIGKILL)
        child.communicate()
        killed += child.returncode == -signal.SIGKILL
    assert killed
    run(*command(straight, tmp_path / "run"))
    assert_same(tmp_path / "run", straight / "run")


def test_a_killed_pretraining_goes_on_to_the_same_encoder(tmp_path):
    corpus = str(write_mocap(tmp_path / "mocap.npz"))
    common = ["pretrain", "--data", corpus, "--epochs", "2", "--windows-per-epoch", "8", "--batch", "4", *SMALL]
    assert main([*common, "--out", str(tmp_path / "a")]) == 0
    die("after 1", *common, "--out", str(tmp_path / "b"))
    assert main([*common, "--out", str(tmp_path / "b")]) == 0
    a, b = (load_checkpoint(tmp_path / f / "encoder.ckpt")["encoder"] for f in "ab")
    assert_equal(a, b)
    assert figures(tmp_path / "a" / "metrics.csv") == figures(tmp_path / "b" / "metrics.csv")
    assert (tmp_path / "b" / "curves.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("change", "named"),
    [(["--epochs", "9"], "epochs 4, not 9"), (["--lr", "1"], "lr 0.0003, not 1.0"), (["--seed", "3"], "seed 0, not 3"),
     (["--split", "val"], "other data"), (["--encoder", "ENCODER"], "other encoder")],
)  # fmt: skip
def test_a_run_of_other_settings_is_not_taken_up(straight, tmp_path, capsys, change, named):
    before = (straight / "run" / "last.ckpt").read_bytes()
    encoder = shutil.copy(straight / "run" / "model.safetensors", tmp_path)
    change = [str(encoder) if word == "ENCODER" else word for word in change]
    assert main([*command(straight, straight / "run"), *change]) == 2
    err = capsys.readouterr().err.strip().splitlines()[-1]
    assert err.startswith("error: ")
    assert named in err
    assert (straight / "run" / "last.ckpt").read_bytes() == before


def test_a_finished_run_keeps_its_files(straight):
    before = {p.name: p.read_bytes() for p in (straight / "run").iterdir() if p.suffix in (".csv", ".jsonl", ".ckpt")}
    assert main([*command(straight, straight / "run"), "--threads", "1"]) == 0
    assert len(before) == 3
    assert before == {name: (straight / "run" / name).read_bytes() for name in before}


def test_what_a_checkpoint_does_not_know_is_not_compared():
    require_same_run(Path("x"), {"lr": 1.0, "words": ("a", "b")}, {"lr": 1.0, "words": ["a", "b"], "width": 32})


def test_a_folder_that_cannot_be_made_is_one_sentence_before_any_work(straight, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(command(straight, tmp_path / "file" / "run")) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: cannot make the folder")


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path):
    write_text(tmp_path / "a.txt", "old")

    def fail(file):
        file.write(b"new")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_whole(tmp_path / "a.txt", fail)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a.txt", "old")]
