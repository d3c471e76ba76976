"""Searching all files of a workspace for some texts, packed ones unpacked: the proof that something is nowhere any more.

Belongs here: opening each kind of file and looking. Does not belong here: what is looked for, and what follows (`erasure`).

Parquet, DuckDB and SQLite hold text packed or cut, so their values are asked; zstd and gzip are unpacked; all else is read as
bytes.
"""

from __future__ import annotations

import gzip
import html
import json
import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import sqlalchemy as sa

from civicops.database import database_url
from civicops.ingest.disk import open_zstd
from civicops.release.sql import identifier, literal
from civicops.workspace import Workspace

BLOCK = 4 * 1024 * 1024
_DIGIT = re.compile(r"[0-9]")
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
    if not any(texts):
        return
    yield from _in_server(workspace, texts)
    for path in sorted(workspace.data.rglob("*")):
        relative = path.relative_to(workspace.data)
        if not path.is_file() or path.is_symlink() or relative.parts[0] in NOT_SEARCHED:
            continue
        try:
            yield from (Found(str(relative), number) for number in sorted(_in_file(path, texts)))
        except FileNotFoundError:
            continue


def _in_server(workspace: Workspace, texts: Sequence[str]) -> Iterator[Found]:
    """Rows of every table of an operational database that is no file of the workspace."""
    engine = sa.create_engine(database_url(workspace), hide_parameters=True)
    if engine.dialect.name == "sqlite":
        return
    try:
        spelt = patterns(texts)
        with engine.connect() as con:
            for name in sorted(sa.inspect(engine).get_table_names()):
                found: set[int] = set()
                for row in con.execute(sa.select(sa.text("*")).select_from(sa.table(name))):
                    found |= _in_text("\0".join(str(value) for value in row), spelt)
                yield from (Found(f"database table {name}", number) for number in sorted(found))
    finally:
        engine.dispose()


def is_in(path: Path, texts: Sequence[str]) -> bool:
    """Whether one of the texts stands in a file."""
    return any(texts) and bool(_in_file(path, texts))


def spellings(texts: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """Every way in which a file or table may write one of the texts, with the number of the text; none for an empty one.

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
    return tuple(found)


def patterns(texts: Sequence[str]) -> list[tuple[re.Pattern[str], int]]:
    """What finds each spelling of each text. A number is not found within a longer one: that is another one."""
    return [(re.compile(_whole(spelling, re.escape(spelling))), number) for spelling, number in spellings(texts)]


def _whole(spelling: str, escaped: str) -> str:
    before, after = (_DIGIT.match(end) is not None for end in (spelling[0], spelling[-1]))
    return ("(?<![0-9])" if before else "") + escaped + ("(?![0-9])" if after else "")


def _in_text(text: str, wanted: Iterable[tuple[re.Pattern[str], int]]) -> set[int]:
    return {number for pattern, number in wanted if pattern.search(text)}


def _in_file(path: Path, texts: Sequence[str]) -> set[int]:
    if path.suffix == ".parquet":
        return _in_parquet(path, texts)
    if path.suffix == ".duckdb":
        return _in_duckdb(path, texts)
    if path.name.endswith((".sqlite3", ".db")):
        return _in_sqlite(path, texts) | _in_bytes(path.open("rb"), texts)
    if path.suffix == ".zst":
        return _in_bytes(open_zstd(path), texts)
    if path.suffix == ".gz":
        return _in_bytes(gzip.open(path, "rb"), texts)
    return _in_bytes(path.open("rb"), texts)


def _in_bytes(stream: object, texts: Sequence[str], *, block: int = BLOCK) -> set[int]:
    needles = [spelling.encode() for spelling, _ in spellings(texts)]
    wanted = [(re.compile(pattern.pattern.encode()), number) for pattern, number in patterns(texts)]
    longest = max(map(len, needles))
    found: set[int] = set()
    with stream as file:  # type: ignore[attr-defined] # every one of them is a binary stream
        held, is_first = b"", True
        while True:
            more = file.read(block)
            held += more
            for needle, (pattern, number) in zip(needles, wanted, strict=True):
                if needle not in held:  # a hundred times as fast as the pattern
                    continue
                # One that touches an end of what is held is judged when what stands beside it is held too.
                spans = (match.span() for match in pattern.finditer(held) if number not in found)
                if any((is_first or start > 0) and (not more or end < len(held)) for start, end in spans):
                    found.add(number)
            if not more:
                return found
            is_first = is_first and len(held) <= longest + 1
            held = held[-(longest + 1) :]


def _in_parquet(path: Path, texts: Sequence[str]) -> set[int]:
    with duckdb.connect() as con:
        return _in_table(con, f"read_parquet({literal(str(path))})", texts)


def _in_duckdb(path: Path, texts: Sequence[str]) -> set[int]:
    found: set[int] = set()
    with duckdb.connect() as con:
        con.execute(f"ATTACH {literal(str(path))} AS searched (READ_ONLY)")
        tables = con.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'searched'"
        ).fetchall()
        for schema, table in tables:
            found |= _in_table(con, f"searched.{identifier(schema)}.{identifier(table)}", texts)
    return found


def _in_table(con: duckdb.DuckDBPyConnection, relation: str, texts: Sequence[str]) -> set[int]:
    spelt = spellings(texts)
    asked = ", ".join(f"count(*) FILTER ({_condition(spelling)})" for spelling, _ in spelt)
    row = con.execute(f"SELECT {asked} FROM (SELECT CAST(t AS VARCHAR) AS row_text FROM {relation} AS t)").fetchone()
    return {number for (_, number), count in zip(spelt, row or (), strict=True) if count}


def _condition(spelling: str) -> str:
    held = f"contains(row_text, {literal(spelling)})"
    before, after = (_DIGIT.match(end) is not None for end in (spelling[0], spelling[-1]))
    if not before and not after:
        return held
    # Its regular expressions cannot look around, so they take what stands beside along; only rows that hold the text are asked.
    ends = "'(^|[^0-9])'" if before else "''", "'($|[^0-9])'" if after else "''"
    return f"{held} AND regexp_matches(row_text, {ends[0]} || regexp_escape({literal(spelling)}) || {ends[1]})"


def _in_sqlite(path: Path, texts: Sequence[str]) -> set[int]:
    """Rows of every table; a text that SQLite spread over pages is not one run of bytes in the file."""
    found: set[int] = set()
    spelt = patterns(texts)
    con = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        tables = [row[0] for row in con.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in con.execute(f"SELECT * FROM {identifier(table)}"):
                found |= _in_text("\0".join(str(value) for value in row), spelt)
    except sqlite3.DatabaseError:
        return found  # no database of ours; its bytes are searched all the same
    finally:
        con.close()
    return found
