"""Several cameras in one process: one network in memory, one follower each."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from pose_scenes import scene, sprite

from models import model_path
from pipeline.pose import PoseError
from pipeline.pose.movenet import network as shared
from pipeline.pose.movenet.costs import Costs
from pipeline.pose.movenet.follow import MoveNetFollower
from pipeline.pose.movenet.lightning import MoveNetLightning
from pipeline.pose.movenet.network import PoseNetwork
from pipeline.pose.movenet.square import Square

LIGHTNING = model_path("movenet-lightning.onnx")
PICTURE = np.full((1, 192, 192, 3), 90, np.int32)


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were really loaded, whatever other tests still hold."""
    monkeypatch.setattr(shared, "_SHELF", shared._Shelf())
    loaded = []
    load = shared.load

    def counted(path: Path, backend: str):
        loaded.append(path)
        return load(path, backend)

    monkeypatch.setattr(shared, "load", counted)
    return loaded


def test_a_graph_is_loaded_once_and_released_with_its_last_holder(loads: list[Path]) -> None:
    first, second = PoseNetwork(LIGHTNING), PoseNetwork(LIGHTNING)
    assert len(loads) == 1
    network = second._loaded.network
    expected = first(PICTURE)
    first.close()
    first.close()  # twice counts once
    np.testing.assert_array_equal(second(PICTURE), expected)
    with pytest.raises(PoseError, match="closed"):
        first(PICTURE)
    second.close()
    assert network._session is None
    third = PoseNetwork(LIGHTNING)
    assert len(loads) == 2
    third.close()


def test_a_graph_that_was_replaced_on_disk_is_loaded_anew(loads: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "pose.onnx"
    path.write_bytes(LIGHTNING.read_bytes())
    old = PoseNetwork(path)
    path.write_bytes(b"something else")
    with pytest.raises(PoseError, match="cannot be loaded"):
        PoseNetwork(path)
    assert old(PICTURE).shape == (1, 1, 17, 3)
    old.close()
    assert len(loads) == 2


def test_cameras_share_the_networks_and_nothing_else(loads: list[Path]) -> None:
    """Two followers, each with a scene of its own, in threads of their own, see what each sees alone."""
    scenes = [
        list(scene([(sprite("dancer"), lambda t: (20 + 90 * t, 100))], seconds=0.7)),
        list(scene([(sprite("runner"), lambda t: (380 - 60 * t, 120))], seconds=0.7)),
    ]
    alone = []
    for frames in scenes:
        follower = MoveNetFollower(costs=Costs())
        alone.append([follower.estimate(frame) for frame in frames])
        follower.close()
    loads.clear()
    followers = [MoveNetFollower(costs=Costs()) for _ in scenes]
    assert sorted(path.name for path in loads) == ["movenet-lightning.onnx", "movenet-multipose.onnx"]
    together: list[list] = [[], []]
    start = threading.Barrier(2, timeout=20)

    def camera(number: int) -> None:
        start.wait()
        together[number] = [followers[number].estimate(frame) for frame in scenes[number]]

    threads = [threading.Thread(target=camera, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for follower in followers:
        follower.close()
    for mine, reference in zip(together, alone, strict=True):
        assert [len(poses) for poses in mine] == [len(poses) for poses in reference]
        for poses, others in zip(mine, reference, strict=True):
            for pose, other in zip(poses, others, strict=True):
                np.testing.assert_array_equal(pose.keypoints, other.keypoints)


class SlowNetwork:
    """A network whose engine does not say that it may be run in several threads."""

    backend = "tensorrt"

    def __init__(self) -> None:
        self.inside = self.most = 0

    def run(self, feeds: dict) -> dict:
        self.inside += 1
        self.most = max(self.most, self.inside)
        threading.Event().wait(0.02)
        self.inside -= 1
        return {"poses": np.zeros((1, 1, 17, 3), np.float32)}

    def close(self) -> None:
        pass


def test_engines_that_promise_nothing_are_run_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    network = SlowNetwork()
    monkeypatch.setattr(shared, "load", lambda path, backend: network)
    handles = [PoseNetwork(LIGHTNING, "tensorrt") for _ in range(3)]
    threads = [threading.Thread(target=handle, args=(PICTURE,)) for handle in handles]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for handle in handles:
        handle.close()
    assert network.most == 1


def test_one_estimator_serves_several_threads() -> None:
    lightning = MoveNetLightning()
    frame = next(scene([(sprite("dancer"), lambda t: (40, 120))], seconds=0.1))
    squares = [Square(20 + 10 * i, 90, 300) for i in range(4)]
    expected = [lightning.look(frame.image, square).keypoints for square in squares]
    got: dict[int, np.ndarray] = {}
    threads = [
        threading.Thread(target=lambda i=i: got.update({i: lightning.look(frame.image, squares[i]).keypoints}))
        for i in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lightning.close()
    for i in range(4):
        np.testing.assert_array_equal(got[i], expected[i])
