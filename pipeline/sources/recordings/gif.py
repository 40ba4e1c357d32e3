"""Whether a GIF is whole. The container claims no length, but its blocks say where each of them ends."""

from __future__ import annotations

import mmap
from pathlib import Path

_EXTENSION, _IMAGE = 0x21, 0x2C


def is_cut_off_gif(path: Path) -> bool:
    """Whether this is a GIF that ends inside one of its blocks (GIF89a specification, sections 15 to 26).

    One that only lacks the trailer after its last block is whole: there are programs that write none.
    """
    with path.open("rb") as file:
        if file.read(4) != b"GIF8":
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            try:
                return _end_of_blocks(data) > len(data)
            except IndexError:
                return True


def _end_of_blocks(data: mmap.mmap) -> int:
    """Position behind the last block; raises IndexError where the data end before it."""
    at = 13 + _colour_table(data[10])
    while at < len(data) and data[at] in (_EXTENSION, _IMAGE):
        if data[at] == _IMAGE:
            at += 11 + _colour_table(data[at + 9])
        else:
            at += 2
        while length := data[at]:  # sub-blocks, the last of which is empty
            at += 1 + length
        at += 1
    return at


def _colour_table(packed: int) -> int:
    """Bytes of the colour table that a byte of flags announces."""
    return 3 << ((packed & 7) + 1) if packed & 0x80 else 0
