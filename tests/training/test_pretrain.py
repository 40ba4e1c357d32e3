"""2D-to-3D pre-training on a corpus small enough for a test."""

import json

import numpy as np
import pytest

from tests.training.toy import SMALL, write_mocap
from training.__main__ import main
from training.data.mocap import load_mocap
from training.pretrain import PretrainConfig, make_sample, pretrain, procrustes_error
from training.run.checkpoint import load_checkpoint


@pytest.fixture
def corpus(tmp_path):
    """Twenty recordings of a body that swings its arms and turns."""
    return write_mocap(tmp_path / "mocap.npz")


def test_a_sample_is_centred_on_the_hips_and_keeps_bone_lengths(corpus):
    clip = load_mocap(corpus)[0]
    sample = make_sample(clip, np.random.default_rng(0), 16, noisy=False)
    assert sample.features.shape == (16, 17, 5)
    np.testing.assert_allclose(sample.target[:, [11, 12]].mean(1), 0, atol=1e-5)
    thigh = np.linalg.norm(sample.target[:, 11] - sample.target[:, 13], axis=-1)
    np.testing.assert_allclose(thigh, 0.4, atol=2e-3)


def test_masking_hides_a_share_of_the_joints(corpus):
    clip = load_mocap(corpus)[0]
    rng = np.random.default_rng(0)
    hidden = np.mean([(make_sample(clip, rng, 16).features[..., 4] == 0).mean() for _ in range(40)])
    assert 0.15 < hidden < 0.45, "15 % masked, and what the detector misses beside that"


def test_procrustes_ignores_rotation_scale_and_place_but_not_shape():
    rng = np.random.default_rng(0)
    target = rng.normal(size=(3, 17, 3))
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    q *= np.sign(np.linalg.det(q))
    np.testing.assert_allclose(procrustes_error(2.5 * target @ q + 1.0, target), 0, atol=1e-9)
    assert (procrustes_error(target * np.array([1, 1, -1]), target) > 0.1).all(), "a mirror image is another shape"


def test_a_run_writes_encoder_and_report_and_resumes(corpus, tmp_path):
    config = PretrainConfig(
        str(corpus), str(tmp_path / "run"), epochs=1, windows_per_epoch=32, batch=16, frames=8, width=8, layers=1
    )
    report = pretrain(config)
    assert set(report) == {"skeleformer", "mean pose", "linear regression"}
    for sources in report.values():
        assert 0 < sources["rig"]["p_mpjpe_mm"] <= sources["rig"]["mpjpe_mm"] * 1.001
    assert json.loads((tmp_path / "run" / "report.json").read_text()) == report
    state = load_checkpoint(tmp_path / "run" / "encoder.ckpt")
    assert any(key.startswith("temporal.") for key in state["encoder"])
    again = pretrain(config)  # nothing is left to do
    assert again["skeleformer"] == report["skeleformer"]


@pytest.mark.parametrize("lacking", ["held out", "to train on"])
def test_a_source_without_either_part_is_named(tmp_path, capsys, lacking):
    """Takes that are held out are of one source, the others of another."""
    corpus = write_mocap(tmp_path / "mocap.npz", takes=40, frames=20)
    booth = np.array([clip.held_out == (lacking == "to train on") for clip in load_mocap(corpus)])
    with np.load(corpus) as file:
        np.savez(corpus, **{**file, "source": np.where(booth, "booth", "rig")})
    assert main(["pretrain", "--data", str(corpus), "--out", str(tmp_path / "run"), *SMALL]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"error: none of the {booth.sum()} takes of source 'booth' is {lacking}; ")
    assert err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_run_does_not_go_on_with_a_take_that_has_changed_under_its_name(corpus, tmp_path, capsys):
    command = ["pretrain", "--data", str(corpus), "--out", str(tmp_path / "run"), "--epochs", "1"]
    command += ["--windows-per-epoch", "16", "--batch", "16", *SMALL]
    assert main(command) == 0
    with np.load(corpus) as file:
        arrays = dict(file)
    start, end = arrays["clip_start"][3:5]
    arrays["positions"][start:end, 9] += np.float16(0.1)
    np.savez(corpus, **arrays)
    capsys.readouterr()
    assert main(command) == 2
    last = tmp_path / "run" / "last.ckpt"
    said = f"error: {last} is of a run with other corpus: give another --out, or that run's settings\n"
    assert capsys.readouterr().err == said
