"""The files of the log, in C2SP's tlog-tiles layout.

    checkpoint                      the signed head
    tile/<L>/<N>[.p/<W>]            256 (or W) hashes of level L; level 0 has the leaf hashes
    tile/entries/<N>[.p/<W>]        the entries themselves, each after its length in two bytes, big-endian

Belongs here: names of tiles, their bytes, reading them for a tree of a given size, proofs from them. Does not belong here: the
order in which they are written (`log`).

`<N>` is written in groups of three digits, all but the last with an `x` before them: `x001/x234/067`. A level-L hash stands for
256 times as many entries as one of the level below. An unfinished tile carries its width; once the whole one is there it may go.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path

from civicops.audit.merkle import consistency_proof, inclusion_proof, split, tree_hash

WIDTH = 256
HASH = 32
ENTRIES = "entries"


class TileError(ValueError):
    """A tile is missing, torn or too short. `path` says which, in the folder of the log."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path} {message}")
        self.path = path


def tile_name(level: int | str, number: int, width: int = WIDTH) -> str:
    """The name of a tile within the folder of the log."""
    groups = [f"{number % 1000:03d}"]
    while number >= 1000:
        number //= 1000
        groups.insert(0, f"x{number % 1000:03d}")
    partial = "" if width == WIDTH else f".p/{width}"
    return f"tile/{level}/{'/'.join(groups)}{partial}"


def widths(size: int) -> Iterator[tuple[int, int, int]]:
    """(level, number of whole tiles, width of the last one) of every level of a tree, from the leaves up."""
    level, count = 0, size
    while count:
        yield level, count // WIDTH, count % WIDTH
        level, count = level + 1, count // WIDTH


def pack(entries: Sequence[bytes]) -> bytes:
    """The bytes of an entry bundle; no entry may have more than 65,535 bytes."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def unpack(data: bytes) -> list[bytes]:
    """The entries of a bundle. Raises `ValueError` when it ends inside one; its second argument holds those before that."""
    entries: list[bytes] = []
    at, end = 0, len(data)
    while at < end:
        begin = at + 2
        at = begin + (data[at] << 8 | data[at + 1]) if begin <= end else end + 1
        if at > end:
            raise ValueError("ends inside an entry", entries)
        entries.append(data[begin:at])
    return entries


class Tiles:
    """The tiles of one tree of `size` entries. Nothing is believed here: `verify` does that."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder, self.size = folder, size
        self._cached = functools.lru_cache(maxsize=512)(self._read_hashes)

    def width(self, level: int, number: int) -> int:
        """How many hashes a tile has in a tree of this size."""
        return max(0, min(WIDTH, (self.size >> (8 * level)) - number * WIDTH))

    def hashes(self, level: int, number: int) -> list[bytes]:
        """The hashes of a tile. Raises `TileError`."""
        return self._cached(level, number)

    def entries(self, number: int) -> list[bytes]:
        """The entries of a bundle. Raises `TileError`."""
        width = self.width(0, number)
        data = self.content(ENTRIES, number, width)
        name = tile_name(ENTRIES, number, width)
        try:
            found = unpack(data)
        except ValueError as error:
            raise TileError(name, str(error.args[0])) from error
        if len(found) < width:
            raise TileError(name, f"has {len(found)} entries, not {width}")
        return found[:width]

    def entry(self, index: int) -> bytes:
        """The bytes of one entry. Raises `TileError`."""
        return self.entries(index // WIDTH)[index % WIDTH]

    def content(self, level: int | str, number: int, width: int) -> bytes:
        """The content of a tile as it is on the disk; of the whole one where an unfinished one is gone. Raises `TileError`."""
        name = tile_name(level, number, width)
        for candidate in dict.fromkeys((name, tile_name(level, number))):
            try:
                return (self.folder / candidate).read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                raise TileError(name, f"cannot be read ({error.strerror})") from error
        raise TileError(name, "is missing")

    def _read_hashes(self, level: int, number: int) -> list[bytes]:
        width = self.width(level, number)
        data = self.content(level, number, width)
        if len(data) < width * HASH or len(data) % HASH:
            raise TileError(tile_name(level, number, width), f"has {len(data)} bytes, not {width * HASH}")
        return [data[at : at + HASH] for at in range(0, width * HASH, HASH)]

    def range_hash(self, low: int, high: int) -> bytes:
        """The Merkle tree hash over entries `[low, high)`, `low` a multiple of the power of two that spans them."""
        count = high - low
        if count & (count - 1):
            middle = low + split(count)
            return tree_hash([self.range_hash(low, middle), self.range_hash(middle, high)])
        level, step = divmod(count.bit_length() - 1, 8)
        number, at = divmod(low >> (8 * level), WIDTH)
        return tree_hash(self.hashes(level, number)[at : at + (1 << step)])

    def root(self, size: int | None = None) -> bytes:
        """The root of the whole tree, or of its first `size` entries. Raises `TileError`."""
        wanted = self.size if size is None else size
        return self.range_hash(0, wanted) if wanted else tree_hash([])

    def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """The inclusion proof of an entry in the tree, or in its first `size` entries."""
        return inclusion_proof(index, self.size if size is None else size, self.range_hash)

    def consistency(self, old: int, new: int | None = None) -> list[bytes]:
        """The proof that the tree begins with its first `old` entries."""
        return consistency_proof(old, self.size if new is None else new, self.range_hash)
