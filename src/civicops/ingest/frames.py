"""Looking for text in a landed object without unpacking it into memory or onto the disk.

Belongs here: walking the zstd frames of a stored object, searching them on several threads, and giving a part of the unpacked
bytes back. Does not belong here: what the text means (`civicops.lineage.bytes`).

The landing zone writes an object as one zstd frame per `landing.BLOCK` bytes, so its parts can be unpacked apart from each other.
Half a gigabyte of CSV is searched in a third of a second on two cores, with two frames in memory.

After the frames of a CSV in several of them comes a frame that every zstd reader passes over (a skippable frame, RFC 8878,
section 3.1.2). It holds the number of line ends in each frame, so that the line of a byte is known without unpacking what comes
before it. An object without one is counted.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from civicops.ingest.values import LandingError

MAGIC = 0xFD2FB528
LINES_MAGIC = 0x184D2A5C
"""Of the sixteen numbers that a skippable frame may begin with, the one that our line counts take."""
_LINES_NAME = b"civicops lines 1"


def line_counts(counts: Sequence[int]) -> bytes:
    """The skippable frame to write after the frames of an object: how many line ends each of them holds."""
    content = _LINES_NAME + struct.pack(f"<{len(counts)}Q", *counts)
    return struct.pack("<II", LINES_MAGIC, len(content)) + content


@dataclass(frozen=True)
class Frame:
    """One frame: where it stands in the stored file, and where its unpacked bytes begin and how many they are."""

    stored_at: int
    stored_size: int
    offset: int
    size: int


class FramedObject:
    """A stored object, opened for looking. Use as a context manager.

    Raises `LandingError` on opening for a file that is not a whole series of zstd frames with known sizes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = path.open("rb")
            self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise LandingError(
                f"The landed object {path.name[:12]} cannot be opened: {error}.",
                hint="civicops cannot show the bytes; fetch the source again to have them.",
            ) from error
        self._lines: tuple[int, ...] = ()
        try:
            self.frames, self._lines = _read_frames(self._map, path)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> FramedObject:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._map.close()
        self._file.close()

    @property
    def size(self) -> int:
        """Bytes when unpacked."""
        return sum(frame.size for frame in self.frames)

    def part(self, start: int, end: int) -> bytes:
        """The unpacked bytes from `start` to before `end`."""
        wanted = [frame for frame in self.frames if frame.offset < end and frame.offset + frame.size > start]
        if not wanted:
            return b""
        content = b"".join(self._unpack(frame) for frame in wanted)
        return content[max(0, start - wanted[0].offset) : end - wanted[0].offset]

    def find(self, text: bytes, *, near: float = 0.0, threads: int = 0) -> Iterator[int]:
        """The offsets at which `text` stands, each once, those close to `near` (a share of the whole, 0 to 1) first.

        Frames are unpacked as the caller asks for more, so the first hit costs little where the guess is good; the order is
        that of looking, not of the file.
        """
        if not text or not self.frames:
            return
        start = next((n for n, frame in enumerate(self.frames) if frame.offset + frame.size > near * self.size), 0)
        order = sorted(range(len(self.frames)), key=lambda number: abs(number - start))
        edges: dict[int, tuple[bytes, bytes]] = {}
        size = 2 * (threads or _threads())
        with ThreadPoolExecutor(threads or _threads(), "frames") as pool:
            for first in range(0, len(order), size):
                batch = order[first : first + size]
                for number, (places, head, tail) in zip(
                    batch, pool.map(lambda n: self._look(n, text), batch), strict=True
                ):
                    edges[number] = head, tail
                    yield from places
        for number in range(1, len(self.frames)):
            tail, head = edges[number - 1][1], edges[number][0]
            if (across := (tail + head).find(text)) >= 0:
                yield self.frames[number].offset - len(tail) + across

    def _look(self, number: int, text: bytes) -> tuple[list[int], bytes, bytes]:
        content, frame, edge = self._unpack(self.frames[number]), self.frames[number], len(text) - 1
        places, at = [], content.find(text)
        while at >= 0:
            places.append(frame.offset + at)
            at = content.find(text, at + 1)
        return places, content[:edge], content[max(0, len(content) - edge) :] if edge else b""

    def line_of(self, offset: int) -> int:
        """The number, from 1, of the line that the byte at `offset` stands in.

        Unpacks all that comes before it where the object was stored without its line counts.
        """
        before = [frame for frame in self.frames if frame.offset + frame.size <= offset]
        inside = next(frame for frame in self.frames if frame.offset <= offset < frame.offset + frame.size)
        if len(self._lines) == len(self.frames):
            counted = sum(self._lines[: len(before)])
        else:
            with ThreadPoolExecutor(_threads(), "frames") as pool:
                counted = sum(pool.map(lambda frame: self._unpack(frame).count(b"\n"), before))
        return 1 + counted + self._unpack(inside).count(b"\n", 0, offset - inside.offset)

    def _unpack(self, frame: Frame) -> bytes:
        stored = memoryview(self._map)[frame.stored_at : frame.stored_at + frame.stored_size]
        try:
            # A codec of its own: none is shared between threads.
            return bytes(pa.Codec("zstd").decompress(stored, frame.size, asbytes=True))
        finally:
            stored.release()


def _threads() -> int:
    return min(4, os.cpu_count() or 1)


def _read_frames(stored: mmap.mmap, path: Path) -> tuple[tuple[Frame, ...], tuple[int, ...]]:
    """The frames of a stored object by their headers alone (RFC 8878, section 3.1), and the line ends in each, if it says so."""
    found: list[Frame] = []
    lines: tuple[int, ...] = ()
    at = offset = 0
    while at < len(stored):
        magic = int.from_bytes(stored[at : at + 4], "little")
        if magic == LINES_MAGIC:
            size = int.from_bytes(stored[at + 4 : at + 8], "little")
            content = stored[at + 8 : at + 8 + size]
            if len(content) < size or not content.startswith(_LINES_NAME) or (size - len(_LINES_NAME)) % 8:
                raise _damaged(path, at)
            lines = struct.unpack(f"<{(size - len(_LINES_NAME)) // 8}Q", content[len(_LINES_NAME) :])
            at += 8 + size
            continue
        if magic != MAGIC:
            raise _damaged(path, at)
        frame = _frame(stored, at, offset, path)
        found.append(frame)
        at, offset = at + frame.stored_size, offset + frame.size
    return tuple(found), lines


def _frame(stored: mmap.mmap, start: int, offset: int, path: Path) -> Frame:
    flags = stored[start + 4] if start + 4 < len(stored) else 0
    single = bool(flags & 0x20)
    at = start + 5 + (0 if single else 1) + (0, 1, 2, 4)[flags & 3]
    width = (1 if single else 0, 2, 4, 8)[flags >> 6]
    if not width:
        raise _damaged(path, start)
    size = int.from_bytes(stored[at : at + width], "little") + (256 if width == 2 else 0)
    at += width
    last = False
    while not last:
        header = int.from_bytes(stored[at : at + 3], "little")
        last, kind = bool(header & 1), header >> 1 & 3
        at += 3 + (1 if kind == 1 else header >> 3)
        if at > len(stored):
            raise _damaged(path, start)
    at += 4 if flags & 4 else 0
    return Frame(start, at - start, offset, size)


def _damaged(path: Path, at: int) -> LandingError:
    return LandingError(
        f"The landed object {path.name[:12]} is not what was stored, from byte {at:,} on.",
        hint="Put it back from a backup, or fetch the source in full.",
    )
