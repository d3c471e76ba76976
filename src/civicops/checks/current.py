"""Which of several versions of a row counts.

Belongs here: one row per key over all valid batches (the newest by the contract's `latestBy`), and the count of those left
out, by reason. Does not belong here: checking rows (`batches`).

The order in which the same rows arrive must not matter: versions are ordered by `latestBy`, then by the delivery that
brought them first, then by their content.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb

from civicops.checks.batches import Batch, BatchStore
from civicops.checks.sql import parquet, quote, text
from civicops.contracts import Contract

SUPERSEDED = "superseded by a newer version of the same key"
BESIDES = {
    "_flags": "VARCHAR[]",
    "_blanked": "VARCHAR",
    "_source": "VARCHAR",
    "_object": "VARCHAR",
    "_delivery": "BIGINT",
}
"""Columns that every accepted dataset has besides those of its contract, and their types."""
DUPLICATE = "delivered more than once with the same content"


@dataclass(frozen=True)
class CurrentRows:
    """One row per key. `select` yields them with the columns of the accepted rows; `ignored` counts the others by reason."""

    select: str
    rows: int
    ignored: dict[str, int]


def current_rows(
    con: duckdb.DuckDBPyConnection, contract: Contract, store: BatchStore, batches: tuple[Batch, ...]
) -> CurrentRows:
    """Find the current rows of a dataset in its valid batches.

    Only keys that occur more than once are looked at closely; they are few, so memory does not grow with the table.
    """
    paths = [path for batch in batches for path in store.rows(batch)]
    if not paths:
        return CurrentRows(_empty(contract), 0, {})
    relation = parquet(paths)
    total = _count(con, f"SELECT count(*) FROM {relation}")
    if not contract.key:
        return CurrentRows(f"SELECT * FROM {relation}", total, {})
    key = ", ".join(quote(name) for name in contract.key)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE _repeated AS SELECT h FROM (SELECT hash({key}) AS h FROM {relation}) "
        "GROUP BY h HAVING count(*) > 1"
    )
    if _count(con, "SELECT count(*) FROM _repeated") == 0:
        return CurrentRows(f"SELECT * FROM {relation}", total, {})
    content = ", ".join(quote(name) for name in contract.column_names)
    newest = "".join(f"{quote(name)} DESC NULLS LAST, " for name in contract.latest_by)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE _versions AS SELECT *, hash({content}) AS _content, row_number() OVER (PARTITION BY "
        f"{key} ORDER BY {newest}_delivery DESC, md5(CAST(({content}) AS VARCHAR)), _object) AS _rank FROM {relation} "
        f"WHERE hash({key}) IN (SELECT h FROM _repeated)"
    )
    same = _count(
        con,
        f"SELECT count(*) FROM _versions v WHERE v._rank > 1 AND v._content = (SELECT any_value(w._content) FROM _versions w "
        f"WHERE w._rank = 1 AND {' AND '.join(f'w.{quote(name)} = v.{quote(name)}' for name in contract.key)})",
    )
    left_out = _count(con, "SELECT count(*) FROM _versions WHERE _rank > 1")
    winners = _keep(con, store.accepted / contract.dataset / "current")
    con.execute("DROP TABLE _versions; DROP TABLE _repeated")
    others = (
        f"SELECT * FROM {relation} WHERE hash({key}) NOT IN (SELECT h FROM {parquet([winners / 'repeated.parquet'])})"
    )
    select = f"{others} UNION ALL BY NAME SELECT * FROM {parquet([winners / 'rows.parquet'])}"
    ignored = {SUPERSEDED: left_out - same, DUPLICATE: same}
    return CurrentRows(select, total - left_out, {reason: count for reason, count in ignored.items() if count})


def _keep(con: duckdb.DuckDBPyConnection, folder: Path) -> Path:
    """Write the repeated keys and their winning rows where the select can read them; replaced in whole."""
    work = folder.with_name(f".current.{os.getpid()}")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    columns = "* EXCLUDE (_content, _rank)"
    con.execute(
        f"COPY (SELECT {columns} FROM _versions WHERE _rank = 1) TO {text(str(work / 'rows.parquet'))} (FORMAT parquet)"
    )
    con.execute(f"COPY (SELECT h FROM _repeated) TO {text(str(work / 'repeated.parquet'))} (FORMAT parquet)")
    shutil.rmtree(folder, ignore_errors=True)
    work.rename(folder)
    return folder


def _empty(contract: Contract) -> str:
    types = {column.name: column.sql_type for column in contract.columns}
    types |= BESIDES
    values = ", ".join(f"CAST(NULL AS {kind}) AS {quote(name)}" for name, kind in types.items())
    return f"SELECT {values} WHERE FALSE"


def _count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    return int(row[0]) if row else 0
