"""Training runs: they learn, survive a kill, and come back to the same weights; a saved model explains itself."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from pipeline.errors import UserError
from tests.training.toy import moving
from training.__main__ import main
from training.checkpoint import load_checkpoint, save_checkpoint
from training.evaluate import Evaluation, class_probabilities, evaluate
from training.finetune import FinetuneConfig, finetune, predictor
from training.losses import any_of_cross_entropy
from training.sampler import Source


def source(n=16):
    return Source("toy", tuple(moving(i % 2, i) for i in range(n)), ((0,), (1,)))


def config(out, **changes):
    base = FinetuneConfig(out=str(out), epochs=2, windows_per_epoch=48, batch=16, frames=16, lr=3e-4, idle_part=0.0)
    return replace(base, **changes)


def test_training_learns_a_difference_it_is_shown(tmp_path):
    model = finetune(
        config(tmp_path, epochs=6, windows_per_epoch=96, lr=1e-3, average=0.5), [source()], ("circle", "slide")
    )
    unseen = [moving(i % 2, 100 + i) for i in range(20)]
    result = evaluate(predictor(model), unseen, ("circle", "slide"), ((0,), (1,)), 16)
    assert result.report()["top1"] >= 0.9


def small(out, **changes):
    return config(out, width=8, layers=1, **changes)


def test_a_killed_run_goes_on_to_the_same_weights(tmp_path):
    straight = finetune(small(tmp_path / "a"), [source()], ("x", "y"))

    class Killed(Exception):
        pass

    def kill(model):
        raise Killed

    with pytest.raises(Killed):  # in the second epoch, after the first was saved
        finetune(small(tmp_path / "b", evaluate_every=2), [source()], ("x", "y"), validate=kill)
    assert load_checkpoint(tmp_path / "b" / "last.ckpt")["epoch"] == 0
    resumed = finetune(small(tmp_path / "b"), [source()], ("x", "y"))
    for (name, a), b in zip(straight.state_dict().items(), resumed.state_dict().values(), strict=True):
        assert torch.equal(a, b), name
    epochs = [json.loads(line)["epoch"] for line in (tmp_path / "b" / "metrics.jsonl").read_text().splitlines()]
    assert epochs == [0, 1]


def test_checkpoints_appear_whole_and_damage_is_named(tmp_path):
    path = tmp_path / "c.ckpt"
    save_checkpoint(path, {"x": torch.ones(3)})
    with pytest.raises(AttributeError):
        save_checkpoint(path, {"x": lambda: 0})  # cannot be pickled
    assert torch.equal(load_checkpoint(path)["x"], torch.ones(3))
    assert [p.name for p in tmp_path.iterdir()] == ["c.ckpt"]
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(UserError, match=r"c\.ckpt"):
        load_checkpoint(path)


def test_loss_asks_for_any_of_the_right_words():
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.2]]))
    target = torch.tensor([[True, True, False]])
    assert any_of_cross_entropy(logits, target).item() == pytest.approx(-np.log(0.8), rel=1e-5)
    choices = torch.tensor([[True, False, True]])
    only = torch.tensor([[True, False, False]])
    assert any_of_cross_entropy(logits, only, choices).item() == pytest.approx(-np.log(0.5 / 0.7), rel=1e-5)


def test_class_probabilities_add_up_words():
    p = np.array([[0.1, 0.2, 0.3, 0.4]])
    np.testing.assert_allclose(class_probabilities(p, [(0, 1), (2,)], False), [[0.5, 0.5]])
    np.testing.assert_allclose(class_probabilities(p, [(0, 1), (2,)], True), [[0.3, 0.3, 0.4]])


def test_report_counts_clips():
    scores = np.eye(6)[[0, 1, 2, 2]] + 0.01 * np.arange(6)
    report = Evaluation(tuple("abcdef"), np.array([0, 1, 2, 0]), scores).report()
    assert report["n"] == 4
    assert report["top1"] == pytest.approx(0.75)
    assert report["top5"] == pytest.approx(0.75), "class a scores lowest where it is wrong"
    assert report["per_class"] == {"a": 0.5, "b": 1.0, "c": 1.0}
    assert report["mean_class_accuracy"] == pytest.approx(2.5 / 3)


def test_commands_train_and_evaluate_an_own_data_set(tmp_path, capsys):
    import pickle

    clips = [moving(i % 2, i) for i in range(16)]
    data = {
        "label_names": ["circle", "slide"],
        "split": {"train": [c.name for c in clips[:12]], "val": [c.name for c in clips[12:]]},
        "annotations": [
            {"frame_dir": c.name, "label": c.label, "total_frames": 24, "fps": 15.0, "keypoint": c.keypoints,
             "keypoint_score": c.scores} for c in clips
        ],
    }  # fmt: skip
    (tmp_path / "own.pkl").write_bytes(pickle.dumps(data))
    common = ["--data", str(tmp_path / "own.pkl")]
    assert main(["finetune", *common, "--validate", "val", "--out", str(tmp_path / "run"), "--epochs", "5",
    "--frames", "16",
                 "--windows-per-epoch", "48", "--batch", "16"]) == 0  # fmt: skip
    weights = str(tmp_path / "run" / "model.safetensors")
    assert main(["evaluate", *common, "--weights", weights, "--json", str(tmp_path / "r.json"),
                 "--logits", str(tmp_path / "l.npz"), "--confusion", str(tmp_path / "c.png")]) == 0  # fmt: skip
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["n"] == 4
    assert set(report["per_class"]) == {"circle", "slide"}
    with np.load(tmp_path / "l.npz") as logits:
        assert logits["logits"].shape == logits["right"].shape == (4, 2)
    assert (tmp_path / "c.png").stat().st_size > 1000
    assert "top-1" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["evaluate", "--data", "missing.pkl"],
        ["evaluate", "--data", "missing.pkl", "--weights", "missing.safetensors"],
        ["finetune", "--data", "missing.pkl", "--out", "run"],
        ["pretrain", "--data", "missing.npz", "--out", "run"],
        ["extract", "nowhere", "--out", "x.pkl"],
    ],
)
def test_missing_files_end_in_one_sentence(tmp_path, monkeypatch, capsys, arguments):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    err = capsys.readouterr().err.strip()
    assert err.startswith("error: ")
    assert "\n" not in err
