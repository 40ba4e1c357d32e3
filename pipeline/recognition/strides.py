"""When each person's action is decided: every stride, but not everybody on the same frame."""

from __future__ import annotations


class Strides:
    """Gives each person a slot within the stride, as far from the others' as possible.

    Frames are counted on the common grid of ``windows``, so people in different slots are not due in the same frame
    of a camera that is at least as fast as the grid.

    Args:
        stride: grid frames between two decisions about one person, at least 1.
    """

    def __init__(self, stride: int) -> None:
        if stride < 1:
            raise ValueError(f"a stride is at least one frame, not {stride}")
        self.stride = stride
        self._slots: dict[int, int] = {}

    def add(self, track: int) -> None:
        """Give a newcomer a slot."""
        taken = list(self._slots.values())
        count = [taken.count(slot) for slot in range(self.stride)]

        def crowding(slot: int) -> tuple[int, int]:
            distances = [min((slot - t) % self.stride, (t - slot) % self.stride) for t in taken]
            return count[slot], -min(distances, default=0)

        self._slots[track] = min(range(self.stride), key=crowding)

    def remove(self, track: int) -> None:
        """Free the slot of somebody who is gone."""
        self._slots.pop(track, None)

    def due(self, track: int, before: int, newest: int) -> bool:
        """Whether the person's slot lies among the grid frames after ``before`` up to ``newest``."""
        slot = self._slots[track]
        return (newest - slot) // self.stride > (before - slot) // self.stride
