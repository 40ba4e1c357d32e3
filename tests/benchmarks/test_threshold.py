"""A threshold of one's own decides what the benchmarks count as shown."""

import json

import cv2
import pytest

pytest.importorskip("torch")  # the benchmarks share their options with training

from benchmarks import idle, live_accuracy


@pytest.fixture(scope="module")
def clip(tmp_path_factory, demo_clip):
    """Three seconds of the bundled clip."""
    path = tmp_path_factory.mktemp("clips") / "walkers.avi"
    film = cv2.VideoCapture(str(demo_clip))
    rate = film.get(cv2.CAP_PROP_FPS)
    for index in range(int(3 * rate)):
        _, picture = film.read()
        if index == 0:
            writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), rate, picture.shape[1::-1])
        writer.write(picture)
    writer.release()
    return path


@pytest.mark.parametrize(("threshold", "unknown"), [("0", 0), ("1", 1)])
def test_of_people_in_held_pictures(threshold, unknown, clip, tmp_path):
    out = tmp_path / "out.json"
    assert idle.main([str(clip), "--seconds", "2", "--threshold", threshold, "--json", str(out)]) == 0
    said = json.loads(out.read_text())
    assert said["decisions"] > 0
    assert said["unknown"] == unknown


@pytest.mark.parametrize(("threshold", "shown"), [("0", 1), ("1", 0)])
def test_of_people_in_videos(threshold, shown, clip, tmp_path):
    table, out = tmp_path / "list.csv", tmp_path / "out.json"
    table.write_text(f"path,words\n{clip.name},walk\n")
    arguments = [str(clip.parent), "--list", str(table), "--threshold", threshold, "--json", str(out)]
    assert live_accuracy.main(arguments) == 0
    said = json.loads(out.read_text())
    assert said["with_a_decision"] == 1
    assert said["labels_shown"] == shown


def test_there_is_none_to_the_loop_that_is_no_pipeline(clip, capsys):
    with pytest.raises(SystemExit) as end:
        live_accuracy.main([str(clip.parent), "--obvious-loop", "--threshold", "0.5"])
    assert end.value.code == 2
    assert "--threshold is of the pipeline" in capsys.readouterr().err
