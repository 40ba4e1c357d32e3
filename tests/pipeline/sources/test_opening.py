"""What a user may write for a source, and what comes back when it does not exist."""

from __future__ import annotations

import socket
from pathlib import Path

import numpy as np
import pytest

from pipeline.sources import LiveOptions, Policy, SourceError, open_source
from pipeline.sources.live import explain_camera, explain_url


class OnePicture:
    """A camera that always sees the same."""

    def __init__(self, target: int | str) -> None:
        self.target = target

    def isOpened(self) -> bool:
        return True

    def read(self) -> tuple[bool, np.ndarray]:
        return True, np.zeros((48, 64, 3), np.uint8)

    def get(self, propId: int) -> float:
        return 0.0

    def release(self) -> None:
        pass


@pytest.mark.parametrize(
    ("spec", "target", "name"),
    [
        (0, 0, "camera 0"),
        ("1", 1, "camera 1"),
        ("/dev/video2", "/dev/video2", "camera /dev/video2"),
        ("rtsp://me:secret@cam.local/live", "rtsp://me:secret@cam.local/live", "rtsp://***@cam.local/live"),
        ("HTTP://cam.local:8080/video", "HTTP://cam.local:8080/video", "HTTP://cam.local:8080/video"),
    ],
)
def test_cameras_and_addresses_are_live(spec: int | str, target: int | str, name: str) -> None:
    opened = []

    def capture(given: int | str) -> OnePicture:
        opened.append(given)
        return OnePicture(given)

    with open_source(spec, capture=capture) as source:
        assert opened == [target]
        assert (source.name, source.live, source.policy) == (name, True, Policy.NEWEST)
        assert (source.size, source.fps, source.frame_count) == ((64, 48), None, None)
        assert next(source).image.shape == (48, 64, 3)


def test_policies_are_turned_to_what_the_source_can_do(write_video) -> None:
    path = write_video()
    with open_source(path, policy=Policy.NEWEST) as source:
        assert source.policy is Policy.PACED
    with open_source(0, policy=Policy.PACED, capture=OnePicture) as source:
        assert source.policy is Policy.NEWEST
    with open_source(0, policy=Policy.ALL, capture=OnePicture) as source:
        assert source.policy is Policy.ALL


def test_a_file_address_is_a_file(write_video) -> None:
    with open_source(write_video("two words.mp4").as_uri()) as source:
        assert source.name == "two words.mp4"


@pytest.mark.parametrize("spec", ["", "gopher://host/x", -1, None, 1.5])
def test_what_is_no_source_is_refused(spec: object) -> None:
    with pytest.raises(SourceError):
        open_source(spec)  # type: ignore[arg-type]


@pytest.mark.parametrize("number", [87, 99999999999999999999])
def test_an_absent_camera_is_named(number: int) -> None:
    with pytest.raises(SourceError, match=f"camera {number}") as caught:
        open_source(number)
    assert "\n" not in str(caught.value)


def test_why_a_camera_does_not_open(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert explain_camera(0, tmp_path) == "there is no camera 0 (no camera is connected)"
    for number in (2, 10):
        (tmp_path / f"video{number}").touch()
    assert explain_camera(0, tmp_path) == "there is no camera 0 (cameras here: 2, 10)"
    assert "another program is using it" in explain_camera(2, tmp_path)
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert "group 'video'" in explain_camera(2, tmp_path)


def test_a_camera_that_opens_but_gives_nothing_is_busy() -> None:
    class Busy(OnePicture):
        def read(self) -> tuple[bool, None]:
            return False, None

    with pytest.raises(SourceError, match="camera 0 opens but gives no picture: it is in use"):
        open_source(0, capture=Busy)


def test_an_unreachable_address_is_told_without_its_credentials() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(SourceError) as caught:
        open_source(f"rtsp://admin:hunter2@127.0.0.1:{port}/live", options=LiveOptions(open_timeout_s=5))
    assert "refuses connections" in str(caught.value)
    for secret in ("admin", "hunter2"):
        assert secret not in str(caught.value)
    assert caught.value.__cause__ is None


def test_why_an_address_does_not_open() -> None:
    assert "is not known" in explain_url("http://nobody.invalid/x")
    assert "not a valid address" in explain_url("http://host:port/x")
    assert "names no host" in explain_url("http:///x")
    said = explain_url("rtsp://hidden/word@nobody.invalid/x")
    assert "hidden" not in said
    assert "word" not in said
