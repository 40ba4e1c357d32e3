"""Which pictures of a video are held, and that a held one trembles a little and shows nothing new."""

import cv2
import numpy as np
import pytest

from core.errors import UserError
from training.__main__ import main
from training.data.held import FPS, held, pictures

SHADES = np.arange(20, 220, 20)


@pytest.fixture
def video(tmp_path):
    """One that becomes brighter from frame to frame."""
    path = tmp_path / "brighter.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for shade in SHADES:
        writer.write(np.full((48, 64, 3), shade, np.uint8))
    writer.release()
    return path


@pytest.mark.parametrize(("count", "frames"), [(1, [0]), (2, [0, 9]), (4, [0, 3, 6, 9]), (50, range(10))])
def test_pictures_lie_between_the_first_and_the_last(video, count, frames):
    shades = [picture.mean() for picture in pictures(video, count)]
    assert shades == pytest.approx(list(SHADES[list(frames)]), abs=3)


def test_a_file_without_pictures_is_one_sentence(tmp_path):
    (tmp_path / "empty.avi").write_text("")
    with pytest.raises(UserError, match=r"empty\.avi is empty"):
        list(pictures(tmp_path / "empty.avi", 1))


def test_a_held_picture_trembles_about_itself():
    picture = np.full((48, 64, 3), 100, np.uint8)
    picture[16:32, 24:40] = 200
    frames = np.stack(list(held(picture, 2))).astype(float)
    assert len(frames) == 2 * FPS
    assert 3 < frames[:, 5, 5].std() < 9  # grey levels of noise
    assert np.abs(frames.mean(0) - picture).mean() < 6
    assert not np.array_equal(frames[0], frames[1])


def test_held_pictures_of_videos_lie_in_the_folder_of_their_class(video, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["hold", str(video), str(video), "--pictures", "2", "--seconds", "0.5", "--out", str(out)]) == 0
    assert "wrote 4 held pictures to" in capsys.readouterr().out
    written = sorted((out / "idle").iterdir())
    assert [path.name for path in written] == ["0000-0.avi", "0000-1.avi", "0001-0.avi", "0001-1.avi"]
    shades = {}
    for path in written:
        film = cv2.VideoCapture(str(path))
        shades[path.name] = [film.read()[1].mean() for _ in range(15)]
        assert not film.grab()
    for index, shade in enumerate((SHADES[0], SHADES[-1])):
        assert shades[f"0000-{index}.avi"] == pytest.approx([shade] * 15, abs=4)


def test_held_pictures_replace_no_video(video, tmp_path, capsys):
    folder = tmp_path / "idle"
    folder.mkdir()
    own = video.rename(folder / "0000-0.avi")
    before = own.read_bytes()
    assert main(["hold", str(own), "--out", str(tmp_path)]) == 2
    assert "--out would overwrite" in capsys.readouterr().err
    assert own.read_bytes() == before


def test_a_video_that_cannot_be_read_is_one_sentence(tmp_path, capsys):
    assert main(["hold", str(tmp_path / "absent.avi"), "--out", str(tmp_path / "out")]) == 2
    assert "there is no file" in capsys.readouterr().err
    assert not list((tmp_path / "out").rglob("*.avi"))
