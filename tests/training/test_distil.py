"""A network learns from teachers: small convolutional networks that saw the same windows."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.errors import UserError
from tests.training.test_runs import small, source
from tests.training.toy import SMALL, moving, write_clips
from training.__main__ import main
from training.evaluate import evaluate
from training.finetune import finetune, predictor
from training.run.distil import TEMPERATURE, Teacher, distillation_loss


def test_the_loss_is_least_where_learner_and_teacher_agree():
    z = torch.randn(4, 7)
    opinion = (z / TEMPERATURE).softmax(-1)
    agreed = z.clone().requires_grad_()
    distillation_loss(agreed, opinion).backward()
    assert agreed.grad.abs().max() < 1e-6
    assert distillation_loss(z + torch.randn(4, 7), opinion) > distillation_loss(z, opinion)


def test_the_temperature_leaves_the_size_of_gradients():
    soft = torch.zeros(1, 2, requires_grad=True)
    distillation_loss(soft, torch.tensor([[0.55, 0.45]])).backward()
    assert soft.grad.abs().max() == pytest.approx(TEMPERATURE * 0.05, rel=1e-4)


def test_what_the_teacher_says_is_learnt(tmp_path):
    """A teacher who calls everything by the other name is believed when nothing else is."""

    def contrary(features):
        wrist = np.abs(features[:, 0, :, 10, 2:4]).sum((1, 2)) > np.abs(features[:, 0, :, 5, 2:4]).sum((1, 2)) * 1.5
        return np.where(wrist[:, None], [[0.02, 0.98]], [[0.98, 0.02]]).astype(np.float32)

    config = replace(small(tmp_path, epochs=8, windows_per_epoch=96, lr=2e-3, average=0.5), teaching=1.0)
    model = finetune(config, [source()], ("circle", "slide"), teacher=Teacher(contrary, "contrary"))
    unseen = [moving(i % 2, 100 + i) for i in range(20)]
    result = evaluate(predictor(model), unseen, ("circle", "slide"), ((0,), (1,)), 16)
    assert result.report()["top1"] <= 0.1


def test_a_run_goes_on_with_its_own_teacher_only(tmp_path):
    def indifferent(features):
        return np.full((len(features), 2), 0.5, np.float32)

    finetune(small(tmp_path), [source()], ("circle", "slide"), teacher=Teacher(indifferent, "one"))
    with pytest.raises(UserError, match="teacher"):
        finetune(small(tmp_path), [source()], ("circle", "slide"), teacher=Teacher(indifferent, "another"))


def test_from_teacher_to_learner_on_the_command_line(tmp_path, capsys):
    data = write_clips(tmp_path / "own.pkl")
    common = ["--data", str(data), "--validate", "val", "--windows-per-epoch", "64", "--batch", "16"]
    teach = ["teacher", *common, "--epochs", "6", "--width", "16", "--device", "cpu", "--out", str(tmp_path / "t")]
    assert main(teach) == 0
    learn = ["finetune", *common, "--epochs", "1", *SMALL, "--teacher", str(tmp_path / "t" / "teacher.safetensors")]
    assert main([*learn, "--out", str(tmp_path / "l")]) == 0
    capsys.readouterr()
    model = str(tmp_path / "l" / "model.safetensors")
    assert main(["finetune", *common, "--epochs", "1", *SMALL, "--teacher", model, "--out", str(tmp_path / "x")]) == 2
    assert "is no DD-Net" in capsys.readouterr().err


def test_a_teacher_of_other_words_is_refused(tmp_path, capsys):
    from skeleformer.baselines.ddnet import DDNet

    data = write_clips(tmp_path / "own.pkl")
    DDNet(2, width=8).save_pretrained(tmp_path / "t.safetensors", ("walk", "run"))
    command = ["finetune", "--data", str(data), *SMALL, "--teacher", str(tmp_path / "t.safetensors")]
    assert main([*command, "--out", str(tmp_path / "x")]) == 2
    assert "other words" in capsys.readouterr().err
