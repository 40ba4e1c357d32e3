"""Training runs: they learn, survive a kill, and come back to the same weights; a saved model explains itself."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from core.errors import UserError
from models import model_path
from skeleformer.baselines.ddnet import DDNet
from tests.training.toy import SMALL, moving, write_clips
from training.__main__ import main
from training.evaluate import Evaluation, class_probabilities, evaluate
from training.finetune import FinetuneConfig, finetune, parameter_groups, predictor
from training.run.checkpoint import load_checkpoint, save_checkpoint
from training.run.losses import any_of_cross_entropy
from training.run.saved import load_model, save_model
from training.windows.source import Source


def source(n=16):
    return Source("toy", tuple(moving(i % 2, i) for i in range(n)), ((0,), (1,)))


def config(out, **changes):
    base = FinetuneConfig(out=str(out), epochs=2, windows_per_epoch=48, batch=16, frames=16, lr=3e-4, idle_part=0.0)
    return replace(base, **changes)


def test_training_learns_a_difference_it_is_shown(tmp_path):
    model = finetune(
        config(tmp_path, epochs=12, windows_per_epoch=96, lr=1e-3, average=0.5), [source()], ("circle", "slide")
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


def test_a_model_without_an_opinion_is_never_right():
    report = Evaluation(tuple("abcdef"), np.arange(6), np.full((6, 6), 1 / 6)).report()
    assert report["top1"] == report["top5"] == report["mean_class_accuracy"] == 0


def test_answers_that_are_no_numbers_are_no_hits():
    with pytest.raises(UserError, match="not finite"):
        evaluate(lambda x: np.full((len(x), 2), np.nan, np.float32), [moving(0, 0)], ("a", "b"), ((0,), (1,)), 16)


def test_weights_decay_but_for_biases_norms_and_positions():
    model = DDNet(3, width=8)
    groups = parameter_groups(model, FinetuneConfig(""))
    decaying = {id(p) for g in groups if g["weight_decay"] for p in g["params"]}
    assert all((p.ndim > 1) == (id(p) in decaying) for p in model.parameters())


def test_commands_train_and_evaluate_an_own_data_set(tmp_path, capsys):
    write_clips(tmp_path / "own.pkl")
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


def finetune_small(data, out, *more):
    return main(["finetune", "--data", str(data), "--out", str(out), "--epochs", "1", "--windows-per-epoch", "16",
                 "--batch", "16", *SMALL, *more])  # fmt: skip


@pytest.fixture
def seen(tmp_path):
    """Clips, and a model that says of itself that it was trained on their validation part."""
    data, weights = write_clips(tmp_path / "own.pkl"), tmp_path / "seen.safetensors"
    assert finetune_small(data, tmp_path / "run") == 0
    model, words = load_model(str(tmp_path / "run" / "model.safetensors"))
    save_model(model, weights, words, ("own",))
    return data, weights


@pytest.mark.parametrize("how", ["finetune", "tune"])
def test_what_the_start_has_seen_is_told_of_the_result(tmp_path, seen, capsys, how):
    data, weights = seen
    if how == "finetune":
        assert finetune_small(data, tmp_path / "next", "--encoder", str(weights)) == 0
    else:
        command = ["tune", "--data", str(data), "--weights", str(weights), "--out", str(tmp_path / "next")]
        assert main([*command, "--epochs", "1", "--windows-per-epoch", "16", "--batch", "16", "--device", "cpu"]) == 0
    capsys.readouterr()
    assert main(["evaluate", "--data", str(data), "--weights", str(tmp_path / "next" / "model.safetensors"),
                 "--device", "cpu"]) == 0  # fmt: skip
    assert "every clip of own" in capsys.readouterr().err


def test_a_tuned_model_is_no_encoder_to_start_from(tmp_path, seen, capsys):
    data, weights = seen
    assert main(["tune", "--data", str(data), "--weights", str(weights), "--method", "lora", "--out",
                 str(tmp_path / "tuned"), "--epochs", "1", "--windows-per-epoch", "16", "--batch", "16",
                 "--device", "cpu"]) == 0  # fmt: skip
    capsys.readouterr()
    assert finetune_small(data, tmp_path / "next", "--encoder", str(tmp_path / "tuned" / "model.safetensors")) == 2
    assert "tuned by lora" in capsys.readouterr().err


FOREIGN = {
    "annotations": lambda path: write_clips(path),
    "a newer pickle": lambda path: path.write_bytes(pickle.dumps({"annotations": []}, protocol=4)),
    "text": lambda path: path.write_text("some text"),
    "nothing": lambda path: path.touch(),
    "a tensor": lambda path: torch.save(torch.ones(2), path),
    "another dictionary": lambda path: torch.save({"epoch": 1}, path),
    "an encoder that is none": lambda path: torch.save({"encoder": {"weight": 3}}, path),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", FOREIGN)
def test_a_file_to_start_from_that_holds_no_weights_is_told_and_not_to_be_removed(tmp_path, capsys, kind):
    data, other = write_clips(tmp_path / "own.pkl"), tmp_path / "other.pkl"
    FOREIGN[kind](other)
    assert finetune_small(data, tmp_path / "run", "--encoder", str(other)) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"error: {other} is no file of weights to start from; give the encoder.ckpt")
    assert err.count("\n") == 1
    assert "remove" not in err


def test_a_file_to_start_from_that_is_not_there_is_told(tmp_path, capsys):
    data = write_clips(tmp_path / "own.pkl")
    assert finetune_small(data, tmp_path / "run", "--encoder", str(tmp_path / "nowhere.ckpt")) == 2
    assert capsys.readouterr().err == f"error: cannot read {tmp_path / 'nowhere.ckpt'}: No such file or directory\n"


def test_weights_of_another_kind_are_told_in_words(tmp_path, capsys):
    data = write_clips(tmp_path / "own.pkl")
    assert main(["evaluate", "--data", str(data), "--weights", str(data)]) == 2
    said = f"error: cannot read the weights {data}: it is no safetensors file, or a damaged one\n"
    assert capsys.readouterr().err == said


def test_a_checkpoint_of_something_else_is_told(tmp_path, capsys):
    data = write_clips(tmp_path / "own.pkl")
    (tmp_path / "run").mkdir()
    torch.save({"a": 1}, tmp_path / "run" / "last.ckpt")
    assert finetune_small(data, tmp_path / "run") == 2
    assert "last.ckpt is of another network: give another --out" in capsys.readouterr().err
    torch.save([1], tmp_path / "run" / "last.ckpt")
    assert finetune_small(data, tmp_path / "run") == 2
    assert "last.ckpt is no checkpoint of this program; remove it" in capsys.readouterr().err


def test_a_twin_that_saw_the_validation_parts_is_refused(tmp_path, seen, capsys):
    _, weights = seen
    assert main(["card", "--shipped", str(tmp_path), "--twin", str(model_path("skeleformer.safetensors"))]) == 2
    assert "trained on validation parts too" in capsys.readouterr().err
    assert main(["card", "--shipped", str(tmp_path), "--twin", str(weights)]) == 2
    assert "other words" in capsys.readouterr().err


def test_mirror_images_are_a_choice_that_a_run_keeps(tmp_path, capsys):
    data = write_clips(tmp_path / "own.pkl")
    assert finetune_small(data, tmp_path / "run", "--no-mirror") == 0
    assert finetune_small(data, tmp_path / "run") == 2
    assert "other data" in capsys.readouterr().err


def test_a_checkpoint_of_a_network_of_another_form_is_named(tmp_path, capsys):
    data, checkpoint = write_clips(tmp_path / "own.pkl"), tmp_path / "run" / "last.ckpt"
    assert finetune_small(data, tmp_path / "run", "--pooling", "mean") == 0
    state = load_checkpoint(checkpoint)
    del state["config"]["pooling"]  # as written before there was a choice
    save_checkpoint(checkpoint, state)
    capsys.readouterr()
    assert finetune_small(data, tmp_path / "run") == 2
    assert "of another network" in capsys.readouterr().err


OF_DATA = (["--validate", "val"], ["--no-mirror"], ["--split", "all"], ["--people", "2"])


@pytest.mark.parametrize("options", [["--with-validation"], *(["--shipped", "x", *given] for given in OF_DATA)])
def test_options_of_the_other_kind_of_task_are_refused(tmp_path, capsys, options):
    task = options if "--shipped" in options else ["--data", str(write_clips(tmp_path / "own.pkl")), *options]
    assert main(["finetune", *task, "--out", str(tmp_path / "run"), *SMALL]) == 2
    assert "belong" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_run_does_not_go_on_with_clips_that_have_changed(tmp_path, capsys):
    """The same names, but another clock."""
    data = write_clips(tmp_path / "own.pkl")
    assert finetune_small(data, tmp_path / "run") == 0
    content = pickle.loads(data.read_bytes())
    content["annotations"][0]["fps"] = 30.0
    data.write_bytes(pickle.dumps(content))
    assert finetune_small(data, tmp_path / "run") == 2
    assert "other data" in capsys.readouterr().err
