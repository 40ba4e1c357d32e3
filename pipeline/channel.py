"""The bounded queue between two threads, which can end, fail and be given up."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from enum import Enum
from typing import Generic, TypeVar

T = TypeVar("T")

_LOOK_S = 0.5  # on some systems a wait without an end cannot be interrupted by Ctrl-C


class Full(Enum):
    """What ``put`` does when there is no room.

    ``WAIT``: the sender waits. Between stages, where a pose left out would be a hole in somebody's window.

    ``DROP_OLDEST``: what has waited longest makes room and is counted. For readers who want what is new.

    ``REFUSE``: the new item is left out and counted. For a disk that falls behind a live run.
    """

    WAIT = "wait"
    DROP_OLDEST = "drop oldest"
    REFUSE = "refuse"


class Channel(Generic[T]):
    """Passes items on in order.

    Args:
        size: how many items may wait.
        full: what happens to one more.

    Attributes:
        dropped: items that have not been passed on for want of room.
    """

    def __init__(self, size: int, full: Full = Full.WAIT) -> None:
        self.dropped = 0
        self._size = size
        self._full = full
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._ended = False
        self._cancelled = False
        self._error: BaseException | None = None

    def __len__(self) -> int:
        return len(self._items)

    @property
    def finished(self) -> bool:
        """Whether nothing waits and nothing more will come."""
        with self._changed:
            return not self._items and self._closed()

    def put(self, item: T) -> bool:
        """Pass an item on, or do with it what the policy says; False once the channel has ended or been given up."""
        with self._changed:
            while self._full is Full.WAIT and len(self._items) >= self._size and not self._closed():
                self._changed.wait(_LOOK_S)
            if self._closed():
                return False
            if len(self._items) >= self._size:
                self.dropped += 1
                if self._full is Full.REFUSE:
                    return True
                self._items.popleft()
            self._items.append(item)
            self._changed.notify_all()
            return True

    def poll(self) -> T | None:
        """The next item if one waits, without waiting for it: for an event loop, which must not be held up."""
        with self._changed:
            if not self._items:
                return None
            self._changed.notify_all()
            return self._items.popleft()

    def _closed(self) -> bool:
        return self._ended or self._cancelled

    def end(self, error: BaseException | None = None) -> None:
        """Say that nothing more will come, and why when it should have. What waits is still received."""
        with self._changed:
            if not self._ended:
                self._ended, self._error = True, error
                self._changed.notify_all()

    def cancel(self) -> None:
        """Give the channel up: what waits is thrown away, and both sides are let go at once."""
        with self._changed:
            self._cancelled = True
            self._items.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        """The next item; raises what the sender failed with, once everything before has been received."""
        with self._changed:
            while not self._items:
                if self._cancelled:
                    raise StopIteration
                if self._ended:
                    error, self._error = self._error, None
                    if error is not None:
                        raise error
                    raise StopIteration
                self._changed.wait(_LOOK_S)
            item = self._items.popleft()
            self._changed.notify_all()
            return item
