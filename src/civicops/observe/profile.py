"""The profile of a release: what its columns look like, without any value that says something about a person.

Belongs here: counting columns with DuckDB. Does not belong here: keeping profiles (`history`) or comparing them (`drift`).

    nulls, distinct (approximate)      of every column
    min, max, deciles                  of numbers; min and max of dates and moments
    top values                         of columns with few values
    days                               rows per day, if a monitor counts by one
    recent                             top values of the newest four weeks, then too

Columns that the contract classifies as personal (`classification` other than `none` or `public`), and every column of a dataset
that is not public, give nulls and distinct only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import duckdb

from civicops.contracts import Column, Contract
from civicops.release.sql import identifier, literal
from civicops.release.values import Release

FEW_VALUES = 200
"""A column with at most so many distinct values has its values counted."""
TOP_VALUES = 60
RECENT_DAYS = 28
DAYS = 800
"""How many days of counts are kept."""
_SAMPLE_ROWS = 100_000
_NUMBERS = ("INT", "DOUBLE", "FLOAT", "DECIMAL")
_TIMES = ("DATE", "TIMESTAMP")


def profile_release(
    con: duckdb.DuckDBPyConnection, release: Release, contract: Contract, *, day_column: str | None = None
) -> dict[str, Any]:
    """The profile of a release, ready for JSON. Raises `duckdb.Error` when its file cannot be read."""
    table = f"read_parquet({literal(str(release.data))})"
    described = con.execute(f"DESCRIBE SELECT * FROM {table}").fetchall()
    kinds = {str(row[0]): str(row[1]) for row in described}
    shown = {name for name in kinds if _is_shown(contract, name)}
    coded = _seem_few(con, table, [n for n, kind in kinds.items() if n in shown and kind in ("VARCHAR", "BOOLEAN")])
    tops = _top(con, f"SELECT * FROM {table}", coded)
    few = [name for name in coded if 0 < len(tops[name]) <= FEW_VALUES]
    rows, columns = _counts(con, table, kinds, shown, {name: len(tops[name]) for name in few})
    for name in few:
        columns[name]["top"] = _cut(tops[name])
    for name, deciles in _deciles(
        con, table, rows, [n for n, k in kinds.items() if n in shown and _is(k, _NUMBERS)]
    ).items():
        columns[name]["deciles"] = deciles
    found: dict[str, Any] = {
        "product": release.product, "dataset": release.dataset, "version": release.version,
        "contract": contract.version, "rows": rows, "size_bytes": release.data.stat().st_size, "columns": columns,
    }  # fmt: skip
    if day_column is not None and day_column in kinds:
        found |= _by_day(con, table, day_column, few)
    return found


def _is_shown(contract: Contract, name: str) -> bool:
    if contract.access != "public":
        return False
    column: Column | None = next((item for item in contract.columns if item.name == name), None)
    return column is not None and column.pii_class.lower() in ("none", "public", "")


def _is(kind: str, words: Sequence[str]) -> bool:
    return any(word in kind for word in words) and "[" not in kind and "(" not in kind.removeprefix("DECIMAL")


def _seem_few(con: duckdb.DuckDBPyConnection, table: str, names: Sequence[str]) -> list[str]:
    """Those columns that have few values in the first rows: the only ones worth counting value by value."""
    if not names:
        return []
    listed = ", ".join(identifier(name) for name in names)
    parts = ", ".join(f"approx_count_distinct({identifier(name)})" for name in names)
    row = con.execute(f"SELECT {parts} FROM (SELECT {listed} FROM {table} LIMIT {_SAMPLE_ROWS})").fetchone()
    return [name for name, distinct in zip(names, row or (), strict=True) if distinct <= FEW_VALUES]


def _counts(
    con: duckdb.DuckDBPyConnection, table: str, kinds: dict[str, str], shown: set[str], distinct: dict[str, int]
) -> tuple[int, dict[str, dict[str, Any]]]:
    """Rows, and what one scan says of each column; `distinct` are those that are known, for counting them is what is dear."""
    parts, asked = ["count(*)"], []
    for name, kind in kinds.items():
        quoted = identifier(name)
        parts += [f"count({quoted})", str(distinct.get(name) or f"approx_count_distinct({quoted})")]
        if name in shown and _is(kind, (*_NUMBERS, *_TIMES)):
            parts += [f"min({quoted})", f"max({quoted})"]
            asked.append(name)
    row = con.execute(f"SELECT {', '.join(parts)} FROM {table}").fetchone()
    values = iter(row or ())
    rows = int(next(values))
    columns: dict[str, dict[str, Any]] = {}
    for name, kind in kinds.items():
        columns[name] = {"type": kind, "nulls": rows - int(next(values)), "distinct": int(next(values))}
        if name in asked:
            columns[name] |= {"min": _plain(next(values)), "max": _plain(next(values))}
    return rows, columns


def _top(con: duckdb.DuckDBPyConnection, select: str, names: Sequence[str]) -> dict[str, dict[str, int]]:
    """The most frequent values of some columns with their counts, in that order, one more than `FEW_VALUES` at most.

    One grouping per column reads its dictionary only.
    """
    if not names:
        return {}
    query = " UNION ALL ".join(
        f"(SELECT {literal(name)}, CAST({identifier(name)} AS VARCHAR), count(*) FROM ({select}) "
        f"WHERE {identifier(name)} IS NOT NULL GROUP BY 2 ORDER BY 3 DESC, 2 LIMIT {FEW_VALUES + 1})"
        for name in names
    )
    found: dict[str, dict[str, int]] = {name: {} for name in names}
    for name, value, count in con.execute(f"SELECT * FROM ({query}) ORDER BY 3 DESC, 2").fetchall():
        found[name][value] = count
    return found


def _cut(top: dict[str, int]) -> dict[str, int]:
    return dict(list(top.items())[:TOP_VALUES])


def _deciles(
    con: duckdb.DuckDBPyConnection, table: str, rows: int, names: Sequence[str]
) -> dict[str, list[float | None]]:
    if not names or not rows:
        return {}
    # A sample is spread over the file by a fixed stride: the same release gives the same profile.
    stride = max(1, rows // _SAMPLE_ROWS)
    points = ", ".join(str(point / 10) for point in range(11))
    parts = ", ".join(f"quantile_cont(CAST({identifier(name)} AS DOUBLE), [{points}])" for name in names)
    source = f"SELECT * FROM read_parquet({table[len('read_parquet(') : -1]}, file_row_number = true)"
    row = con.execute(f"SELECT {parts} FROM ({source}) WHERE file_row_number % {stride} = 0").fetchone()
    return {
        name: [_plain(value) for value in values]
        for name, values in zip(names, row or (), strict=True)
        if values is not None
    }


def _by_day(con: duckdb.DuckDBPyConnection, table: str, column: str, few: Sequence[str]) -> dict[str, Any]:
    day = f"CAST({identifier(column)} AS DATE)"
    counted = con.execute(
        f"SELECT {day}, count(*) FROM {table} WHERE {identifier(column)} IS NOT NULL GROUP BY 1 ORDER BY 1"
    ).fetchall()
    if not counted:
        return {}
    newest: date = counted[-1][0]
    since = newest - timedelta(days=DAYS)
    start = newest - timedelta(days=RECENT_DAYS - 1)
    recent = _top(
        con, f"SELECT * FROM {table} WHERE {day} >= DATE '{start.isoformat()}'", [n for n in few if n != column]
    )
    return {
        "day_column": column,
        "days": {item.isoformat(): count for item, count in counted if item >= since},
        "recent": {name: _cut(top) for name, top in recent.items()},
    }


def _plain(value: Any) -> Any:
    """A value as JSON has it: moments as text, numbers without infinities."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | str):
        return value
    number = float(value)
    return number if math.isfinite(number) else None
