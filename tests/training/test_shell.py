"""How the training commands end: by signals, without torch, and by Ctrl-C before they have begun."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.training.toy import ROOT, SMALL, start, write_clips
from training.shell import exit_code

needs_posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
needs_proc = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="reads children from /proc")


def wait_for(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
    return found


def signalled(name, before=""):
    """A process that gets a signal while it does what a user asked for; its exit code and what it said."""
    child = start(program=("-c", f"""
import os, signal, sys
from training.shell import exit_code
{before}
code = exit_code(lambda: os.kill(os.getpid(), signal.{name}), "it goes on")
print(signal.getsignal(signal.{name}).name)
sys.exit(code)
"""))  # fmt: skip
    out, err = child.communicate(timeout=60)
    return child.returncode, out.strip(), err


@needs_posix
@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_to_end_is_one_sentence_and_ends_at_once_afterwards(name, code):
    assert signalled(name) == (code, "SIG_DFL", "it goes on\n")


@needs_posix
def test_what_nohup_ignores_stays_ignored():
    assert signalled("SIGHUP", "signal.signal(signal.SIGHUP, signal.SIG_IGN)") == (0, "SIG_IGN", "")


def test_processes_of_torchrun_die_of_signals_as_before(monkeypatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    heard = []
    assert exit_code(lambda: heard.append(signal.getsignal(signal.SIGTERM)), "") == 0
    assert heard == [signal.SIG_DFL]


@needs_posix
def test_a_run_that_is_told_to_end_goes_on_later(tmp_path):
    command = ["finetune", "--data", str(write_clips(tmp_path / "own.pkl")), "--out", str(tmp_path / "run"), *SMALL]
    child = start(*command, "--epochs", "10000", "--windows-per-epoch", "16", "--batch", "8")
    wait_for((tmp_path / "run" / "last.ckpt").exists)
    child.terminate()
    _, err = child.communicate(timeout=60)
    assert child.returncode == 143
    assert err.endswith("interrupted; the same command goes on from the last epoch\n")
    assert not list((tmp_path / "run").glob("*.part"))


def children(process):
    return Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()


def alive(pids):
    """Those that are no zombies: who adopts an orphan may be slow to bury it."""
    return [p for p in pids if Path(f"/proc/{p}").exists() and ") Z " not in Path(f"/proc/{p}/stat").read_text()]


@needs_proc
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_no_worker_outlives_an_extraction(tmp_path, demo_clip, number, code):
    for label in ("walk", "box"):
        (tmp_path / "videos" / label).mkdir(parents=True)
        (tmp_path / "videos" / label / "long.mp4").symlink_to(demo_clip)
    child = start("extract", str(tmp_path / "videos"), "--out", str(tmp_path / "own.pkl"), "--workers", "2")
    workers = wait_for(lambda: found if len(found := children(child)) == 2 else None)
    try:
        time.sleep(1)  # they are at their videos, or about to be
        child.send_signal(number)
        _, err = child.communicate(timeout=60)
        assert child.returncode == code
        if code > 0:
            assert err.splitlines()[-1] == "interrupted; the same command goes on with the videos that are left"
            assert "Traceback" not in err
        wait_for(lambda: not alive(workers), 10)
        assert not (tmp_path / "own.pkl").exists()
    finally:
        for pid in alive(workers):
            os.kill(int(pid), signal.SIGKILL)


def started(module, *arguments, torch):
    """``python -m MODULE`` where importing torch does what the lines ``torch`` say."""
    program = f"""
import importlib.abc, runpy, sys

class Torch(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "torch":
            {torch}

sys.meta_path.insert(0, Torch())
sys.argv = {[module, *arguments]!r}
runpy.run_module({module!r}, run_name="__main__", alter_sys=True)
"""
    return subprocess.run([sys.executable, "-c", program], cwd=ROOT, text=True, capture_output=True, check=False,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip


PROGRAMS = [
    ("training", "--help"), ("training", "extract", "videos", "--out", "own.pkl"),
    ("training.tables", "--help"), ("skeleformer", "table"),
]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=" ".join)
def test_without_torch_the_extra_is_named(program):
    ended = started(*program, torch="raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == 'error: this needs torch: pip install "skeleprompt[train]"\n'


@pytest.mark.parametrize("program", PROGRAMS, ids=" ".join)
def test_ctrl_c_while_torch_is_imported_is_one_word(program):
    ended = started(*program, torch="raise KeyboardInterrupt")
    assert (ended.returncode, ended.stderr) == (130, "interrupted\n")
