"""Splitting a CSV object that is not plain RFC 4180, record by record, without losing a byte of it.

Belongs here: the slow, exact way for objects that `csv_scan` found unclean: wrong numbers of fields, broken quotes, mixed line
ends, bytes that are not UTF-8. Does not belong here: what happens to the pieces (`landing` counts them, `read` hands the
readable ones on and the others to quarantine).

A record is read from as many lines as its quotes need. When that fails, only its first line is given up and reading starts
again on the next one, so that one broken quote costs one row, not the rest of the file.
"""

from __future__ import annotations

import csv
import itertools
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from civicops.ingest.csv_scan import BOM

MAX_LINES = 200
"""A quoted value over more lines than this is taken for a broken quote; it bounds the work per broken quote."""
MAX_BYTES = 16_000_000
"""So is a record longer than this."""

# Python's reader refuses values over 128 KB by default; here the bound is that of the record.
csv.field_size_limit(min(sys.maxsize, 2**31 - 1))


@dataclass(frozen=True)
class Row:
    """A readable record: as many values as the header has names. `line` is 1-based, the header's is 1."""

    line: int
    values: list[str]


@dataclass(frozen=True)
class Unreadable:
    """A line that is no record: its text (bytes that are not UTF-8 written as `\\xNN`) and why."""

    line: int
    text: str
    error: str


class _IncompleteError(Exception):
    """The record goes on in the next line."""


def split(stream: BinaryIO) -> Iterator[tuple[str, ...] | Row | Unreadable]:
    """The header's names first, then every record in order. Blank lines are no records.

    A header that cannot be read gives `()`, and every line after it is unreadable.
    """
    lines = _Lines(stream)
    header = _next_record(lines, None)
    names = tuple(header.values) if isinstance(header, Row) else ()
    yield names
    while (record := _next_record(lines, len(names))) is not None:
        yield record


def _next_record(lines: _Lines, width: int | None) -> Row | Unreadable | None:
    while lines.peek(0) is not None and not lines.peek(0, strip=True):
        lines.drop(1)
    first = lines.number
    text, used, size = b"", 0, 0
    while True:
        line = lines.peek(used)
        if line is None:
            break
        text, used, size = text + line, used + 1, size + len(line)
        if used > MAX_LINES or size > MAX_BYTES:
            break
        if used > 1 and b'"' not in line:
            continue  # an open quote cannot close here
        try:
            values = _values(text)
        except _IncompleteError:
            continue
        except (csv.Error, UnicodeDecodeError) as error:
            if used == 1:
                return lines.give_up(_reason(error))
            break
        if width is None or len(values) == width:
            lines.drop(used)
            return Row(first, values)
        if used == 1:
            return lines.give_up(f"has {len(values)} fields where the header has {width}")
        break
    return lines.give_up("has a quote that is never closed") if used else None


def _values(raw: bytes) -> list[str]:
    text = raw.decode("utf-8").rstrip("\r\n") if raw.count(b'"') % 2 == 0 else raw.decode("utf-8")
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            raise _IncompleteError from error
        raise
    return rows[0] if rows else []


def _reason(error: Exception) -> str:
    return "is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else f"cannot be split into fields: {error}"


class _Lines:
    """Physical lines with look-ahead; `number` is that of the next line not yet dropped."""

    def __init__(self, stream: BinaryIO) -> None:
        start = stream.read(65_536)
        rest = iter(lambda: stream.read(65_536), b"")
        ending = b"\r" if b"\r" in start and b"\n" not in start else b"\n"
        self._source = _split_lines(itertools.chain([start.removeprefix(BOM)], rest), ending)
        self._ahead: deque[bytes] = deque()
        self.number = 1

    def peek(self, offset: int, *, strip: bool = False) -> bytes | None:
        while len(self._ahead) <= offset:
            line = next(self._source, None)
            if line is None:
                return None
            self._ahead.append(line)
        return self._ahead[offset].strip(b"\r\n") if strip else self._ahead[offset]

    def drop(self, count: int) -> None:
        for _ in range(count):
            self._ahead.popleft()
        self.number += count

    def give_up(self, error: str) -> Unreadable:
        line, number = self._ahead[0], self.number
        self.drop(1)
        return Unreadable(number, line.rstrip(b"\r\n").decode("utf-8", errors="backslashreplace"), error)


def _split_lines(chunks: Iterator[bytes] | itertools.chain[bytes], ending: bytes) -> Iterator[bytes]:
    held: list[bytes] = []
    for chunk in chunks:
        *complete, last = chunk.split(ending)
        for piece in complete:
            yield b"".join((*held, piece, ending))
            held.clear()
        if last:
            held.append(last)
    if held:
        yield b"".join(held)
