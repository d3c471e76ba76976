"""The strict reader: landed bytes as rows of text, none lost, every field under the name its source gives it.

Belongs here: DuckDB relations over landed objects. Does not belong here: types, checks and quarantine (`civicops.checks`), or
which deliveries count (`landing`).

Every value is VARCHAR. An empty value is NULL, in every kind of file; the text `NULL` is text. A clean CSV object (see
`values.Shape`) is streamed by DuckDB from its `.zst`; DuckDB is told everything about the dialect and guesses nothing, and it
raises rather than skips. All other objects are split by our own readers into temporary tables of the connection, readable rows
and unreadable ones, in batches, so that memory stays bounded.

`rows(select_sql) + rows(rejects_sql) = rows_landed`, where the right side was counted without DuckDB while landing.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from civicops.contracts import Contract
from civicops.ingest import csv_split
from civicops.ingest.disk import open_zstd, writing
from civicops.ingest.json_rows import JsonRow
from civicops.ingest.landing import Landing
from civicops.ingest.layout import Layout, Placed, layouts, place
from civicops.ingest.measure import json_records, unpacked_parquet
from civicops.ingest.values import Delivery, Finding, Media

BATCH_ROWS = 20_000
MANY_OBJECTS = 8
"""With so many files every thread has one of its own to read."""
UNPACK_BYTES = 64_000_000
"""From this size on a single file is unpacked first, so that all threads can read it."""
PARALLEL_BYTES = 24_000_000
"""Below this a file is one buffer of DuckDB's reader. Above it, values with line breaks inside are read by one thread, for a
thread that starts in the middle of a file can only guess whether it stands inside a quoted value."""


@dataclass(frozen=True)
class RawRows:
    """Rows of one source as SQL.

    `select_sql`: one SELECT of every source field (VARCHAR, lower-case names, union over layouts) plus `_object VARCHAR`
    (sha256) and `_delivery BIGINT` (sequence). `rejects_sql`: one SELECT of `_object, _delivery, line BIGINT, raw_text, error`
    for rows that cannot be read, None when there are none. `columns`: contract column -> the source fields that feed it in any
    layout, in the contract's order of preference; empty when no layout has one. `fields`: the same per layout, one field or
    None. Both SELECTs may name temporary tables and hold as long as the connection does.
    """

    select_sql: str
    rejects_sql: str | None
    columns: Mapping[str, tuple[str, ...]]
    fields: tuple[Mapping[str, str | None], ...]
    findings: tuple[Finding, ...]
    rows_landed: int
    rows_unreadable: int
    source_fields: tuple[str, ...]

    def expression(self, column: str) -> str:
        """SQL for the raw text of a contract column: the first of its fields that has a value, or NULL."""
        names = [identifier(name) for name in self.columns.get(column, ())]
        if not names:
            return "CAST(NULL AS VARCHAR)"
        return names[0] if len(names) == 1 else f"coalesce({', '.join(names)})"


def raw_rows(
    con: duckdb.DuckDBPyConnection,
    landing: Landing,
    product: str,
    source: str,
    deliveries: Sequence[Delivery],
    contract: Contract,
) -> RawRows:
    """The rows of `deliveries` (usually `landing.live(product, source)`) as SQL on `con`.

    Identical objects are read once, under their newest delivery. Findings tell of fields the contract does not know, fields it
    misses, text that is not UTF-8. Raises `LandingError` when an object is gone.
    """
    placed = place(deliveries)
    found, findings = layouts(placed, contract, source)
    reader = _Reader(con, landing, product, source)
    selects = [select for layout in found if layout.fields for select in reader.selects(layout)]
    for layout in found:
        if not layout.fields:
            reader.load(layout, [item for item in layout.objects if item.landed.rows], ())
    unreadable = sum(item.landed.shape.unreadable for item in placed)
    not_utf8 = [item for item in placed if not item.landed.shape.utf8]
    if not_utf8:
        findings += (
            Finding(
                "text_not_utf8",
                f"Source '{source}': {len(not_utf8)} files are not UTF-8 text; rows with such bytes are held back.",
                sum(item.landed.shape.unreadable for item in not_utf8),
                "flag",
            ),
        )
    names = tuple(dict.fromkeys(name for layout in found for name in layout.fields))
    return RawRows(
        select_sql="\nUNION ALL BY NAME\n".join(selects) if selects else _nothing(names),
        rejects_sql=reader.rejects_sql if unreadable else None,
        columns={
            column.name: tuple(
                name
                for name in (item.strip().lower() for item in column.source_names)
                if any(layout.columns.get(column.name) == name for layout in found)
            )
            for column in contract.columns
            if column.source_names
        },
        fields=tuple(layout.columns for layout in found if layout.fields),
        findings=findings,
        rows_landed=sum(item.landed.rows or 0 for item in placed),
        rows_unreadable=unreadable,
        source_fields=names,
    )


def identifier(name: str) -> str:
    """A name quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text quoted for SQL."""
    return "'" + text.replace("'", "''") + "'"


def _nothing(names: Sequence[str]) -> str:
    columns = "".join(f"CAST(NULL AS VARCHAR) AS {identifier(name)}, " for name in names)
    return f"SELECT {columns}CAST(NULL AS VARCHAR) AS _object, CAST(NULL AS BIGINT) AS _delivery WHERE false"


class _Reader:
    """Turns layouts into SELECTs, loading what DuckDB cannot read itself; used for one source."""

    def __init__(self, con: duckdb.DuckDBPyConnection, landing: Landing, product: str, source: str) -> None:
        self.con = con
        self.landing = landing
        self.product = product
        self.source = source
        self.rejects = self._table("rejects", ())
        self.rejects_sql = f"SELECT _object, _delivery, line, raw_text, error FROM {self.rejects}"
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {self.rejects} "
            "(_object VARCHAR, _delivery BIGINT, line BIGINT, raw_text VARCHAR, error VARCHAR)"
        )

    def selects(self, layout: Layout) -> Iterator[str]:
        """One SELECT for the objects that DuckDB streams, per way of reading them, and one for those that were loaded."""
        for parallel in (True, False):
            group = [item for item in layout.objects if _streams(item) and _parallel(item) == parallel]
            if group:
                yield self._stream(layout, group, parallel)
        if rest := [item for item in layout.objects if not _streams(item)]:
            yield self.load(layout, rest, layout.fields)

    def _stream(self, layout: Layout, objects: Sequence[Placed], parallel: bool) -> str:
        paths, compression = [str(self._path(item)) for item in objects], "zstd"
        if parallel and (unpacked := self._unpack(objects)):
            paths, compression = [str(path) for path in unpacked], "none"
        columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in layout.fields)
        scan = (
            f"read_csv([{', '.join(map(literal, paths))}], columns = {{{columns}}}, auto_detect = false, header = true, "
            "delim = ',', quote = '\"', escape = '\"', nullstr = '', strict_mode = true, null_padding = false, "
            f"ignore_errors = false, compression = '{compression}', filename = '_path', parallel = {str(parallel).lower()})"
        )
        names = ", ".join(f"rows.{identifier(name)}" for name in layout.fields)
        of = ", ".join(
            f"({literal(path)}, {literal(item.landed.sha256)}, {item.sequence}::BIGINT)"
            for path, item in zip(paths, objects, strict=True)
        )
        return (
            f"SELECT {names}, origin._object, origin._delivery FROM {scan} AS rows "
            f"JOIN (VALUES {of}) AS origin(_path, _object, _delivery) ON rows._path = origin._path"
        )

    def _path(self, item: Placed) -> Path:
        return self.landing.object_path(self.product, self.source, item.landed.sha256, item.landed.media)

    def _unpack(self, objects: Sequence[Placed]) -> list[Path]:
        """Write few large objects uncompressed into the connection's temporary folder; none when that does not pay.

        A compressed file is read by one thread, and everything that is done to its rows is then done by that thread too.
        """
        if len(objects) >= MANY_OBJECTS or all(item.landed.bytes_size < UNPACK_BYTES for item in objects):
            return []
        setting = self.con.execute("SELECT current_setting('temp_directory')").fetchone()
        if not setting or not setting[0]:
            return []
        folder = Path(setting[0])
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            paths = []
            for item in objects:
                path = folder / f"{item.landed.sha256}.csv"
                with open_zstd(self._path(item)) as packed, path.open("wb") as plain:
                    shutil.copyfileobj(packed, plain, 1 << 20)
                paths.append(path)
        return paths

    def load(self, layout: Layout, objects: Sequence[Placed], fields: tuple[str, ...]) -> str:
        """Split objects by our own readers into a temporary table; gives a SELECT of its readable rows."""
        table = self._table(layout.media, fields)
        columns = "".join(f"{identifier(name)} VARCHAR, " for name in fields)
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE {table} ({columns}_object VARCHAR, _delivery BIGINT)")
        for item in objects:
            if layout.media == "parquet":
                self._load_parquet(table, fields, item)
            else:
                self._load_records(table, fields, item)
        return f"SELECT * FROM {table}"

    def _load_records(self, table: str, fields: tuple[str, ...], item: Placed) -> None:
        good: list[Sequence[str | None]] = []
        bad: list[tuple[int, str, str]] = []
        for record in self._records(item, fields):
            if isinstance(record, tuple):
                bad.append(record)
            else:
                good.append(record)
            if len(good) >= BATCH_ROWS:
                self._insert(table, fields, good, item)
                good.clear()
            if len(bad) >= BATCH_ROWS:
                self._reject(bad, item)
                bad.clear()
        self._insert(table, fields, good, item)
        self._reject(bad, item)

    def _records(self, item: Placed, fields: tuple[str, ...]) -> Iterator[list[str | None] | tuple[int, str, str]]:
        """Readable rows as lists in the order of `fields`, unreadable ones as (line, text, error)."""

        media: Media = item.landed.media
        if media == "csv":
            with self.landing.open_bytes(self.product, self.source, item.landed) as stream:
                records = csv_split.split(stream)
                next(records)
                for record in records:
                    if isinstance(record, csv_split.Row):
                        yield [value or None for value in record.values]
                    elif isinstance(record, csv_split.Unreadable):
                        yield (record.line, record.text, record.error)
            return
        with json_records(media, lambda: self.landing.open_bytes(self.product, self.source, item.landed)) as rows:
            for row in rows:
                if isinstance(row, JsonRow):
                    yield [row.values.get(name) or None for name in fields]
                else:
                    yield (row.line, row.text, row.error)

    def _load_parquet(self, table: str, fields: tuple[str, ...], item: Placed) -> None:
        with (
            self.landing.open_bytes(self.product, self.source, item.landed) as stream,
            unpacked_parquet(stream) as path,
        ):
            written = item.landed.shape.fields
            columns = ", ".join(
                f"nullif(CAST({identifier(name)} AS VARCHAR), '') AS {identifier(field)}"
                for name, field in zip(written, fields, strict=True)
            )
            self.con.execute(
                f"INSERT INTO {table} SELECT {columns}, {literal(item.landed.sha256)}, {item.sequence} "
                f"FROM read_parquet({literal(str(path))})"
            )

    def _insert(self, table: str, fields: tuple[str, ...], rows: Sequence[Sequence[str | None]], item: Placed) -> None:
        if not rows:
            return
        arrays = [pa.array([row[index] for row in rows], pa.string()) for index in range(len(fields))]
        self._append(table, pa.table(arrays, names=list(fields)), item, [identifier(name) for name in fields])

    def _reject(self, rows: Sequence[tuple[int, str, str]], item: Placed) -> None:
        if not rows:
            return
        lines, texts, errors = zip(*rows, strict=True)
        batch = pa.table({"line": pa.array(lines, pa.int64()), "raw_text": pa.array(texts), "error": pa.array(errors)})
        self._append(self.rejects, batch, item, ["line", "raw_text", "error"])

    def _append(self, table: str, batch: pa.Table, item: Placed, names: Sequence[str]) -> None:
        self.con.register("_civicops_batch", batch)
        try:
            self.con.execute(
                f"INSERT INTO {table} BY NAME SELECT {', '.join(names)}, {literal(item.landed.sha256)} AS _object, "
                f"{item.sequence}::BIGINT AS _delivery FROM _civicops_batch"
            )
        finally:
            self.con.unregister("_civicops_batch")

    def _table(self, kind: str, fields: tuple[str, ...]) -> str:
        mark = hashlib.sha256(json.dumps([self.product, self.source, kind, fields]).encode()).hexdigest()[:16]
        return identifier(f"raw_{kind}_{mark}")


def _streams(item: Placed) -> bool:
    return item.landed.media == "csv" and item.landed.shape.clean


def _parallel(item: Placed) -> bool:
    return not (item.landed.shape.multiline and item.landed.bytes_size > PARALLEL_BYTES)
