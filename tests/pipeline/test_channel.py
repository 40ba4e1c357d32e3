from __future__ import annotations

import threading

import pytest

from pipeline.channel import Channel


def in_thread(target) -> threading.Thread:
    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    return thread


def test_everything_arrives_in_order_through_a_short_queue() -> None:
    channel: Channel[int] = Channel(2)

    def send() -> None:
        for i in range(1000):
            assert channel.put(i)
        channel.end()

    in_thread(send)
    assert list(channel) == list(range(1000))


def test_a_full_channel_makes_the_sender_wait() -> None:
    channel: Channel[int] = Channel(2)
    sent = []

    def send() -> None:
        for i in range(10):
            channel.put(i)
            sent.append(i)

    thread = in_thread(send)
    thread.join(0.2)
    assert sent == [0, 1]
    assert next(channel) == 0
    thread.join(0.2)
    assert sent == [0, 1, 2]
    channel.cancel()
    thread.join(10)
    assert not thread.is_alive()


def test_an_error_comes_after_everything_sent_before_it_and_once() -> None:
    channel: Channel[int] = Channel(5)
    channel.put(1)
    channel.put(2)
    channel.end(ValueError("broken"))
    assert next(channel) == 1
    assert next(channel) == 2
    with pytest.raises(ValueError, match="broken"):
        next(channel)
    with pytest.raises(StopIteration):
        next(channel)


def test_cancelling_lets_both_sides_go() -> None:
    empty: Channel[int] = Channel(1)
    got: list[object] = []
    receiver = in_thread(lambda: got.append(list(empty)))
    full: Channel[int] = Channel(1)
    full.put(0)
    sender = in_thread(lambda: got.append(full.put(1)))
    empty.cancel()
    full.cancel()
    receiver.join(10)
    sender.join(10)
    assert sorted(map(str, got)) == ["False", "[]"]
    assert not full.put(2)
    assert list(full) == []


def test_the_first_end_counts() -> None:
    channel: Channel[int] = Channel(1)
    channel.end()
    channel.end(ValueError("late"))
    assert list(channel) == []
