"""Searching all files of a workspace for some texts, packed ones unpacked: the proof that something is nowhere any more.

Belongs here: opening each kind of file and looking. Does not belong here: what is looked for, and what follows (`erasure`).

Parquet, DuckDB and SQLite hold text packed or cut, so their values are asked; zstd, gzip and zip (which spreadsheets are) are
unpacked; all else is read as bytes.
"""

from __future__ import annotations

import gzip
import html
import json
import re
import shutil
import sqlite3
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import duckdb
import sqlalchemy as sa

from civicops.database import database_url
from civicops.ingest.disk import open_zstd
from civicops.release.sql import identifier, literal
from civicops.workspace import Workspace

BLOCK = 4 * 1024 * 1024
_DIGITS = "0123456789"
NOT_SEARCHED = ("erasures", "keys")
"""Rooms that hold the request itself, and keys."""


@dataclass(frozen=True)
class Found:
    """One place in which a text was found. `text` says which of them, by its number: the text itself must not be kept again."""

    path: str
    text: int

    def __str__(self) -> str:
        return f"{self.path} (text {self.text + 1})"


def search(workspace: Workspace, texts: Sequence[str]) -> Iterator[Found]:
    """Every file below the workspace's data in which one of the texts stands. A file that goes while it is read is left out."""
    wanted = spellings(texts)
    if not wanted:
        return
    yield from _in_server(workspace, wanted)
    for path in sorted(workspace.data.rglob("*")):
        relative = path.relative_to(workspace.data)
        if not path.is_file() or path.is_symlink() or relative.parts[0] in NOT_SEARCHED:
            continue
        try:
            yield from (Found(str(relative), number) for number in sorted(_in_file(path, wanted)))
        except FileNotFoundError:
            continue


def _in_server(workspace: Workspace, wanted: Sequence[Spelling]) -> Iterator[Found]:
    """Rows of every table of an operational database that is no file of the workspace."""
    engine = sa.create_engine(database_url(workspace), hide_parameters=True)
    if engine.dialect.name == "sqlite":
        return
    try:
        with engine.connect() as con:
            for name in sorted(sa.inspect(engine).get_table_names()):
                found: set[int] = set()
                for row in con.execute(sa.select(sa.text("*")).select_from(sa.table(name))):
                    found |= _in_text("\0".join(str(value) for value in row), wanted)
                yield from (Found(f"database table {name}", number) for number in sorted(found))
    finally:
        engine.dispose()


def is_in(path: Path, texts: Sequence[str]) -> bool:
    """Whether one of the texts stands in a file."""
    wanted = spellings(texts)
    return bool(wanted) and bool(_in_file(path, wanted))


class Spelling(NamedTuple):
    """One way to write a text, the number of the text, and what finds it: a number not within a longer one, which is another."""

    text: str
    number: int
    pattern: re.Pattern[str]


def spellings(texts: Sequence[str]) -> tuple[Spelling, ...]:
    """Every way in which a file or table may write one of the texts; none for an empty one.

    As it is, composed and decomposed (Unicode NFC, NFD); each as JSON (with and without ASCII only), CSV and HTML have it, and as
    DuckDB quotes it in a row that is cast to text.
    """
    found: dict[tuple[str, int], None] = {}
    for number, text in enumerate(texts):
        for form in dict.fromkeys((text, unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text))):
            quoted = (form.replace("'", "\\'"), form.replace("\\", "\\\\").replace("'", "\\'"), form.replace('"', '""'))
            as_json = (json.dumps(form)[1:-1], json.dumps(form, ensure_ascii=False)[1:-1])
            as_html = (html.escape(form), html.escape(form, quote=False), html.escape(form).replace("&#x27;", "&#39;"))
            for spelling in (form, *quoted, *as_json, *as_html):
                if spelling:
                    found[spelling, number] = None
    return tuple(Spelling(text, number, _whole(text)) for text, number in found)


def _whole(text: str) -> re.Pattern[str]:
    before, after = _ends(text)
    return re.compile(("(?<![0-9])" if before else "") + re.escape(text) + ("(?![0-9])" if after else ""))


def _ends(text: str) -> tuple[bool, bool]:
    """Whether it begins and whether it ends with a digit."""
    return text[0] in _DIGITS, text[-1] in _DIGITS


def _in_text(text: str, wanted: Iterable[Spelling]) -> set[int]:
    return {one.number for one in wanted if one.pattern.search(text)}


def _in_file(path: Path, wanted: Sequence[Spelling]) -> set[int]:
    if path.suffix == ".parquet":
        return _in_parquet(path, wanted)
    if path.suffix == ".duckdb":
        return _in_duckdb(path, wanted)
    if path.name.endswith((".sqlite3", ".db")):
        return _in_sqlite(path, wanted) | _in_bytes(path.open("rb"), wanted)
    if path.suffix == ".zst":
        return _in_bytes(open_zstd(path), wanted)
    if path.suffix == ".gz":
        return _in_bytes(gzip.open(path, "rb"), wanted)
    if path.suffix.lower() in (".zip", ".xlsx", ".ods", ".docx") and zipfile.is_zipfile(path):
        return _in_zip(path, wanted)
    return _in_bytes(path.open("rb"), wanted)


def _in_zip(path: Path, wanted: Sequence[Spelling]) -> set[int]:
    """Every member on its own, a packed one by its kind; names of members count too."""
    found: set[int] = set()
    try:
        with zipfile.ZipFile(path) as archive, TemporaryDirectory(prefix="civicops-search-") as scratch:
            for number, member in enumerate(archive.infolist()):
                found |= _in_text(member.filename, wanted)
                if not member.is_dir():
                    copy = Path(scratch) / f"{number}{Path(member.filename).suffix}"
                    with archive.open(member) as packed, copy.open("wb") as plain:
                        shutil.copyfileobj(packed, plain)
                    found |= _in_file(copy, wanted)
                    copy.unlink()
    except (RuntimeError, zipfile.BadZipFile):
        # Locked, or packed in a way that Python cannot read: nobody can say that it is not in there.
        return {one.number for one in wanted}
    return found


def _in_bytes(stream: object, wanted: Sequence[Spelling], *, block: int = BLOCK) -> set[int]:
    needles = [(one.text.encode(), re.compile(one.pattern.pattern.encode()), one.number) for one in wanted]
    longest = max(len(needle) for needle, *_ in needles)
    found: set[int] = set()
    with stream as file:  # type: ignore[attr-defined] # every one of them is a binary stream
        held, is_first = b"", True
        while True:
            more = file.read(block)
            held += more
            for needle, pattern, number in needles:
                if number in found or needle not in held:  # a hundred times as fast as the pattern
                    continue
                # One that touches an end of what is held is judged when what stands beside it is held too.
                spans = (match.span() for match in pattern.finditer(held))
                if any((is_first or start > 0) and (not more or end < len(held)) for start, end in spans):
                    found.add(number)
            if not more:
                return found
            is_first = is_first and len(held) <= longest + 1
            held = held[-(longest + 1) :]


def _in_parquet(path: Path, wanted: Sequence[Spelling]) -> set[int]:
    with duckdb.connect() as con:
        return _in_table(con, f"read_parquet({literal(str(path))})", wanted)


def _in_duckdb(path: Path, wanted: Sequence[Spelling]) -> set[int]:
    found: set[int] = set()
    with duckdb.connect() as con:
        con.execute(f"ATTACH {literal(str(path))} AS searched (READ_ONLY)")
        tables = con.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'searched'"
        ).fetchall()
        for schema, table in tables:
            found |= _in_table(con, f"searched.{identifier(schema)}.{identifier(table)}", wanted)
    return found


def _in_table(con: duckdb.DuckDBPyConnection, relation: str, wanted: Sequence[Spelling]) -> set[int]:
    asked = ", ".join(f"count(*) FILTER ({_condition(one.text)})" for one in wanted)
    row = con.execute(f"SELECT {asked} FROM (SELECT CAST(t AS VARCHAR) AS row_text FROM {relation} AS t)").fetchone()
    return {one.number for one, count in zip(wanted, row or (), strict=True) if count}


def _condition(text: str) -> str:
    held = f"contains(row_text, {literal(text)})"
    before, after = _ends(text)
    if not before and not after:
        return held
    # Its regular expressions cannot look around, so they take what stands beside along; only rows that hold the text are asked.
    ends = "'(^|[^0-9])'" if before else "''", "'($|[^0-9])'" if after else "''"
    return f"{held} AND regexp_matches(row_text, {ends[0]} || regexp_escape({literal(text)}) || {ends[1]})"


def _in_sqlite(path: Path, wanted: Sequence[Spelling]) -> set[int]:
    """Rows of every table; a text that SQLite spread over pages is not one run of bytes in the file."""
    found: set[int] = set()
    con = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        tables = [row[0] for row in con.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in con.execute(f"SELECT * FROM {identifier(table)}"):
                found |= _in_text("\0".join(str(value) for value in row), wanted)
    except sqlite3.DatabaseError:
        return found  # no database of ours; its bytes are searched all the same
    finally:
        con.close()
    return found
