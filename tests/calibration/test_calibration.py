"""Honest probabilities: what a fit does to them, and what a damaged file does not."""

import json
import re

import numpy as np
import pytest

from calibration import Calibration, CalibrationError
from calibration.__main__ import main
from calibration.fit import expected_calibration_error, fit, fit_temperature, fit_threshold


def overconfident(rng, n=2000, classes=5, scale=4.0):
    """Logits whose softmax is right only after division by ``scale``."""
    logits = rng.normal(0, 1.5, (n, classes))
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    label = np.array([rng.choice(classes, p=row) for row in p])
    return logits * scale, np.eye(classes, dtype=bool)[label]


def test_probabilities_are_a_tempered_softmax():
    logits = np.array([[2.0, 0.0, -1.0]])
    p, known = Calibration(temperature=2.0, threshold=0.5).decide(logits)
    expected = np.exp([1.0, 0.0, -0.5])
    np.testing.assert_allclose(p[0], expected / expected.sum(), rtol=1e-6)
    assert known[0]


def test_below_the_threshold_the_person_is_unknown():
    logits = np.log(np.array([[0.6, 0.4], [0.9, 0.1]]))
    _, known = Calibration(threshold=0.7).decide(logits)
    assert known.tolist() == [False, True]


def test_large_logits_stay_finite():
    p, _ = Calibration().decide(np.array([[1e4, -1e4]], np.float32))
    np.testing.assert_allclose(p, [[1.0, 0.0]])


def test_fit_finds_the_temperature_that_made_the_logits():
    logits, right = overconfident(np.random.default_rng(0))
    assert fit_temperature(logits, right) == pytest.approx(4.0, rel=0.1)


def test_fit_makes_the_confidence_honest():
    logits, right = overconfident(np.random.default_rng(1))
    _, figures = fit(logits, right)
    assert figures["ece"] < 0.04 < 0.15 < figures["ece_before"]


def test_fitted_threshold_keeps_its_promise_on_unseen_windows():
    rng = np.random.default_rng(2)
    calibration, _ = fit(*overconfident(rng), precision=0.8)
    logits, right = overconfident(rng)
    p, shown = calibration.decide(logits)
    assert 0.1 < shown.mean() < 0.9
    assert right[np.arange(len(p)), p.argmax(1)][shown].mean() == pytest.approx(0.8, abs=0.04)


def test_threshold_is_the_lowest_that_reaches_the_precision():
    confidence = np.linspace(1, 0.01, 100)
    correct = np.arange(100) < 50
    assert fit_threshold(confidence, correct, 1.0) == pytest.approx(confidence[49])


def test_equal_confidences_are_shown_together_or_not_at_all():
    confidence = np.repeat([0.9, 0.8], [30, 70])
    correct = np.arange(100) < 40  # 100 % above, 14 % below: 80 % right only where some of the equal ones were hidden
    assert fit_threshold(confidence, correct, 0.8) == pytest.approx(0.9)


def test_what_is_shown_at_the_threshold_in_the_fit_is_shown_afterwards():
    logits = np.zeros((60, 5))  # a fifth each, which rounds up
    calibration, figures = fit(logits, np.eye(5, dtype=bool)[np.zeros(60, int)])
    assert figures["shown"] == 1
    assert calibration.decide(logits)[1].all()


def test_calibration_error_of_a_coin_that_claims_certainty():
    assert expected_calibration_error(np.ones(1000), np.arange(1000) % 2 == 0) == pytest.approx(0.5)


def test_saved_file_comes_back(tmp_path):
    calibration = Calibration(1.7, 0.42, "a model")
    calibration.save(tmp_path / "c.json", {"data": "x"})
    assert Calibration.load(tmp_path / "c.json") == calibration
    assert [p.name for p in tmp_path.iterdir()] == ["c.json"]


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"format": "other"}', '{"format": "skeleprompt-calibration-1", "temperature": 1}',
     '{"format": "skeleprompt-calibration-1", "temperature": -1, "threshold": 0.5}',
     '{"format": "skeleprompt-calibration-1", "temperature": 1, "threshold": 7}'],
)  # fmt: skip
def test_damaged_files_are_refused_with_a_sentence(tmp_path, content):
    path = tmp_path / "c.json"
    path.write_text(content)
    with pytest.raises(CalibrationError):
        Calibration.load(path)


def test_command_fits_and_writes(tmp_path, capsys):
    logits, right = overconfident(np.random.default_rng(3), n=300)
    np.savez(tmp_path / "l.npz", logits=logits, right=right)
    assert main(["fit", "--logits", str(tmp_path / "l.npz"), "--out", str(tmp_path / "c.json")]) == 0
    fitted = json.loads((tmp_path / "c.json").read_text())
    assert fitted["temperature"] == pytest.approx(Calibration.load(tmp_path / "c.json").temperature)
    assert fitted["fitted_on"]["windows"] == 300
    assert "temperature" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("logits", "right", "warnings"),
    [
        (np.eye(5)[np.arange(120) % 5] * 4, np.arange(120) // 5 % 5, ["90.0%; .* 20.0% of the labels", "highest .*20"]),
        (np.eye(5)[np.arange(120) % 5] / 10, np.arange(120) % 5, [r"lowest .*0\.05"]),
        (*overconfident(np.random.default_rng(5), n=500), []),
    ],
)
def test_command_warns_of_a_fit_that_is_not_what_was_asked_for(tmp_path, capsys, logits, right, warnings):
    right = right if right.ndim == 2 else np.eye(5, dtype=bool)[right]
    np.savez(tmp_path / "l.npz", logits=logits, right=right)
    words = ["fit", "--precision", "0.9", "--logits", str(tmp_path / "l.npz"), "--out", str(tmp_path / "c.json")]
    assert main(words) == 0
    said = capsys.readouterr().err.splitlines()
    assert len(said) == len(warnings)
    for line, hint in zip(said, warnings, strict=True):
        assert re.match(f"warning: .*{hint}", line)


def test_command_does_not_write_over_the_logits(tmp_path, capsys):
    path = tmp_path / "l.npz"
    np.savez(path, logits=np.zeros((60, 3)), right=np.ones((60, 3)))
    before = path.read_bytes()
    (tmp_path / "link.json").symlink_to(path)
    for out in (path, tmp_path / "link.json"):
        assert main(["fit", "--logits", str(path), "--out", str(out)]) == 2
        assert "would overwrite" in capsys.readouterr().err
    assert path.read_bytes() == before


def cut_off(path, part):
    """An archive of which the last part is missing."""
    np.savez_compressed(path, logits=np.zeros((60, 3)), right=np.ones((60, 3), bool))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])


def damaged(path):
    """An archive of the right length with other bytes in the middle."""
    np.savez_compressed(path, logits=np.arange(180.0).reshape(60, 3), right=np.ones((60, 3), bool))
    content = bytearray(path.read_bytes())
    content[200:240] = bytes(40)
    path.write_bytes(content)


def one_array(path):
    """What ``np.save`` writes, under the name of an archive."""
    with path.open("wb") as file:
        np.save(file, np.zeros((60, 3)))


@pytest.mark.parametrize(
    ("make", "hint"),
    [
        (lambda p: None, "No such file"),
        (lambda p: p.write_text("no"), "holds no logits"),
        (lambda p: p.write_bytes(b""), "holds no logits"),
        (lambda p: cut_off(p, 0.5), "holds no logits"),
        (lambda p: cut_off(p, 0.95), "holds no logits"),
        (damaged, "holds no logits"),
        (one_array, "single array"),
        (lambda p: np.savez(p, other=1), "holds no logits"),
        (lambda p: np.savez(p, logits=np.array([{}], object), right=[1]), "holds no logits"),
        (lambda p: np.savez(p, logits=np.zeros((60, 3)), right=np.ones((60, 2))), "same two axes"),
        (lambda p: np.savez(p, logits=np.zeros(60), right=np.ones(60)), "same two axes"),
        (lambda p: np.savez(p, logits=np.float32(1), right=True), "same two axes"),
        (lambda p: np.savez(p, logits=np.zeros((60, 0)), right=np.ones((60, 0))), "no class"),
        (lambda p: np.savez(p, logits=np.full((60, 3), np.nan), right=np.ones((60, 3))), "finite"),
        (lambda p: np.savez(p, logits=np.full((60, 3), "a"), right=np.ones((60, 3))), "finite"),
        (lambda p: np.savez(p, logits=np.zeros((9, 3)), right=np.ones((9, 3))), "too few"),
        (lambda p: np.savez(p, logits=np.zeros((60, 3)), right=np.zeros((60, 3))), "no window has a right class"),
    ],
)
def test_command_names_what_is_wrong(tmp_path, capsys, make, hint):
    path = tmp_path / "l.npz"
    make(path)
    assert main(["fit", "--logits", str(path), "--out", str(tmp_path / "c.json")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert hint in said
    assert "pickle" not in said, "nobody is told to load what may run code"
    assert not (tmp_path / "c.json").exists()


@pytest.mark.parametrize("out", [".", "absent/c.json", "x" * 300, "/proc/c.json", "/dev/null/c.json"])
def test_command_names_a_place_that_cannot_be_written(tmp_path, capsys, monkeypatch, out):
    monkeypatch.chdir(tmp_path)
    logits, right = overconfident(np.random.default_rng(4), n=60)
    np.savez("l.npz", logits=logits, right=right)
    assert main(["fit", "--logits", "l.npz", "--out", out]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert out in said.err
    assert said.out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["l.npz"]
