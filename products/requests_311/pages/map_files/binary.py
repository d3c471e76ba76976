"""Columns of numbers as one compressed file that a browser can read without a library, under a name made of its content.

Belongs here: the container, names by content, quantised places. Does not belong here: what the columns mean (`rows`, `cubes`,
`waits`, `addresses`).

A `.bin` file is the four letters `CVM1`, the length of the raw bytes (u32), and one zlib stream. All numbers are little-endian;
each column is padded with zeros to a multiple of four bytes, so that a browser can look at it in place.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAGIC = b"CVM1"
LEVEL = 6
STEPS = 65_535
"""The frame is divided into this many steps each way; in a city of 70 km one is about a meter."""


@dataclass(frozen=True)
class Written:
    """A file of the folder: its name and its bytes on the disk."""

    file: str
    size: int


@dataclass(frozen=True)
class Frame:
    """The box that quantised places count from, in degrees (WGS 84)."""

    west: float
    south: float
    east: float
    north: float

    def quantised(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Places as steps from the south-west corner, u16 each; 0 where there is no place."""
        x = (lon - self.west) / (self.east - self.west) * STEPS
        y = (lat - self.south) / (self.north - self.south) * STEPS
        nowhere = np.isnan(lon) | np.isnan(lat)
        return _u16(x, nowhere), _u16(y, nowhere)

    def as_list(self) -> list[float]:
        """`[west, south, east, north]`."""
        return [self.west, self.south, self.east, self.north]


def _u16(steps: NDArray[np.float64], nowhere: NDArray[np.bool_]) -> NDArray[Any]:
    return np.where(nowhere, 0, np.clip(np.rint(np.nan_to_num(steps)), 0, STEPS)).astype("<u2")


def columns(parts: Iterable[NDArray[Any]]) -> bytes:
    """The raw bytes of columns one after another, each padded to four bytes. Their types must be little-endian already."""
    raw = bytearray()
    for part in parts:
        if part.dtype.byteorder == ">":
            raise ValueError(f"a column is big-endian: {part.dtype}")
        raw += part.tobytes()
        raw += bytes(-len(raw) % 4)
    return bytes(raw)


def packed(raw: bytes) -> bytes:
    """The container: magic, raw length, zlib stream."""
    return MAGIC + struct.pack("<I", len(raw)) + zlib.compress(raw, LEVEL)


def save(folder: Path, stem: str, suffix: str, content: bytes) -> Written:
    """Write a file called `<stem>-<hash of its content>.<suffix>`."""
    name = f"{stem}-{hashlib.sha256(content).hexdigest()[:12]}.{suffix}"
    (folder / name).write_bytes(content)
    return Written(name, len(content))
