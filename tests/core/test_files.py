"""One file, whatever its name; and where it cannot be written, that is one sentence, before the work and after it."""

import os
from pathlib import Path

import pytest

from core.errors import UserError
from core.files import WholeFile, file_identity, filling, require_writable, write_text


def test_a_file_that_can_be_written_is_left_alone(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    (tmp_path / "a.txt.part").write_text("of a run that was killed")
    require_writable(tmp_path / "a.txt")
    require_writable(tmp_path / "new" / "b.txt")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.txt", "new"]
    assert (tmp_path / "a.txt").read_text() == "old"
    assert not list((tmp_path / "new").iterdir())


@pytest.mark.parametrize("check", [require_writable, lambda path: write_text(path, "new")])
@pytest.mark.parametrize(
    ("place", "said"),
    [(".", "it is a folder"), ("/", "it is a folder"), ("folder", "it is a folder"), ("blocked", "Is a directory"),
     ("file/a.txt", "cannot make the folder file"), ("x" * 256, "File name too long")],
)  # fmt: skip
def test_a_place_that_cannot_be_written_is_named(tmp_path, monkeypatch, check, place, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "blocked.part").mkdir()
    (tmp_path / "file").write_text("old")
    with pytest.raises(UserError, match=said):
        check(Path(place))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["blocked.part", "file", "folder"]


@pytest.mark.parametrize("name", ["a.bin", "no ending"])
def test_two_writers_of_one_file_do_not_mix(tmp_path, name):
    path = tmp_path / name
    with filling(path) as first:
        first.write(b"first")
        with filling(path) as second:
            second.write(b"second, longer")
        assert path.read_bytes() == b"second, longer"
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_writing_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), filling(path) as file:
        file.write(b"new" * (1 // 0))
    WholeFile(path).discard()
    assert [(p, p.read_bytes()) for p in tmp_path.iterdir()] == [(path, b"old")]


@pytest.mark.parametrize("place", [".", "folder"])
def test_a_folder_is_no_place_for_a_file(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match=r"."), filling(Path(place)):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("there", [True, False])
def test_other_spellings_and_links_are_the_same_file(tmp_path, monkeypatch, there):
    own = tmp_path / "own"
    (tmp_path / "folder").mkdir()
    if there:
        own.write_text("")
        os.link(own, tmp_path / "second")
        assert file_identity(tmp_path / "second") == file_identity(own)
    (tmp_path / "link").symlink_to(own)
    monkeypatch.chdir(tmp_path)
    names = ("own", "./own", "folder/../own", "link", str(own), own)
    assert len({file_identity(name) for name in names}) == 1


def test_a_copy_is_another_file(tmp_path):
    (tmp_path / "a").write_text("same")
    (tmp_path / "b").write_text("same")
    assert file_identity(tmp_path / "a") != file_identity(tmp_path / "b") != file_identity(tmp_path / "absent")


@pytest.mark.parametrize("name", ["a" * 5000, "a\0b", "a/" * 3000, "", "~nobody/x"])
def test_names_that_cannot_be_used_are_no_error(name):
    assert file_identity(name) == file_identity(name)
    assert file_identity(name) != file_identity(f"{name}2")
