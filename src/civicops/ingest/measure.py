"""What is in a landed object: its rows and field names, counted without DuckDB.

Belongs here: one function per kind of file that gives a `Shape`, and one that gives its rows as text for all kinds that DuckDB
is not handed directly. Does not belong here: where the bytes lie (`landing`).
"""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from civicops.ingest import csv_split, json_rows
from civicops.ingest.json_rows import JsonRow, JsonUnreadable
from civicops.ingest.values import Media, Shape, SourceError

Opener = Callable[[], BinaryIO]
"""Opens the uncompressed bytes from their beginning; may be called again."""


def measure(media: Media, open_bytes: Opener, scanned: Shape | None = None) -> Shape:
    """Count one object. `scanned` is what `CsvScan` saw of a CSV; a clean one needs no second look.

    Raises `SourceError` when the object is not of its kind at all.
    """
    if media == "csv":
        return scanned if scanned is not None and scanned.clean else _measure_csv(open_bytes, scanned)
    if media == "parquet":
        return _measure_parquet(open_bytes)
    if media == "answer":
        return Shape(None)
    names: dict[str, None] = {}
    rows = unreadable = 0
    with json_records(media, open_bytes) as records:
        for record in records:
            rows += 1
            if isinstance(record, JsonRow):
                names.update(dict.fromkeys(record.values))
            else:
                unreadable += 1
    return Shape(rows, tuple(names), clean=unreadable == 0, unreadable=unreadable)


@contextmanager
def json_records(media: Media, open_bytes: Opener) -> Iterator[Iterator[JsonRow | JsonUnreadable]]:
    """The rows of a JSON, NDJSON or GeoJSON object; `SourceError` when it is none."""
    with open_bytes() as stream:
        try:
            if media == "ndjson":
                yield json_rows.lines(stream)
            elif media == "geojson":
                yield json_rows.features(stream)
            else:
                yield json_rows.array(io.TextIOWrapper(stream, encoding="utf-8", newline=""))
        except UnicodeDecodeError as error:
            raise SourceError("The JSON is not UTF-8 text.", hint="Save or export it as UTF-8.") from error


def _measure_csv(open_bytes: Opener, scanned: Shape | None) -> Shape:
    with open_bytes() as stream:
        start = stream.read(4)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SourceError("The CSV is UTF-16 text, which is not read.", hint="Save it as 'CSV UTF-8'.")
    rows = unreadable = 0
    with open_bytes() as stream:
        records = csv_split.split(stream)
        header = next(records)
        for record in records:
            rows += 1
            unreadable += isinstance(record, csv_split.Unreadable)
    utf8, bom = (scanned.utf8, scanned.bom) if scanned else (True, False)
    names = header if isinstance(header, tuple) else ()
    return Shape(rows, names, clean=False, unreadable=unreadable, utf8=utf8, bom=bom)


def _measure_parquet(open_bytes: Opener) -> Shape:
    with open_bytes() as stream, unpacked_parquet(stream) as path:
        try:
            file = pq.ParquetFile(path)
        except pa.ArrowInvalid as error:
            raise SourceError(f"The Parquet file cannot be read: {error}.", hint="Get the file again.") from error
        return Shape(file.metadata.num_rows, tuple(file.schema_arrow.names))


@contextmanager
def unpacked_parquet(stream: BinaryIO) -> Iterator[Path]:
    """The stream as a temporary file, for Parquet is read from its end."""
    with tempfile.TemporaryDirectory(prefix="civicops-") as folder:
        path = Path(folder) / "unpacked.parquet"
        with path.open("wb") as file:
            shutil.copyfileobj(stream, file, 1 << 20)
        yield path
