"""Where a file cannot be written, that is one sentence, before the work and after it."""

from pathlib import Path

import pytest

from core.errors import UserError
from training.files import require_writable, write_text


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
