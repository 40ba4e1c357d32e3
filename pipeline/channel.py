"""A bounded queue between two threads that can end, fail and be given up."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

_LOOK_S = 0.5  # on some systems a wait without an end cannot be interrupted by Ctrl-C


class Channel(Generic[T]):
    """Passes items on in order; a full channel makes the sender wait.

    Nothing is dropped here: frames are dropped at the source, before any work has gone into them, and what comes after
    is needed in full (a pose left out would be a hole in somebody's window).

    Args:
        size: how many items may wait.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._ended = False
        self._cancelled = False
        self._error: BaseException | None = None

    def put(self, item: T) -> bool:
        """Pass an item on, waiting for room; False when nobody wants it any more."""
        with self._changed:
            while len(self._items) >= self._size and not self._cancelled:
                self._changed.wait(_LOOK_S)
            if self._cancelled:
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

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
