"""One file, whatever its name."""

import os

import pytest

from pipeline.files import file_identity


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
