"""Rows compared per second between two releases of one dataset, beside the usual SQL.

    make bench NAME=release_diff

Belongs here: made-up releases of the shape of the 311 requests, the comparison that plans use, and `EXCEPT` both ways. Does not
belong here: what a plan makes of it.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import yaml

from bench.table import Row, Table, main, spread, timed
from civicops.contracts import Contract, load_contract
from civicops.release import Provenance, Release, ReleaseStore, diff, publish, stage

KINDS = {
    "request_id": "string", "request_type_code": "string", "status_code": "string", "created_on": "date", "closed_on": "date",
    "hours_to_close": "number", "longitude": "number", "latitude": "number", "council_code": "string", "is_open": "boolean",
    "source_owner": "string", "council_matches": "integer",
}  # fmt: skip


def run(quick: bool) -> Table:
    """Compare two releases in which one row of a hundred changed, one of a thousand came and one of a thousand went."""
    rows = 200_000 if quick else 5_000_000
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as con:
        con.execute("SET threads = 2; SET memory_limit = '3GB'")
        old, new = _release(con, Path(folder), rows, 0), _release(con, Path(folder), rows, 1)
        found = diff(con, old, new)
        ours, our_work = timed(lambda: diff(con, old, new), 3), _work(lambda: diff(con, old, new))
        columns = ", ".join(KINDS)
        query = " UNION ALL ".join(
            f"SELECT count(*) FROM (SELECT {columns} FROM '{a.data}' EXCEPT SELECT {columns} FROM '{b.data}')"
            for a, b in ((old, new), (new, old))
        )
        plain, plain_work = (
            timed(lambda: con.execute(query).fetchall(), 3),
            _work(lambda: con.execute(query).fetchall()),
        )
    both = found.rows_before + found.rows_after
    notes = (
        f"Two releases of {rows:,} rows and {len(KINDS)} columns; {found.added:,} rows added, {found.removed:,} removed, "
        f"{found.changed:,} changed. Rows of both sides are counted once each, for the whole comparison with its samples.",
        "On a busy machine the time says little, and rows per second of processor time more. `EXCEPT` only counts rows that "
        "differ: it names no column and no key.",
    )
    figures = []
    for name, times, work in (
        ("civicops: by key, per column, with samples", ours, our_work),
        ("EXCEPT both ways", plain, plain_work),
    ):
        took = statistics.median(times)
        speeds = {
            "rows per second": f"{both / took / 1e6:.1f} M",
            "per second of one core": f"{both / work / 1e6:.1f} M",
        }
        figures.append(Row(name, {"time": spread(times)} | speeds))
    return Table("release_diff", tuple(figures), notes)


def _work(call: Callable[[], object]) -> float:
    """Seconds of processor time of one call, all threads together."""
    begin = time.process_time()
    call()
    return time.process_time() - begin


def _release(con: duckdb.DuckDBPyConnection, folder: Path, rows: int, side: int) -> Release:
    contract = _contract(folder)
    store = ReleaseStore(folder / "releases")
    select = f"""SELECT '1-' || i AS request_id, 'type_' || i % 23 AS request_type_code,
        CASE WHEN {side} = 1 AND i % 100 = 7 THEN 'closed' ELSE 'status_' || i % 7 END AS status_code,
        DATE '2020-01-01' + CAST(i % 2000 AS INTEGER) AS created_on, DATE '2020-01-03' + CAST(i % 2000 AS INTEGER) AS closed_on,
        i % 977 / 7.0 AS hours_to_close, -118.0 - i % 9973 / 99730.0 AS longitude, 34.0 + i % 9967 / 99670.0 AS latitude,
        'c' || i % 99 AS council_code, i % 2 = 0 AS is_open, 'owner ' || i % 31 AS source_owner, i % 3 AS council_matches
        FROM range({rows}) t(i) WHERE i % 1000 <> {3 if side else 5}"""
    staged = stage(
        con, contract=contract, select_sql=select, provenance=Provenance("bench"), store=store, today=date(2026, 1, 1)
    )
    publish([staged], store=store)
    return store.find("things", "items")


def _contract(folder: Path) -> Contract:
    path = folder / "items.yaml"
    columns = [
        {"name": name, "logicalType": kind, "description": name, "primaryKey": name == "request_id"}
        for name, kind in KINDS.items()
    ]
    custom = {"layer": "published", "access": "public", "licence": "CC0-1.0"}
    content = {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": "things.items", "name": "Things", "version": "1.0.0",
        "status": "active", "dataProduct": "things", "description": {"purpose": "To be compared."},
        "schema": [{"name": "items", "properties": columns}],
        "team": {"members": [{"username": "robin-example", "role": "owner"}]},
        "customProperties": [{"property": name, "value": value} for name, value in custom.items()],
    }  # fmt: skip
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return load_contract(path)


if __name__ == "__main__":
    main(run)
