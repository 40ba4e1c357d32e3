"""A real stream over HTTP, from a server that asks for a password, stalls and hangs up."""

from __future__ import annotations

import base64
import itertools
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import pytest
from source_fakes import PATIENCE_S, picture, wait_for

from pipeline.sources import EventKind, LiveOptions, Policy, SourceError, SourceEvent, open_source

FRAMES_A_CONNECTION = 30
LOGIN = "Basic " + base64.b64encode(b"joe:hunter2").decode()


class StreamServer(ThreadingHTTPServer):
    """Motion JPEG. The first stream falls silent, the second hangs up, later ones go on for ever."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), StreamHandler)
        self.streams = itertools.count()
        self.logins: list[str] = []
        self.over = threading.Event()
        self.recording = b""
        self.hang_up_at: int | None = None

    @property
    def url(self) -> str:
        return f"http://joe:hunter2@127.0.0.1:{self.server_port}/video"


class StreamHandler(BaseHTTPRequestHandler):
    server: StreamServer

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        login = self.headers.get("Authorization")
        if self.path == "/recording":
            data = self.server.recording
            self.send_response(200)
            self.send_header("Content-Type", "video/mp4")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: self.server.hang_up_at])
            return
        if self.path == "/text":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"no video here")
            return
        if login != LOGIN:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="camera"')
            self.end_headers()
            return
        self.server.logins.append(login)
        stream = next(self.server.streams)
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=cut")
        self.end_headers()
        try:
            for number in itertools.count():
                if number == FRAMES_A_CONNECTION and stream == 0:
                    self.server.over.wait(PATIENCE_S)
                    return
                if number == FRAMES_A_CONNECTION and stream == 1:
                    return
                jpeg = cv2.imencode(".jpg", picture(5 * (number % 50)))[1].tobytes()
                head = f"--cut\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                self.wfile.write(head.encode() + jpeg + b"\r\n")
                if self.server.over.wait(0.01):
                    return
        except OSError:  # the reader has left
            return


@pytest.fixture
def server() -> Iterator[StreamServer]:
    server = StreamServer()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()
    thread.join(PATIENCE_S)


def test_a_stream_that_stalls_and_hangs_up_is_followed(server: StreamServer, caplog, capfd) -> None:
    events: list[SourceEvent] = []
    options = LiveOptions(stall_timeout_s=1.0, backoff_first_s=0.05)
    with caplog.at_level(logging.DEBUG):
        with open_source(server.url, policy=Policy.ALL, options=options, on_event=events.append) as source:
            assert (source.live, source.size, source.frame_count) == (True, (64, 48), None)
            frames = list(itertools.islice(source, 3 * FRAMES_A_CONNECTION))
            stats = source.stats
        wait_for(lambda: len(server.logins) >= 3)
    kinds = [event.kind for event in events if event.kind is not EventKind.RETRY_FAILED]
    assert kinds == [EventKind.STALLED, EventKind.RECONNECTED, EventKind.LOST, EventKind.RECONNECTED]
    assert (stats.stalls, stats.reconnects) == (1, 2)
    assert all(later.time_s > earlier.time_s for earlier, later in itertools.pairwise(frames))
    output = capfd.readouterr()
    for text in (caplog.text, output.out, output.err, repr(source), *(event.message for event in events)):
        assert "hunter2" not in text
        assert "joe" not in text


def test_close_leaves_a_silent_stream_at_once(server: StreamServer) -> None:
    source = open_source(server.url, policy=Policy.ALL, options=LiveOptions(stall_timeout_s=1000))
    got: list[int] = []
    consumer = threading.Thread(target=lambda: got.extend(frame.index for frame in source))
    consumer.start()
    wait_for(lambda: len(got) == FRAMES_A_CONNECTION)
    source.close()
    consumer.join(PATIENCE_S)
    assert not consumer.is_alive()


def test_a_page_without_video_and_a_wrong_password_are_told_apart_from_no_answer(server: StreamServer) -> None:
    options = LiveOptions(open_timeout_s=PATIENCE_S)
    for url in (f"http://127.0.0.1:{server.server_port}/text", server.url.replace("hunter2", "wrong")):
        with pytest.raises(SourceError, match="can be reached but gives no video") as caught:
            open_source(url, options=options)
        assert "wrong" not in str(caught.value)


def test_an_address_of_a_recording_is_read_like_a_file(server: StreamServer, write_timed) -> None:
    times_s = [0.0, 0.04, 0.3, 0.34, 1.0, 1.5]
    server.recording = write_timed("clip.mp4", times_s, movflags="faststart").read_bytes()
    with open_source(f"http://127.0.0.1:{server.server_port}/recording") as source:
        assert (source.live, source.policy, source.frame_count) == (False, Policy.ALL, 6)
        assert [frame.time_s for frame in source] == pytest.approx(times_s, abs=2e-3)


def test_a_recording_that_breaks_off_gives_what_has_come(server: StreamServer, write_timed) -> None:
    clip = write_timed("clip.mp4", [i / 25 for i in range(50)], noise=True, movflags="faststart")
    server.recording, server.hang_up_at = clip.read_bytes(), clip.stat().st_size // 2
    events: list[SourceEvent] = []
    with open_source(f"http://127.0.0.1:{server.server_port}/recording", on_event=events.append) as source:
        frames = list(source)
    assert 10 <= len(frames) < 40
    assert [event.kind for event in events] == [EventKind.TRUNCATED]
