"""Numbers on the command line: what cannot work is one sentence that names the option, before anything is read."""

import pytest

from tests.training.toy import write_clips
from training.cli import main, parser

TRAIN = {
    "pretrain": ["--data", "x.npz", "--out", "run"], "finetune": ["--data", "x.pkl", "--out", "run"],
    "teacher": ["--data", "x.pkl", "--out", "run"], "tune": ["--data", "x.pkl", "--out", "run"],
    "evaluate": ["--data", "x.pkl"], "card": ["--shipped", "x"], "extract": ["x", "--out", "x.pkl"],
    "hold": ["x.mp4", "--out", "held"],
}  # fmt: skip

RUNS = ("pretrain", "finetune", "teacher", "tune")

WRONG = [
    *((command, option, value)
      for command in RUNS
      for option, values in {
          "--epochs": ("0", "-1"), "--windows-per-epoch": ("0",), "--batch": ("0", "-4"),
          "--lr": ("-1", "0", "nan", "1e300"), "--seed": ("-1", str(2**64)), "--dropout": ("2", "1", "-0.1"),
          "--threads": ("0", str(10**10)),
      }.items()
      for value in values),
    *((command, option, value)
      for command in ("pretrain", "finetune")
      for option, values in {
          "--frames": ("0", "1", "2", "3", "1.5"), "--width": ("0", "-8"), "--layers": ("0", "-1", "many"),
      }.items()
      for value in values),
    ("pretrain", "--lr-decay", "0"), ("pretrain", "--lr-decay", "1.1"),
    ("finetune", "--proportions", "1.1"), ("finetune", "--proportions", "-0.1"), ("finetune", "--proportions", "nan"),
    ("teacher", "--width", "0"), ("tune", "--prompts", "0"), ("tune", "--prompts", "5000"),
    ("evaluate", "--threads", "0"), ("card", "--threads", "0"),
    ("hold", "--pictures", "0"), ("hold", "--seconds", "0"),
    ("extract", "--workers", "0"), ("extract", "--validation", "1.2"), ("extract", "--validation", "-0.2"),
    ("extract", "--validation", "nan"), ("extract", "--validation", "some"),
]  # fmt: skip


@pytest.mark.parametrize(("command", "option", "value"), WRONG)
def test_a_number_that_cannot_work_is_one_sentence(capsys, command, option, value):
    with pytest.raises(SystemExit) as ended:
        main([command, *TRAIN[command], option, value])
    assert ended.value.code == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert f"error: argument {option}: " in last
    assert value in last


@pytest.mark.parametrize("command", sorted(TRAIN))
def test_the_commands_own_numbers_are_allowed(command):
    given = parser().parse_args([command, *TRAIN[command]])
    again = [
        text
        for name in ("epochs", "windows_per_epoch", "batch", "lr", "lr_decay", "seed", "dropout", "threads", "frames",
                     "proportions", "width", "layers", "prompts", "workers", "validation", "pictures", "seconds")
        if hasattr(given, name)
        for text in (f"--{name.replace('_', '-')}", str(getattr(given, name)))
    ]  # fmt: skip
    assert parser().parse_args([command, *TRAIN[command], *again]) == given


def test_the_smallest_numbers_train(tmp_path):
    data = write_clips(tmp_path / "own.pkl")
    smallest = ["--frames", "4", "--width", "8", "--layers", "1", "--epochs", "1", "--windows-per-epoch", "2"]
    common = ["--batch", "2", "--seed", str(2**32 - 1), "--dropout", "0", "--device", "cpu"]
    assert main(["finetune", "--data", str(data), "--out", str(tmp_path / "run"), *smallest, *common]) == 0
