"""A release as a file of another format, made while it is sent.

Belongs here: CSV and GeoJSON from Parquet, a batch of rows at a time, so that memory does not grow with the table. Does not
belong here: who may have it, and sending Parquet (that is the release's own file).
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.csv

from civicops.govern.catalogue import offered
from civicops.portal.catalogue import Entry
from civicops.portal.engine import cursor
from civicops.release.sql import identifier, literal
from civicops.release.values import Release

TYPES = {"csv": "text/csv; charset=utf-8", "geojson": "application/geo+json"}
BATCH_ROWS = 20_000


def formats(item: Entry) -> tuple[str, ...]:
    """The endings that a dataset can be had with: GeoJSON only where it has points."""
    return offered(item.contract, item.rows)


def exported_formats(item: Entry) -> tuple[str, ...]:
    """The endings that a static site holds: text formats only of tables that stay small as text."""
    return offered(item.contract, item.rows, as_files=True)


def stream(item: Entry, release: Release, kind: str) -> Iterator[bytes]:
    """The whole release as CSV or GeoJSON (times in UTC, lists as JSON), in pieces."""
    return _csv(release) if kind == "csv" else _geojson(item, release)


def _csv(release: Release) -> Iterator[bytes]:
    with cursor() as con:
        source = f"read_parquet({literal(str(release.data))})"
        described = con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
        columns = ", ".join(_plain(name, kind) for name, kind, *_ in described)
        reader = con.execute(f"SELECT {columns} FROM {source}").fetch_record_batch(BATCH_ROWS)
        sink = io.BytesIO()
        with pyarrow.csv.CSVWriter(sink, reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)
                yield _taken(sink)
        if rest := _taken(sink):
            yield rest


def _plain(name: str, kind: str) -> str:
    column = identifier(name)
    if kind.endswith("]") or kind.startswith(("STRUCT", "MAP")):
        return f"to_json({column})::VARCHAR AS {column}"
    if kind.startswith("TIMESTAMP WITH TIME ZONE"):
        # With the letter that says UTC, so that a spreadsheet does not take it for local time.
        text = f"strftime({column} AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%f')"
        return f"regexp_replace({text}, '\\.0+$', '') || 'Z' AS {column}"
    return column


def _taken(sink: io.BytesIO) -> bytes:
    content = sink.getvalue()
    sink.seek(0)
    sink.truncate()
    return content


def _geojson(item: Entry, release: Release) -> Iterator[bytes]:
    point = item.point
    if point is None:
        return
    longitude, latitude = (identifier(name) for name in point)
    head: dict[str, Any] = {
        "type": "FeatureCollection", "name": item.id, "version": release.version, "licence": item.contract.licence,
    }  # fmt: skip
    yield (json.dumps(head)[:-1] + ', "features": [\n').encode()
    geometry = (
        f"CASE WHEN {longitude} IS NULL OR {latitude} IS NULL THEN NULL "
        f"ELSE {{type: 'Point', coordinates: [{longitude}, {latitude}]}} END"
    )
    with cursor() as con:
        source = f"(SELECT * FROM read_parquet({literal(str(release.data))}))"
        sql = f"SELECT to_json({{type: 'Feature', geometry: {geometry}, properties: t}})::VARCHAR FROM {source} AS t"
        separator = b""
        for batch in con.execute(sql).fetch_record_batch(BATCH_ROWS):
            lines = [str(line) for line in pa.Table.from_batches([batch]).column(0).to_pylist()]
            yield separator + ",\n".join(lines).encode()
            separator = b",\n"
    yield b"\n]}\n"
