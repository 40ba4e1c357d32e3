"""Built engines on disk: whole, checked, found by everything they depend on, built once."""

from __future__ import annotations

import dataclasses
import errno
import multiprocessing
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock

from engines import EngineError
from engines.nvidia.engine_cache import (
    VARIABLE,
    EngineKey,
    StoredEngine,
    cache_folder,
    differences,
    fetch,
    locked,
    store,
)

KEY = EngineKey("tensorrt", "10.13.0", "NVIDIA T4 7.5", "fp16", "people 1-16", "0123456789abcdef")
ENGINE = StoredEngine(KEY, {"labels": '["wave"]'}, bytes(range(256)) * 40)


def test_an_engine_comes_back_as_it_was_stored(tmp_path):
    store(tmp_path / "a.engine", ENGINE)
    assert fetch(tmp_path / "a.engine") == ENGINE
    assert [p.name for p in tmp_path.iterdir()] == ["a.engine"]


@pytest.mark.parametrize("field", EngineKey.__slots__)
def test_everything_an_engine_depends_on_is_in_its_name(field):
    other = dataclasses.replace(KEY, **{field: "something else"})
    assert other.file_name("m") != KEY.file_name("m")
    assert field in differences(KEY, other)
    assert differences(KEY, KEY) == ""


def test_any_truncation_is_noticed(tmp_path):
    path = tmp_path / "a.engine"
    store(path, ENGINE)
    data = path.read_bytes()
    for length in (0, 3, 8, 11, 12, 40, 200, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        with pytest.raises(EngineError, match=r"a\.engine"):
            fetch(path)


def test_any_flipped_byte_is_noticed(tmp_path):
    path = tmp_path / "a.engine"
    store(path, ENGINE)
    data = path.read_bytes()
    for position in range(0, len(data), 97):
        damaged = bytearray(data)
        damaged[position] ^= 0x40
        path.write_bytes(bytes(damaged))
        try:
            found = fetch(path)
        except EngineError:
            continue
        assert found.plan == ENGINE.plan  # only the description was hit, and it says so
        assert differences(found.key, KEY) or found.metadata != ENGINE.metadata


def test_the_folder_is_the_users_cache_unless_named(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    assert (tmp_path / "mine").is_dir()
    if sys.platform == "linux":
        monkeypatch.delenv(VARIABLE)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        assert cache_folder() == tmp_path / "skeleprompt"
    monkeypatch.setenv(VARIABLE, str(tmp_path / "file" / "below"))
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineError, match=VARIABLE):
        cache_folder()


def test_a_folder_without_room_for_a_lock_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "a.lock").mkdir()
    with pytest.raises(EngineError, match=rf"cannot keep engines.*{VARIABLE}"), locked(tmp_path / "a.engine"):
        pass

    def no_locks(lock: FileLock, blocking: bool = True) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("filelock.FileLock.acquire", no_locks)
    with pytest.raises(EngineError, match="No locks available"), locked(tmp_path / "b.engine"):
        pass


def test_an_error_under_the_lock_stays_what_it_is(tmp_path):
    with pytest.raises(OSError, match="disk"), locked(tmp_path / "a.engine"):
        raise OSError("the disk is gone")
    with locked(tmp_path / "a.engine"):
        pass  # it was released


def _count(folder: Path, times: int) -> None:
    for _ in range(times):
        with locked(folder / "counter"):
            number = int((folder / "counter").read_text())
            time.sleep(0.002)
            (folder / "counter").write_text(str(number + 1))


def test_two_processes_hold_the_lock_one_after_the_other(tmp_path):
    (tmp_path / "counter").write_text("0")
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_count, args=(tmp_path, 25)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert (tmp_path / "counter").read_text() == "50"
