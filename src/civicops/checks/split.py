"""Running the compiled checks: rows in, files of accepted rows and a SELECT of the rows held back out.

Belongs here: how often the input is read, and how the files of accepted rows are written. Does not belong here: what the
rows are made of (`compile`), where the files end up (`batches`).

The two ways differ in what is dear. Text is dear to read and to type, so it is read once and DuckDB sorts the rows into two
folders. A typed Parquet file is cheap to read and dear to write: it is read once for the few rows that broke something, which
are finished in memory, and once more for all others, which are copied as they are.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from civicops.checks.compile import Compiled
from civicops.checks.sql import parquet, quote, text

BROKEN = "_civicops_broken"
"""The temporary table of a typed file's rows that broke something."""

ACCEPTED = (
    "FORMAT parquet, PARQUET_VERSION v2, COMPRESSION lz4_raw, DICTIONARY_SIZE_LIMIT 4000, ROW_GROUP_SIZE 61440, "
    "WRITE_BLOOM_FILTER false"
)
"""How accepted rows are written: read a few times soon, then thrown away, so what is quick counts more than what is small."""


def split_text(con: duckdb.DuckDBPyConnection, compiled: Compiled, work: Path) -> str | None:
    """Check rows of text in one scan; leaves `rows*.parquet` in `work`.

    Returns the SELECT of the rows held back, to be read before `work` is removed; None when there are none.
    """
    split = work / "split"
    con.execute(f"COPY ({compiled.select}) TO {text(str(split))} ({ACCEPTED}, PARTITION_BY (_held))")
    for number, path in enumerate(sorted(split.glob("_held=false/*.parquet"))):
        path.rename(work / f"rows{number}.parquet")
    held = sorted(split.glob("_held=true/*.parquet"))
    if not held:
        return None
    return f"SELECT _blanked AS _raw, _flags AS _checks, _source, _object, _delivery FROM {parquet(held)}"


def typed_rows(path: Path, source: str, sha256: str, sequence: int) -> str:
    """A SELECT of a typed Parquet file's rows with their numbers and where they come from.

    The two texts that are alike in every row are enumerations of one value: written as text, but without looking each up in a
    dictionary, which costs a tenth of the time of writing 24 columns.
    """
    alike = ", ".join(
        f"CAST({text(value)} AS ENUM ({text(value)})) AS {name}"
        for name, value in (("_source", source), ("_object", sha256))
    )
    origin = f"{alike}, CAST({sequence} AS BIGINT) AS _delivery"
    return f"SELECT *, {origin} FROM read_parquet({text(str(path))}, file_row_number = true)"


def find_broken(con: duckdb.DuckDBPyConnection, compiled: Compiled) -> None:
    """Keep the staged rows that broke something in the temporary table `BROKEN`: typed values, bits and origin."""
    con.execute(f"CREATE OR REPLACE TEMP TABLE {BROKEN} AS SELECT * FROM {compiled.staged} WHERE {compiled.broken}")


def split_typed(con: duckdb.DuckDBPyConnection, compiled: Compiled, rows: str, work: Path) -> str:
    """Check the rows of `typed_rows`, for which `compiled` was made; leaves `rows*.parquet` in `work`.

    Returns the SELECT of the rows held back, which reads the temporary table `BROKEN`.
    """
    find_broken(con, compiled)
    number = quote("file_row_number")
    whole = f"({rows}) AS rows WHERE {number} NOT IN (SELECT {number} FROM {BROKEN})"
    for target, query in (("rows0", compiled.untouched(whole)), ("rows1", compiled.accepted(BROKEN))):
        path = work / f"{target}.parquet"
        written = con.execute(f"COPY ({query}) TO {text(str(path))} ({ACCEPTED})").fetchone()
        if not written or not written[0]:
            path.unlink(missing_ok=True)
    return compiled.quarantined(BROKEN)
