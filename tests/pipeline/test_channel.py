from __future__ import annotations

import threading

import pytest

from pipeline.channel import Channel, Full


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


def test_dropping_the_oldest_keeps_what_is_new_and_counts_the_rest() -> None:
    channel: Channel[int] = Channel(3, Full.DROP_OLDEST)
    assert all(channel.put(i) for i in range(10))
    channel.end()
    assert (list(channel), channel.dropped) == ([7, 8, 9], 7)


def test_refusing_keeps_what_waits_and_counts_what_is_new() -> None:
    channel: Channel[int] = Channel(3, Full.REFUSE)
    assert all(channel.put(i) for i in range(10))
    channel.end()
    assert (list(channel), channel.dropped) == ([0, 1, 2], 7)


def test_polling_never_waits_and_the_end_comes_after_what_waits() -> None:
    channel: Channel[int] = Channel(2)
    assert channel.poll() is None
    channel.put(1)
    channel.end()
    assert not channel.finished
    assert channel.poll() == 1
    assert channel.finished
    assert channel.poll() is None


def test_the_end_lets_a_waiting_sender_go_and_takes_nothing_more() -> None:
    channel: Channel[int] = Channel(1)
    channel.put(0)
    got: list[bool] = []
    sender = in_thread(lambda: got.append(channel.put(1)))
    channel.end()
    sender.join(10)
    assert got == [False]
    assert list(channel) == [0]
