"""A CSV, TSV, XLSX or JSON file as a header and rows of text, within bounds, with everything odd about it said.

Belongs here: encodings, delimiters, limits, formulas. Does not belong here: what a column means (`layout`).

Nothing is guessed without being told: a row that is not UTF-8 is read as Windows-1252 and says so, a formula is never calculated,
a row with too many cells is a problem of that row and not of the file. Memory does not grow with the file but for XLSX and JSON,
which are bounded more tightly.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from civicops.ingest.values import SourceError

MAX_BYTES = 512_000_000
"""A list of places is never larger; a file of 2 GB is something else."""
MAX_UNPACKED_BYTES = 512_000_000
"""Of an XLSX or JSON file, which cannot be read in pieces."""
MAX_COLUMNS = 1_000
MAX_ROWS = 2_000_000
MAX_CELL = 100_000
"""Characters of one cell."""
MAX_LINE = 4_000_000
"""Bytes of one line of text."""
_FORMULA = re.compile(r"^\s*=\s*[\w@(+\-\"'{]")
_WEB_PAGE = re.compile(rb"^\s*(<!doctype\s+html|<html|<head|<\?xml[^>]*>\s*<!doctype\s+html)", re.IGNORECASE)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True)
class TableRow:
    """One row: its number (1 for the first below the header), its cells, and what is wrong or worth saying.

    A row with `errors` is not to be used; `remarks` are told and do no harm.
    """

    number: int
    cells: tuple[str, ...]
    errors: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """A file that was opened: its columns in order, how it is written, and a way to go through its rows once."""

    header: tuple[str, ...]
    rows: Iterator[TableRow]
    encoding: str
    remarks: tuple[str, ...] = field(default=())


def open_table(path: Path, *, sheet: str = "") -> Table:
    """Open a file; raises `SourceError` in one sentence for one that is no table, is too large, or has no header.

    `sheet` names the sheet of an XLSX file; the first unless given.
    """
    name = path.name
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            head = stream.read(4096)
    except OSError as error:
        raise SourceError(
            f"{path} cannot be read: {error.strerror or error}.", hint="Check the name of the file."
        ) from error
    if size > MAX_BYTES:
        raise SourceError(
            f"{name} has {size / 1e9:.1f} GB; a list may have {MAX_BYTES / 1e6:,.0f} MB.",
            hint="Is it the right file? Split it if it is.",
        )
    if not head.strip(b"\0 \r\n\t"):
        raise SourceError(f"{name} is empty.", hint="Save it again where it comes from.")
    if _WEB_PAGE.match(head.lstrip(codecs.BOM_UTF8)):
        raise SourceError(
            f"{name} is a web page, not a table.", hint="Was it a sign-in page? Download the file itself."
        )
    if head.startswith(b"PK\x03\x04"):
        return _xlsx(path, sheet)
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise SourceError(f"{name} is an old Excel file (.xls).", hint="Open it and save it as .xlsx or .csv.")
    if head.startswith((b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"\x1f\x8b")):
        raise SourceError(f"{name} is no table.", hint="Give a .csv, .xlsx or .json file.")
    if head.lstrip(codecs.BOM_UTF8).lstrip()[:1] in (b"[", b"{"):
        return _json(path, size)
    return _csv(path, head)


def _csv(path: Path, head: bytes) -> Table:
    encoding, skip = _encoding(path, head)
    text = head[skip:].decode(encoding if encoding != "utf-8" else "latin-1", errors="replace")
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t|", key=lambda mark: (first.count(mark), mark == ","))
    records = _records(path, encoding, skip, delimiter)
    try:
        _, header, _ = next(records)
    except StopIteration:
        raise SourceError(f"{path.name} has no header.", hint="The first line must name the columns.") from None
    names = _header(path.name, header)
    remarks = () if encoding == "utf-8" else (f"The file is written in {encoding}.",)
    return Table(names, _judged(path.name, names, records), encoding, remarks)


def _encoding(path: Path, head: bytes) -> tuple[str, int]:
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name, len(mark)
    if b"\0" in head:
        from charset_normalizer import from_bytes  # noqa: PLC0415 - of the extra

        best = from_bytes(head[: len(head) // 4 * 4]).best()
        if best is None or "utf" not in best.encoding:
            raise SourceError(f"{path.name} is no text.", hint="Give a .csv, .xlsx or .json file.")
        return best.encoding.replace("_", "-"), 0
    return "utf-8", 0


def _records(path: Path, encoding: str, skip: int, delimiter: str) -> Iterator[tuple[int, list[str], tuple[str, ...]]]:
    """Each record with its number (0 for the header) and remarks on how it was read."""
    notes: list[str] = []
    csv.field_size_limit(MAX_LINE)
    with path.open("rb") as stream:
        stream.seek(skip)
        reader = csv.reader(_lines(path.name, stream, encoding, notes), delimiter=delimiter)
        number = 0
        while True:
            try:
                record = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise SourceError(
                    f"{path.name}, line {reader.line_num}: {error}.", hint="A quotation mark is probably missing there."
                ) from error
            if not any(cell.strip() for cell in record):
                notes.clear()
                continue
            yield number, record, tuple(dict.fromkeys(notes))
            notes.clear()
            number += 1


def _lines(name: str, stream: BinaryIO, encoding: str, notes: list[str]) -> Iterator[str]:
    if encoding != "utf-8":
        yield from io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline="")
        return
    number = 0
    while line := stream.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            raise SourceError(
                f"{name}, line {number} has more than {MAX_LINE / 1e6:,.0f} MB.", hint="It is no table of places."
            )
        if b"\0" in line:
            notes.append("It held NUL bytes, which were taken out.")
            line = line.replace(b"\0", b"")
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError:
            notes.append("It is not UTF-8 and was read as Windows-1252.")
            yield line.decode("cp1252", errors="replace")


def _header(name: str, cells: list[str]) -> tuple[str, ...]:
    names = [" ".join(cell.split()) for cell in cells]
    while names and not names[-1]:
        names.pop()
    if len(names) > MAX_COLUMNS:
        raise SourceError(
            f"{name} has {len(names):,} columns; a list may have {MAX_COLUMNS:,}.",
            hint="Is the header in the first line, and are the cells separated as usual?",
        )
    if not names:
        raise SourceError(f"{name} has no header.", hint="The first line must name the columns.")
    lower = [item.lower() for item in names]
    if repeated := sorted({item for item in lower if item and lower.count(item) > 1}):
        raise SourceError(f"{name} has the column '{repeated[0]}' twice.", hint="Rename or remove one of them.")
    return tuple(names)


def _judged(
    name: str, header: tuple[str, ...], records: Iterator[tuple[int, list[str], tuple[str, ...]]]
) -> Iterator[TableRow]:
    width = len(header)
    for number, record, remarks in records:
        if number > MAX_ROWS:
            raise SourceError(f"{name} has more than {MAX_ROWS:,} rows.", hint="Split it.")
        errors = []
        cells = record
        if len(cells) > width:
            if any(cell.strip() for cell in cells[width:]):
                errors.append(f"It has {len(cells)} cells, the header {width}.")
            cells = cells[:width]
        cells = cells + [""] * (width - len(cells))
        for column, cell in zip(header, cells, strict=True):
            if cell[:1] in "= \t" and _FORMULA.match(cell):
                errors.append(f"'{column}' holds a formula; write its value instead.")
            if len(cell) > MAX_CELL:
                errors.append(f"'{column}' has {len(cell):,} characters; {MAX_CELL:,} are allowed.")
        yield TableRow(number, tuple(cells), tuple(errors), remarks)


def _xlsx(path: Path, sheet: str) -> Table:
    import openpyxl  # noqa: PLC0415 - of the extra
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415

    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(item.file_size for item in packed.infolist())
    except zipfile.BadZipFile as error:
        raise SourceError(f"{path.name} is damaged: {error}.", hint="Save it again.") from error
    if size > MAX_UNPACKED_BYTES:
        raise SourceError(
            f"{path.name} unpacks to {size / 1e6:,.0f} MB; {MAX_UNPACKED_BYTES / 1e6:,.0f} MB are allowed.",
            hint="Save the sheet as .csv.",
        )
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=False)
    except (InvalidFileException, KeyError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise SourceError(
            f"{path.name} is no Excel file that can be read.", hint="Save it as .xlsx or .csv."
        ) from error
    if sheet and sheet not in book.sheetnames:
        raise SourceError(f"{path.name} has no sheet '{sheet}'.", hint=f"It has: {', '.join(book.sheetnames)}.")
    page = book[sheet] if sheet else book.worksheets[0]

    def records() -> Iterator[tuple[int, list[str], tuple[str, ...]]]:
        number = 0
        for row in page.iter_rows(values_only=True, max_col=MAX_COLUMNS + 1):
            cells = [_cell(value) for value in row]
            if any(cell.strip() for cell in cells):
                yield number, cells, ()
                number += 1

    found = records()
    try:
        _, header, _ = next(found)
    except StopIteration:
        raise SourceError(f"{path.name}: the sheet '{page.title}' is empty.", hint="Name the right one.") from None
    names = _header(path.name, header)
    return Table(names, _judged(path.name, names, found), "xlsx")


def sheets_of(path: Path) -> tuple[str, ...]:
    """The names of an XLSX file's sheets, in its order; none for any other file, or one that cannot be read."""
    try:
        with path.open("rb") as stream:
            if stream.read(4) != b"PK\x03\x04":
                return ()
        import openpyxl  # noqa: PLC0415 - of the extra

        return tuple(openpyxl.load_workbook(path, read_only=True).sheetnames)
    except (KeyError, ValueError, OSError, zipfile.BadZipFile):
        return ()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # a zip code or number of a phone that Excel took for a number
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _json(path: Path, size: int) -> Table:
    if size > MAX_UNPACKED_BYTES:
        raise SourceError(f"{path.name} has {size / 1e6:,.0f} MB.", hint="Split it, or save it as .csv.")
    raw = path.read_bytes()
    try:
        found = json.loads(raw.decode("utf-8-sig"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        try:
            found = [json.loads(line) for line in raw.decode("utf-8-sig").splitlines() if line.strip()]
        except (UnicodeDecodeError, ValueError, RecursionError) as error:
            raise SourceError(f"{path.name} is no JSON that can be read: {error}.", hint="Save it again.") from error
    if isinstance(found, dict):
        lists = [value for value in found.values() if isinstance(value, list)]
        found = lists[0] if len(lists) == 1 else [found]
    if not found or not all(isinstance(item, dict) for item in found):
        raise SourceError(f"{path.name} holds no list of objects.", hint="It must be a list, one object per place.")
    names = _header(path.name, list(dict.fromkeys(str(key) for item in found for key in item)))
    records = ((number, [_json_cell(item.get(name)) for name in names], ()) for number, item in enumerate(found, 1))
    return Table(names, _judged(path.name, names, records), "json")


def _json_cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
