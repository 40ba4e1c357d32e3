"""What all benchmarks share: errors in one sentence, and figures that are not lost for want of a place."""

from __future__ import annotations

import argparse
import errno
import json

import pytest

from benchmarks.shared.report import Output, exit_code, outputs, positive
from calibration import CalibrationError
from core.errors import WeightsError
from core.files import WholeFile
from engines import BackendUnavailable, EngineError
from pipeline import UserError


def raiser(error):
    """A measurement that ends in this error."""

    def measure():
        raise error

    return measure


@pytest.mark.parametrize("kind", [UserError, EngineError, BackendUnavailable, CalibrationError, WeightsError])
def test_what_cannot_work_is_one_sentence_and_exit_code_2(kind, capsys):
    assert exit_code(raiser(kind("it is too dark"))) == 2
    assert capsys.readouterr().err == "error: it is too dark\n"


def test_a_fault_stays_a_fault():
    with pytest.raises(LookupError):
        exit_code(raiser(LookupError("a fault of ours")))


def test_ctrl_c_is_no_traceback(capsys):
    assert exit_code(raiser(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err == "interrupted; nothing is written\n"


def test_a_place_that_cannot_be_written_is_refused_at_once(tmp_path):
    with pytest.raises(UserError, match="there is no folder"):
        Output(tmp_path / "absent" / "out.json")
    with pytest.raises(UserError, match="is a folder"):
        Output(tmp_path)


def test_figures_appear_whole_and_alone(tmp_path):
    path = tmp_path / "out.json"
    Output(path).write_json({"fps": 31})
    assert json.loads(path.read_text()) == {"fps": 31}
    assert list(tmp_path.iterdir()) == [path]
    Output(None).write_json({"fps": 31})


def test_two_outputs_need_two_files_and_neither_takes_an_inputs_place(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    a.touch()
    with pytest.raises(UserError, match="--json and --markdown both name"):
        outputs({"--json": b, "--markdown": tmp_path / "x" / ".." / "b"})
    with pytest.raises(UserError, match="--markdown would overwrite"):
        outputs({"--json": b, "--markdown": a}, None, str(a))
    json_out, nothing = outputs({"--json": b, "--markdown": None}, a)
    json_out.write_json({})
    nothing.write_text("never")
    assert sorted(tmp_path.iterdir()) == [a, b]


def test_an_older_file_stays_until_there_are_new_figures(tmp_path):
    path = tmp_path / "out.json"
    path.write_text("older")
    out = Output(path)
    assert path.read_text() == "older"
    with pytest.raises(TypeError):
        out.write_json({"fps": object()})
    del out
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_one_sentence(tmp_path, monkeypatch):
    out = Output(tmp_path / "out.json")

    def full(self):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(WholeFile, "commit", full)
    with pytest.raises(UserError, match=r"out\.json cannot be written: No space left on device"):
        out.write_text("figures")


@pytest.mark.parametrize("text", ["0", "-3", "2.5", "many", "", "²"])
def test_counts_are_above_0(text):
    with pytest.raises(argparse.ArgumentTypeError):
        positive(text)


def test_a_count():
    assert positive("12") == 12
