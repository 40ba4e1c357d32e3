"""Two processes under torchrun do what one does."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from core.errors import UserError
from skeleformer import SkeleFormer, SkeleFormerConfig
from tests.training.toy import SMALL, die, run, start, write_clips, write_mocap
from training.__main__ import main
from training.run.checkpoint import load_checkpoint
from training.run.parallel import SharedBatchNorm, World, join, share_batch_norm

STEP = """
import sys
import torch
from torch import nn
from training.run.parallel import join, share_batch_norm

world = join(torch.device("cpu"))
torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
model = nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.GELU(), nn.Linear(5, 3))
x, y = torch.randn(7, 6), torch.randint(3, (7,))
if world.size > 1:
    share_batch_norm(model)
rows = world.part(7)
part = (rows.stop - rows.start) / 7
loss = nn.functional.cross_entropy(model(x[rows]), y[rows]) * part
loss.backward()
world.sum_gradients(model.parameters())
state = {"loss": world.sum(loss.detach()), "grad": [p.grad for p in model.parameters()], "model": model.state_dict()}
if world.first:
    torch.save({**state, "size": world.size}, sys.argv[1])
"""

THREADS = """
import atexit, os
from pathlib import Path

def tell(word):  # in one piece: two processes write to the same pipe
    names = sorted(p.read_text().strip() for p in Path("/proc/self/task").glob("*/comm"))
    os.write(1, (" ".join([word, *names]) + "\\n").encode())

atexit.register(tell, "left")

import torch
from training.run.parallel import join

world = join(torch.device("cpu"))
weight = torch.ones(3, requires_grad=True)
world.sum((weight * 2).sum()).backward()
torch.optim.AdamW([weight]).step()
tell("used")
"""


def one_step(path: Path, processes: int) -> dict:
    (script := path.with_suffix(".py")).write_text(STEP)
    run(str(path), processes=processes, program=[str(script)])
    return torch.load(path)


def test_gradients_of_unequal_parts_are_those_of_the_whole_batch(tmp_path):
    """Seven rows as three and four, through a batch norm, in double precision: nothing but rounding may differ."""
    alone, shared = one_step(tmp_path / "a.pt", 1), one_step(tmp_path / "b.pt", 2)
    assert (alone["size"], shared["size"]) == (1, 2)
    torch.testing.assert_close(shared["loss"], alone["loss"], rtol=1e-12, atol=0)
    for a, b in zip(alone["grad"], shared["grad"], strict=True):
        torch.testing.assert_close(b, a, rtol=1e-9, atol=1e-14)
    assert list(alone["model"]) == list(shared["model"]), "checkpoints fit both"
    for name, a in alone["model"].items():
        torch.testing.assert_close(shared["model"][name], a, rtol=1e-12, atol=1e-15)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="names of threads are read where Linux has them")
def test_no_thread_of_the_group_outlives_it(tmp_path):
    """One that still has a tensor when the interpreter ends aborts the process, now and then."""
    (script := tmp_path / "threads.py").write_text(THREADS)
    lines = run(processes=2, program=[str(script)]).splitlines()
    used, left = ([line for line in lines if line.startswith(word)] for word in ("used", "left"))
    assert len(used) == len(left) == 2
    assert all("gloo" in line for line in used), "the names are those looked for"
    assert not any("gloo" in line for line in left), left


@pytest.mark.parametrize("count", [2, 5, 64])
@pytest.mark.parametrize("size", [1, 2])
def test_every_row_is_in_one_part(count, size):
    rows = [list(range(count))[World(rank, size).part(count)] for rank in range(size)]
    assert [row for part in rows for row in part] == list(range(count))
    assert max(map(len, rows)) - min(map(len, rows)) <= 1


def test_a_shared_batch_norm_evaluates_as_the_plain_one():
    torch.manual_seed(0)
    plain = nn.BatchNorm2d(4)
    plain(torch.randn(8, 4, 3, 2) * 3 + 1)
    shared = SharedBatchNorm(plain).eval()
    x = torch.randn(5, 4, 3, 2)
    torch.testing.assert_close(shared(x), plain.eval()(x))
    with pytest.raises(ValueError, match="momentum"):
        SharedBatchNorm(nn.BatchNorm1d(3, affine=False))


def test_every_batch_norm_of_a_model_is_replaced():
    model = SkeleFormer(SkeleFormerConfig(classes=2, width=8, spatial_layers=1, temporal_layers=1))
    names = list(model.state_dict())
    share_batch_norm(model)
    kinds = {type(module) for module in model.modules()}
    assert SharedBatchNorm in kinds
    assert not any(issubclass(kind, nn.modules.batchnorm._BatchNorm) for kind in kinds)
    assert sorted(model.state_dict()) == sorted(names)


def logits(weights: dict, classes: int = 2, pooling: str = "mean+max") -> torch.Tensor:
    """What the averaged model says of fixed windows: biases without any effect may differ, this may not."""
    model = SkeleFormer(
        SkeleFormerConfig(classes=classes, frames=8, width=8, spatial_layers=1, temporal_layers=1, pooling=pooling)
    )
    model.load_state_dict(weights)
    features = torch.randn(16, 1, 8, 17, 5, generator=torch.Generator().manual_seed(1))
    features[..., -1] = 1
    with torch.no_grad():
        return model.eval()(features)


def losses(folder: Path) -> np.ndarray:
    return np.array([json.loads(line)["loss"] for line in (folder / "metrics.jsonl").read_text().splitlines()])


def test_two_processes_train_the_same_model_as_one(tmp_path):
    """Batches of five and a last one of three: parts are never equal."""
    data = write_clips(tmp_path / "own.pkl")
    command = ["finetune", "--data", str(data), "--validate", "val", "--epochs", "3", "--windows-per-epoch", "18"]
    command += ["--batch", "5", "--dropout", "0", *SMALL]
    for folder, processes in (("one", 1), ("two", 2)):
        out = run(*command, "--out", str(tmp_path / folder), processes=processes)
        assert out.count("wrote ") == 1, "only the first process speaks"
    files = [sorted(p.name for p in (tmp_path / f).iterdir()) for f in ("one", "two")]
    assert files[0] == files[1]
    assert not any(name.endswith(".part") for name in files[1])
    np.testing.assert_allclose(losses(tmp_path / "two"), losses(tmp_path / "one"), rtol=1e-4)
    one, two = (load_checkpoint(tmp_path / f / "last.ckpt") for f in ("one", "two"))
    assert [row["val"] for row in two["rows"] if "val" in row] == [row["val"] for row in one["rows"] if "val" in row]
    a, b = logits(one["average"]), logits(two["average"])
    assert a.std() > 0.01
    torch.testing.assert_close(b, a, rtol=1e-3, atol=1e-3)


def test_two_processes_go_on_with_the_run_of_one(tmp_path):
    """Pre-training, killed after its first epoch and taken up by two processes, ends as it would have."""
    corpus = write_mocap(tmp_path / "mocap.npz")
    command = ["pretrain", "--data", str(corpus), "--epochs", "2", "--windows-per-epoch", "10", "--batch", "5"]
    command += ["--dropout", "0", *SMALL]
    run(*command, "--out", str(tmp_path / "one"))
    die("after 1", *command, "--out", str(tmp_path / "two"))
    assert load_checkpoint(tmp_path / "two" / "last.ckpt")["epoch"] == 0
    run(*command, "--out", str(tmp_path / "two"), processes=2)
    one, two = (load_checkpoint(tmp_path / f / "encoder.ckpt")["encoder"] for f in ("one", "two"))
    torch.testing.assert_close(logits(two, 60, "mean"), logits(one, 60, "mean"), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(losses(tmp_path / "two"), losses(tmp_path / "one"), rtol=1e-4)
    report = json.loads((tmp_path / "two" / "report.json").read_text())
    expected = json.loads((tmp_path / "one" / "report.json").read_text())
    assert report["skeleformer"]["rig"] == pytest.approx(expected["skeleformer"]["rig"], rel=1e-3)


APART = """
import os, sys
from torch import distributed
from training.__main__ import main

code = main([*sys.argv[2:], "--out", os.path.join(sys.argv[1], os.environ["RANK"])])
distributed.barrier()  # torchrun ends the other process when one has failed; both are to have their say
sys.exit(code)
"""


def test_processes_that_would_begin_at_different_epochs_refuse_to(tmp_path):
    """As on two machines without a common folder: the first process finds its checkpoint, the second nothing."""
    data = write_clips(tmp_path / "own.pkl")
    command = ["finetune", "--data", str(data), "--epochs", "2", "--windows-per-epoch", "8", "--batch", "8", *SMALL]
    die("after 1", *command, "--out", str(tmp_path / "0"))
    (script := tmp_path / "apart.py").write_text(APART)
    child = start(str(tmp_path), *command, processes=2, program=[str(script)])
    try:
        _, err = child.communicate(timeout=240)
    finally:
        child.terminate()  # of processes that wait for each other; nothing else would end them
        child.wait()
    said = [line for line in err.splitlines() if line.startswith("error: ")]
    assert sorted(said) == [
        f"error: {tmp_path / rank / 'last.ckpt'} is not the same for all processes, which would begin at epochs 1, 0: "
        "put it in a folder that their machines share, or copy it to each"
        for rank in "01"
    ]
    assert not (tmp_path / "1").exists()
    assert load_checkpoint(tmp_path / "0" / "last.ckpt")["epoch"] == 0


@pytest.mark.parametrize("batch", ["1", "10"])
def test_a_batch_that_cannot_be_used_is_one_sentence(tmp_path, capsys, batch):
    data = write_clips(tmp_path / "own.pkl")
    command = ["finetune", "--data", str(data), "--out", str(tmp_path / "run"), "--windows-per-epoch", "11"]
    assert main([*command, "--batch", batch, *SMALL]) == 2
    assert capsys.readouterr().err.startswith("error: a batch of the epoch would be one window")


def test_more_processes_than_windows_are_refused():
    with pytest.raises(UserError, match="3 processes cannot share a batch of 2; change --batch"):
        World(0, 3).part(2)


def test_apples_gpu_is_not_shared(monkeypatch):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match="--device cpu"):
        join(torch.device("mps"))
