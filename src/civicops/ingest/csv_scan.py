"""Counting the records of a CSV stream, and proving that it is plain RFC 4180, without the engine that reads it later.

Belongs here: the one vectorised pass made while bytes land. Its row count is what conservation is proved against, so it
shares no code with DuckDB. Does not belong here: splitting into values (`read` does it with DuckDB for clean objects,
`csv_split` for the rest).

The rule (RFC 4180, section 2): a quote opens a field only right after a delimiter or line end, closes it only right before
one, and is written twice inside. If every quote of a block obeys that, then whether a byte lies inside quotes is the parity
of the quotes before it, and records and fields can be counted by array operations at several hundred MB/s. Whatever does
not obey is left to the slow, exact splitter.
"""

from __future__ import annotations

import codecs
import csv
import io

import numpy as np
import numpy.typing as npt

from civicops.ingest.values import Shape

BOM = codecs.BOM_UTF8
MAX_RECORD_BYTES = 1_000_000
"""A longer record is left to the splitter: DuckDB's reader holds at most 2 MB per line."""

PIECE_BYTES = 64 * 1024
"""Scanned at once: the arrays made of it stay in the processor's cache, which halves the time."""

_QUOTE, _COMMA, _LF, _CR = 0x22, 0x2C, 0x0A, 0x0D
_SPECIAL = np.zeros(256, dtype=np.bool_)
_SPECIAL[[_QUOTE, _COMMA, _LF, _CR]] = True


class CsvScan:
    """Feed it the bytes in any pieces, then ask for `shape()`; used once.

    `clean` turns false at the first doubt and nothing is scanned after that: the caller then counts with `csv_split`.
    """

    def __init__(self) -> None:
        self.clean = True
        self.utf8 = True
        self.bom = False
        self._decoder = codecs.getincrementaldecoder("utf-8")("strict")
        self._tail = b""
        self._started = False
        self._header: tuple[str, ...] | None = None
        self._crlf: bool | None = None
        self._rows = 0
        self._multiline = False

    def feed(self, chunk: bytes) -> None:
        """The next bytes of the object."""
        if self.utf8:
            try:
                self._decoder.decode(chunk)
            except UnicodeDecodeError:
                self.utf8 = self.clean = False
        for start in range(0, len(chunk), PIECE_BYTES):
            if not self.clean:
                return
            self._feed(chunk[start : start + PIECE_BYTES])

    def _feed(self, chunk: bytes) -> None:
        data = self._tail + chunk
        if not self._started:
            if len(data) < len(BOM):
                self._tail = data
                return
            self._start(data)
            data = data[len(BOM) :] if self.bom else data
        self._tail = data[self._block(data) :] if self.clean else b""
        if len(self._tail) > MAX_RECORD_BYTES:
            self.clean = False

    def shape(self) -> Shape:
        """What was seen; `rows` is only true when `clean` is."""
        if self.utf8:
            try:
                self._decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                self.utf8 = self.clean = False
        if not self._started:
            self._start(self._tail)
            self._tail = self._tail[len(BOM) :] if self.bom else self._tail
        if self.clean and self._tail:
            # The last record needs no line end; given the one the others have, it is counted like them.
            ending = b"\r\n" if self._crlf else b"\n"
            if self._block(self._tail + ending) != len(self._tail) + len(ending):
                self.clean = False
        if self.clean and self._header is None:
            return Shape(0, bom=self.bom)
        fields = self._header or ()
        return Shape(
            self._rows if self.clean else None,
            fields,
            self.clean,
            utf8=self.utf8,
            bom=self.bom,
            multiline=self._multiline,
        )

    def _start(self, data: bytes) -> None:
        self._started = True
        self.bom = data.startswith(BOM)

    def _block(self, data: bytes) -> int:
        """Count the complete records at the start of `data`; gives the number of bytes they take."""
        array = np.frombuffer(data, dtype=np.uint8)
        at = np.flatnonzero(_SPECIAL[array])
        kind = array[at]
        quote = kind == _QUOTE
        outside = (np.cumsum(quote) & 1) == 0
        ends = (kind == _LF) & outside
        last = int(np.flatnonzero(ends)[-1]) if ends.any() else -1
        if last < 0:
            return 0
        at, kind = at[: last + 1], kind[: last + 1]
        quote, outside, ends = quote[: last + 1], outside[: last + 1], ends[: last + 1]
        size = int(at[-1]) + 1
        self._multiline = self._multiline or bool(((kind == _LF) & ~outside).any())
        if not (
            _quotes_obey(array[:size], at[quote]) and self._one_line_end(array, at[(kind == _CR) & outside], at[ends])
        ):
            self.clean = False
            return size
        self._records(data, np.cumsum((kind == _COMMA) & outside)[ends], at[ends])
        return size

    def _one_line_end(
        self, array: npt.NDArray[np.uint8], returns: npt.NDArray[np.intp], ends: npt.NDArray[np.intp]
    ) -> bool:
        """Whether all records end the same way, in CR LF or in LF; DuckDB refuses a mixture, and a lone CR."""
        crlf = len(returns) > 0
        if self._crlf is None:
            self._crlf = crlf
        return crlf == self._crlf and (
            not crlf or (len(returns) == len(ends) and bool((array[returns + 1] == _LF).all()))
        )

    def _records(
        self,
        data: bytes,
        commas: npt.NDArray[np.intp],
        ends: npt.NDArray[np.intp],
    ) -> None:
        starts = np.concatenate(([0], ends[:-1] + 1))
        widths = ends - starts - (1 if self._crlf else 0)
        count = len(ends)
        if self._header is None:
            names = next(csv.reader(io.StringIO(data[: int(ends[0])].decode(), newline=""), strict=True), [])
            if not names:
                self.clean = False
                return
            self._header = tuple(names)
            count -= 1
        per_record = np.diff(commas, prepend=0)
        regular = (per_record == len(self._header) - 1).all() and (widths > 0).all()
        if not regular or int(widths.max()) > MAX_RECORD_BYTES:
            self.clean = False
        self._rows += count


def _quotes_obey(array: npt.NDArray[np.uint8], quotes: npt.NDArray[np.intp]) -> bool:
    """Whether every opening quote follows a delimiter, line end or closing quote, and every closing one precedes one."""
    if not len(quotes):
        return True
    if len(quotes) % 2:
        return False
    opening, closing = quotes[::2], quotes[1::2]
    before = array[np.maximum(opening - 1, 0)]
    starts_field = (opening == 0) | (before == _COMMA) | (before == _LF) | (before == _QUOTE)
    after = array[closing + 1]
    ends_field = (after == _COMMA) | (after == _LF) | (after == _CR) | (after == _QUOTE)
    return bool(starts_field.all() and ends_field.all())
