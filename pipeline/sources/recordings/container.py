"""What a container says of itself: whether its bytes are all there, and how long its pictures are shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_MATROSKA = b"\x1a\x45\xdf\xa3"
_SEGMENT = b"\x18\x53\x80\x67"
_MOST_BOXES = 100_000  # a fragmented recording of a day has some ten thousand


def is_complete(path: Path) -> bool | None:
    """Compare the sizes that a container claims with the file's.

    MP4 and its kin (ISO/IEC 14496-12), AVI (RIFF) and Matroska or WebM (RFC 9559) say how long their parts are. A file
    that was cut off ends inside one; a file that was trimmed, or whose sound is longer than its pictures, does not.

    Returns:
        None for other containers, and where the file does not say.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
            return all(end <= size for _, _, end in _boxes(file, 0, size))
        if head[:4] == b"RIFF" and head[8:] == b"AVI ":
            return 8 + int.from_bytes(head[4:8], "little") <= size
        if head[:4] == _MATROSKA:
            end = _matroska_end(file)
            return None if end is None else end <= size
    return None


def lacks_index(path: Path) -> bool:
    """Tell whether this is an MP4 or MOV file without the ``moov`` box that locates its frames."""
    size = path.stat().st_size
    with path.open("rb") as file:
        kinds = {kind for kind, _, _ in _boxes(file, 0, size)}
    return b"ftyp" in kinds and b"moov" not in kinds


def presented_s(path: Path) -> float | None:
    """Seconds that a player shows of an MP4's pictures, what was trimmed away left out; None where it does not say.

    That is the duration in the track's header, to which edit lists have been applied (ISO/IEC 14496-12, 8.3.2).
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        movie = _children(file, 0, size).get(b"moov", [])
        for start, end in movie:
            parts = _children(file, start, end)
            timescale = [_number(file, at, 12, 20, 4, 4) for at, _ in parts.get(b"mvhd", [])]
            for track, track_end in parts.get(b"trak", []):
                inside = _children(file, track, track_end)
                media = [_children(file, *span) for span in inside.get(b"mdia", [])]
                handlers = [at for boxes in media for at, _ in boxes.get(b"hdlr", [])]
                durations = [_number(file, at, 20, 28, 4, 8) for at, _ in inside.get(b"tkhd", [])]
                if timescale and timescale[0] and durations and any(_kind(file, at) == b"vide" for at in handlers):
                    return durations[0] / timescale[0]
    return None


def _boxes(file: BinaryIO, position: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Each ISO box between two positions: its kind, where its content begins, and its end (perhaps past the last)."""
    for _ in range(_MOST_BOXES):
        if position + 8 > end:
            return
        file.seek(position)
        header = file.read(16)
        length, kind, content = int.from_bytes(header[:4], "big"), header[4:8], position + 8
        if length == 1:  # a 64-bit length follows
            length, content = int.from_bytes(header[8:16], "big"), position + 16
        after = end if length == 0 else position + length  # 0: to the end
        if after < content:
            return
        yield kind, content, after
        position = after


def _children(file: BinaryIO, start: int, end: int) -> dict[bytes, list[tuple[int, int]]]:
    """Content spans of the boxes directly between two positions, by kind."""
    found: dict[bytes, list[tuple[int, int]]] = {}
    for kind, content, after in _boxes(file, start, end):
        found.setdefault(kind, []).append((content, min(after, end)))
    return found


def _number(file: BinaryIO, start: int, at: int, at_long: int, size: int, size_long: int) -> int:
    """A field of a header box, whose place and size depend on the box's version."""
    file.seek(start)
    data = file.read(48)
    if data[:1] == b"\x01":
        at, size = at_long, size_long
    return int.from_bytes(data[at : at + size], "big")


def _kind(file: BinaryIO, start: int) -> bytes:
    """What a handler box says that its track holds."""
    file.seek(start + 8)
    return file.read(4)


def _matroska_end(file: BinaryIO) -> int | None:
    """Where the segment, which is nearly all of the file, ends; None where it was written without a size, as live."""
    file.seek(4)
    header = _vint(file)
    if header is None:
        return None
    file.seek(header, 1)
    if file.read(4) != _SEGMENT:
        return None
    length = _vint(file)
    return None if length is None else file.tell() + length


def _vint(file: BinaryIO) -> int | None:
    """A variable-size integer of EBML (RFC 8794); None where all its bits are ones, which means unknown."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    more = 8 - first[0].bit_length()
    bits = 7 * (more + 1)
    value = int.from_bytes(first + file.read(more), "big") & ((1 << bits) - 1)
    return None if value == (1 << bits) - 1 else value
