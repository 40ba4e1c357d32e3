"""The parts of the window that need no session."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("PyQt6", reason="the window needs PyQt6")

from standing import MakeResult, action, person

from app.meter import Reading
from app.window.banner import Banner
from app.window.cameras import list_cameras
from app.window.clock import PausableClock
from app.window.main_window import describe
from app.window.people import PeopleList
from app.window.screen import require_screen
from app.window.status import StatusLabel
from app.window.view import VideoView
from app.window.worker import to_image
from core.errors import UserError


def test_a_paused_clock_stands_still_and_goes_on_where_it_was() -> None:
    now = 10.0
    clock = PausableClock(lambda: now)
    assert clock() == 10.0
    clock.pause()
    clock.pause()
    now = 13.0
    assert (clock(), clock.paused) == (10.0, True)
    clock.resume()
    clock.resume()
    now = 14.5
    assert (clock(), clock.paused) == (11.5, False)


def test_cameras_are_listed_by_name_without_their_metadata_nodes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    for node, index, name in (
        ("video2", "0", "Front"),
        ("video0", "0", "Back"),
        ("video1", "1", "Back"),
        ("v4l", "0", ""),
    ):
        (tmp_path / node).mkdir()
        (tmp_path / node / "index").write_text(index)
        (tmp_path / node / "name").write_text(f"{name}\n")
    assert list_cameras(tmp_path) == [(0, "Back"), (2, "Front")]
    assert list_cameras(tmp_path / "absent") == []


def test_a_picture_keeps_its_colours(qapp: object) -> None:
    picture = np.zeros((40, 61, 3), np.uint8)  # an odd width: rows must not slip
    picture[:, :30] = (255, 0, 0)  # blue in BGR
    image = to_image(picture)
    assert (image.width(), image.height()) == (61, 40)
    for y in (0, 39):
        colour = image.pixelColor(29, y)
        assert (colour.red(), colour.green(), colour.blue()) == (0, 0, 255)
        assert image.pixelColor(30, y).blue() == 0


def test_the_view_shows_the_picture_centred(qtbot: object) -> None:
    view = VideoView()
    view.resize(400, 400)
    view.show_image(to_image(np.full((100, 200, 3), (0, 255, 0), np.uint8)))
    shot = view.grab().toImage()
    assert shot.pixelColor(200, 200).green() == 255
    assert shot.pixelColor(200, 120).green() == 255
    assert shot.pixelColor(200, 50).green() < 60, "black above a wide picture"


def test_the_list_follows_who_is_in_view(qtbot: object, make_result: MakeResult) -> None:
    people = PeopleList()
    people.resize(240, 500)
    box = (0.0, 0.0, 10.0, 10.0)
    people.show_result(make_result(people=(person(2, box), person(5, box)), actions={5: action("wave", 0.8)}))
    assert {track: card.title for track, card in people.cards.items()} == {2: "watching", 5: "wave"}
    people.show_result(make_result(people=(person(5, box), person(3, box)), actions={5: action(None, 0.3)}))
    assert {track: card.title for track, card in people.cards.items()} == {5: "unknown", 3: "watching"}
    people.show_result(make_result())
    assert people.cards == {}


def test_the_banner_tells_and_goes_away(qtbot: object) -> None:
    banner = Banner()
    banner.tell("camera 0 is gone", "error")
    assert (banner.text(), banner.isHidden()) == ("camera 0 is gone", False)
    banner.clear_message()
    assert banner.isHidden()


def test_the_status_line_reads_well() -> None:
    line = describe(Reading(29.6, 41.2, 3, 1, 12.34), "paused")
    assert line.split("   ") == ["12.3 s", "1 person", "30 fps", "age 41 ms", "3 dropped", "paused"]


def test_a_status_that_is_too_long_for_its_room_ends_in_dots_and_is_whole_in_the_tool_tip(qtbot: Any) -> None:
    status = StatusLabel()
    qtbot.addWidget(status)
    status.resize(150, 40)
    status.show()
    text = "a camera with a long name at the back door\n12.3 s   1 person   30 fps   age 41 ms   3 dropped"
    status.show_lines(text)
    for shown, line in zip(status.text().split("\n"), text.split("\n"), strict=True):
        assert shown.endswith("…")
        assert line.startswith(shown[:-1])
        assert status.fontMetrics().horizontalAdvance(shown) <= 150
    assert status.toolTip() == text
    status.resize(1500, 40)
    assert status.text() == text


def test_without_a_screen_the_advice_is_headless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UserError, match="--headless"):
        require_screen()
    monkeypatch.setenv("DISPLAY", ":987")  # nobody serves it
    with pytest.raises(UserError, match="--headless") as refusal:
        require_screen()
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("platform", ["xcb", "wayland", "no such platform"])
def test_a_qt_platform_that_does_not_work_here_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("QT_QPA_PLATFORM", platform)
    with pytest.raises(UserError, match="--headless") as refusal:
        require_screen()
    assert "\n" not in str(refusal.value)
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    require_screen()


def test_without_qt_the_command_that_brings_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"skeleprompt\[window\]"):
        require_screen()
