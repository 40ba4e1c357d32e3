"""No credential survives in an address that people or files see."""

from __future__ import annotations

import pytest

from pipeline.sources import redact_text, redact_url


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://admin:hunter2@10.0.0.5:554/live", "rtsp://***@10.0.0.5:554/live"),
        ("rtsp://admin:hunter2@[fe80::1]:554/live", "rtsp://***@[fe80::1]:554/live"),
        ("rtsp://token@10.0.0.5/live", "rtsp://***@10.0.0.5/live"),
        ("rtsp://admin:p@ss/w?rd#1@cam/live", "rtsp://***@cam/live"),
        ("http://cam/video?user=admin&pwd=hunter2&ch=1", "http://cam/video?user=***&pwd=***&ch=***"),
        ("http://cam/video?hunter2", "http://cam/video?***"),
        ("rtsp://cam/user=admin_password=hunter2_channel=1.sdp", "rtsp://cam/user=***_password=***_channel=1.sdp"),
        ("rtsp://cam/user=admin&password=hunter2&channel=1", "rtsp://cam/user=***&password=***&channel=1"),
        ("http://cam:8080/video", "http://cam:8080/video"),
        ("clip.mp4", "clip.mp4"),
        ("me@home.mp4", "me@home.mp4"),
    ],
)
def test_addresses(address: str, shown: str) -> None:
    assert redact_url(address) == shown


def test_addresses_inside_a_sentence() -> None:
    text = "cannot open 'rtsp://admin:hunter2@cam/live' (tried http://cam/?key=hunter2 too)"
    assert "hunter2" not in redact_text(text)
    assert redact_text(text).startswith("cannot open 'rtsp://***@cam/live' (tried")
