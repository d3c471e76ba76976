"""What changed between two releases of a dataset, row by row of the same key.

Belongs here: comparing two Parquet files in SQL. Does not belong here: what a change to a contract or model will do
(`civicops.change`), which compares plans, or printing.

How: one pass over both files joins a 64-bit hash of the key and compares a 64-bit hash of the rest; it yields the places of
the rows that differ. A second pass reads only those and compares values. Where two different keys share a hash, the counts
or the second pass show it, and the first pass is done again on the keys themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import duckdb

from civicops.errors import CivicopsError
from civicops.release.sql import identifier, literal, row_hash
from civicops.release.values import Release

_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
            "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL")  # fmt: skip


Kind = Literal["added", "removed", "changed"]


class DiffError(CivicopsError):
    """The two releases cannot be compared by key."""


@dataclass(frozen=True)
class ColumnChange:
    """In how many rows of the same key a column's value differs."""

    column: str
    count: int


@dataclass(frozen=True)
class SchemaChange:
    """A column, unit or key that only one of the releases has, or has otherwise. Empty text: not there."""

    kind: Literal["added", "removed", "renamed", "type", "unit", "key"]
    column: str
    before: str
    after: str


@dataclass(frozen=True)
class RowChange:
    """One row as an example. Values as text, `None` for null; a changed row shows only the columns that differ."""

    kind: Kind
    key: tuple[tuple[str, str | None], ...]
    before: tuple[tuple[str, str | None], ...]
    after: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True)
class ReleaseDiff:
    """Counts are exact; samples are the first of each kind in the order of the key."""

    old: Release
    new: Release
    identical: bool
    """The data files are the same bytes."""
    rows_before: int
    rows_after: int
    added: int
    removed: int
    changed: int
    columns: tuple[ColumnChange, ...]
    """Only columns that changed, in the order of the new release."""
    schema: tuple[SchemaChange, ...]
    samples: tuple[RowChange, ...]

    @property
    def unchanged(self) -> int:
        return self.rows_after - self.added - self.changed


@dataclass(frozen=True)
class _Compared:
    """A column that both sides have: SQL of its old and new value, brought to one DuckDB type."""

    name: str
    old: str
    new: str
    type: str


@dataclass(frozen=True)
class _Sides:
    """Both files and how to compare them."""

    old: str
    new: str
    rows_before: int
    rows_after: int
    key: tuple[str, ...]
    compared: tuple[_Compared, ...]
    columns_before: tuple[str, ...]
    columns_after: tuple[str, ...]

    @property
    def compared_names(self) -> tuple[str, ...]:
        return tuple(item.name for item in self.compared)

    @property
    def key_sql(self) -> str:
        return ", ".join(identifier(name) for name in self.key)


@dataclass(frozen=True)
class _Totals:
    added: int
    removed: int
    changed: int
    columns: tuple[ColumnChange, ...]


def diff(con: duckdb.DuckDBPyConnection, old: Release, new: Release, *, sample: int = 5) -> ReleaseDiff:
    """Compare two releases by their key; at once when the data files are the same bytes.

    `sample`: at most so many examples each of added, removed and changed rows. A column whose type changed is compared as
    numbers when both types are, as text otherwise. Without a key whole rows are compared, so that a changed row is one
    removed and one added. Raises `DiffError` when a release cannot be read, the keys differ or a key is not unique.
    """
    with _readable(old, new), con.cursor() as cursor:
        # A cursor begins with the machine's time zone, whatever its connection was set to.
        cursor.execute("SET TimeZone = 'UTC'")
        before, after = old.package()["resources"][0], new.package()["resources"][0]
        rows = int(before["rowcount"]), int(after["rowcount"])
        types_before, types_after = _types(cursor, old), _types(cursor, new)
        renamed = _renamed(after["schema"], types_before)
        old_rows, types_before = _side(old, before["schema"], types_before, renamed)
        new_rows, types_after = _side(new, after["schema"], types_after, {})
        schema = _schema_changes(before["schema"], after["schema"], types_before, types_after, renamed)
        if before["hash"] == after["hash"]:
            return ReleaseDiff(old, new, True, *rows, 0, 0, 0, (), schema, ())
        key = tuple(after["schema"].get("primaryKey", ()))
        missing = [name for name in key if name not in types_before]
        if missing:
            message = (
                f"{old.version} of {old.product}.{old.dataset} has no {', '.join(missing)}, the key of {new.version}."
            )
            raise DiffError(message, hint="Compare two releases with the same key.")
        sides = _Sides(
            old=old_rows,
            new=new_rows,
            rows_before=rows[0],
            rows_after=rows[1],
            key=key,
            compared=tuple(
                _comparable(name, types_before[name], types_after[name])
                for name in types_after
                if name in types_before and name not in key
            ),
            columns_before=tuple(types_before),
            columns_after=tuple(types_after),
        )
        totals = _by_key(cursor, sides) if key else _by_row(cursor, sides)
        if totals is None:
            message = f"The key {', '.join(key)} of {new.product}.{new.dataset} is not unique in one of the releases."
            raise DiffError(message, hint="Releases with such a key cannot be compared by it; mend the contract's key.")
        samples = _samples(cursor, sides, sample) if key else _row_samples(cursor, sides, sample)
        return ReleaseDiff(
            old=old,
            new=new,
            identical=False,
            rows_before=rows[0],
            rows_after=rows[1],
            added=totals.added,
            removed=totals.removed,
            changed=totals.changed,
            columns=totals.columns,
            schema=schema,
            samples=samples,
        )


def _by_key(con: duckdb.DuckDBPyConnection, sides: _Sides) -> _Totals | None:
    quick = compare_on(con, sides, f"hash({sides.key_sql})")
    return quick if quick is not None else compare_on(con, sides, f"row({sides.key_sql})")


def compare_on(con: duckdb.DuckDBPyConnection, sides: _Sides, key_sql: str) -> _Totals | None:
    """Join both files on `key_sql`; leaves the places of rows that differ in the temporary table `moved`.

    `None` when that expression does not tell the rows apart: a key that is not unique, or different keys with one hash.
    """
    olds = row_hash((item.old, item.type) for item in sides.compared)
    news = row_hash((item.new, item.type) for item in sides.compared)
    # Equal pairs fall into one group, (null, null), whose size is counted; all others are groups of their own.
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE moved AS
        SELECT CASE WHEN o.h IS DISTINCT FROM n.h THEN o.place END AS old_place,
               CASE WHEN o.h IS DISTINCT FROM n.h THEN n.place END AS new_place, count(*) AS pairs
        FROM (SELECT {key_sql} AS k, {olds} AS h, file_row_number AS place FROM {sides.old}) AS o
        FULL JOIN (SELECT {key_sql} AS k, {news} AS h, file_row_number AS place FROM {sides.new}) AS n
        ON o.k IS NOT DISTINCT FROM n.k
        GROUP BY ALL"""
    )
    added, removed, changed, equal = _row(
        con,
        """SELECT count(*) FILTER (old_place IS NULL AND new_place IS NOT NULL),
                  count(*) FILTER (new_place IS NULL AND old_place IS NOT NULL),
                  count(*) FILTER (old_place IS NOT NULL AND new_place IS NOT NULL),
                  coalesce(sum(pairs) FILTER (old_place IS NULL AND new_place IS NULL), 0)
           FROM moved""",
    )
    # With a key that is not unique, some row is in several pairs, and the pairs are more than the rows.
    if equal + changed + removed != sides.rows_before or equal + changed + added != sides.rows_after:
        return None
    if not changed:
        return _Totals(added, removed, changed, ())
    differs = [f"o.{identifier(name)} IS DISTINCT FROM n.{identifier(name)}" for name in sides.compared_names]
    keys = " OR ".join(f"o.{identifier(name)} IS DISTINCT FROM n.{identifier(name)}" for name in sides.key)
    counts = _row(
        con,
        f"""SELECT count(*) FILTER ({keys}), {", ".join(f"count(*) FILTER ({text})" for text in differs)}
        FROM moved
        JOIN (SELECT file_row_number AS place, {_selected(sides, "old")} FROM {sides.old}) AS o ON o.place = old_place
        JOIN (SELECT file_row_number AS place, {_selected(sides, "new")} FROM {sides.new}) AS n ON n.place = new_place""",
    )
    if counts[0]:
        return None
    columns = zip(sides.compared, counts[1:], strict=True)
    return _Totals(added, removed, changed, tuple(ColumnChange(item.name, count) for item, count in columns if count))


def _by_row(con: duckdb.DuckDBPyConnection, sides: _Sides) -> _Totals:
    """Rows as a bag: how many more of each there are on one side."""
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE moved AS
        SELECT {", ".join(identifier(name) for name in sides.compared_names)}, sum(side) AS more
        FROM (SELECT {_selected(sides, "old")}, -1 AS side FROM {sides.old}
              UNION ALL SELECT {_selected(sides, "new")}, 1 AS side FROM {sides.new})
        GROUP BY ALL HAVING sum(side) <> 0"""
    )
    added, removed = _row(
        con, "SELECT coalesce(sum(greatest(more, 0)), 0), coalesce(sum(greatest(-more, 0)), 0) FROM moved"
    )
    return _Totals(added, removed, 0, ())


def _samples(con: duckdb.DuckDBPyConnection, sides: _Sides, sample: int) -> tuple[RowChange, ...]:
    order = ", ".join(f"{identifier(name)} ASC NULLS LAST" for name in sides.key)
    found: list[RowChange] = []
    choices: tuple[tuple[Kind, str, str], ...] = (
        ("added", "new_place", "old_place IS NULL"),
        ("removed", "old_place", "new_place IS NULL"),
        ("changed", "new_place", "old_place IS NOT NULL"),
    )
    for kind, place, condition in choices:
        side = sides.new if place == "new_place" else sides.old
        # Only the key is read to choose the examples; their other columns are read for these few rows alone.
        chosen = con.execute(
            f"""SELECT old_place, new_place FROM moved
            JOIN (SELECT file_row_number AS place, {sides.key_sql} FROM {side}) AS s ON s.place = {place}
            WHERE {condition} ORDER BY {order} LIMIT {int(sample)}"""
        ).fetchall()
        before = _texts(con, sides.old, _shown(sides, kind, "old"), [row[0] for row in chosen])
        after = _texts(con, sides.new, _shown(sides, kind, "new"), [row[1] for row in chosen])
        for old_place, new_place in chosen:
            found.append(_row_change(kind, sides.key, before.get(old_place, {}), after.get(new_place, {})))
    return tuple(found)


def _row_samples(con: duckdb.DuckDBPyConnection, sides: _Sides, sample: int) -> tuple[RowChange, ...]:
    names = sides.compared_names
    texts = ", ".join(f"CAST({identifier(name)} AS VARCHAR)" for name in names)
    found: list[RowChange] = []
    choices: tuple[tuple[Kind, str], ...] = (("added", "more > 0"), ("removed", "more < 0"))
    for kind, condition in choices:
        rows = con.execute(f"SELECT {texts} FROM moved WHERE {condition} ORDER BY ALL LIMIT {int(sample)}").fetchall()
        for row in rows:
            values = dict(zip(names, row, strict=True))
            found.append(_row_change(kind, (), values if kind == "removed" else {}, values if kind == "added" else {}))
    return tuple(found)


def _row_change(
    kind: Kind, key: tuple[str, ...], before: dict[str, str | None], after: dict[str, str | None]
) -> RowChange:
    one = after or before
    if kind == "changed":
        differ = [name for name in after if before[name] != after[name]]
        before = {name: before[name] for name in differ}
        after = {name: after[name] for name in differ}
    pairs = tuple((name, one[name]) for name in key)
    return RowChange(kind, pairs, tuple(before.items()), tuple(after.items()))


def _shown(sides: _Sides, kind: Kind, which: Literal["old", "new"]) -> dict[str, str]:
    """Column to SQL: whole rows of what came or went, of a changed row what both sides have, as it was compared."""
    if kind == "changed":
        values = {item.name: item.old if which == "old" else item.new for item in sides.compared}
        return {name: identifier(name) for name in sides.key} | values
    return {name: identifier(name) for name in (sides.columns_before if which == "old" else sides.columns_after)}


def _texts(
    con: duckdb.DuckDBPyConnection, side: str, columns: Mapping[str, str], places: Sequence[int | None]
) -> dict[int, dict[str, str | None]]:
    wanted = [place for place in places if place is not None]
    if not wanted:
        return {}
    texts = ", ".join(f"CAST({value} AS VARCHAR)" for value in columns.values())
    listed = ", ".join(str(int(place)) for place in wanted)
    rows = con.execute(f"SELECT file_row_number, {texts} FROM {side} WHERE file_row_number IN ({listed})").fetchall()
    return {row[0]: dict(zip(columns, row[1:], strict=True)) for row in rows}


def _selected(sides: _Sides, which: Literal["old", "new"]) -> str:
    values = [(item.name, item.old if which == "old" else item.new) for item in sides.compared]
    return ", ".join([*(f"{value} AS {identifier(name)}" for name, value in values), *map(identifier, sides.key)])


def _comparable(name: str, before: str, after: str) -> _Compared:
    """How to read a column on either side so that values can be compared."""
    column = identifier(name)
    if before == after:
        return _Compared(name, column, column, after)
    both_numbers = all(kind.partition("(")[0] in _NUMBERS for kind in (before, after))
    kind = "DOUBLE" if both_numbers else "VARCHAR"
    return _Compared(name, f"CAST({column} AS {kind})", f"CAST({column} AS {kind})", kind)


def _types(con: duckdb.DuckDBPyConnection, release: Release) -> dict[str, str]:
    rows = con.execute(f"DESCRIBE FROM read_parquet({literal(str(release.data))})").fetchall()
    return {str(row[0]): str(row[1]) for row in rows}


def _renamed(after: dict[str, Any], types_before: dict[str, str]) -> dict[str, str]:
    """Old name to new name of the columns that the newer release says were renamed, and that the older one has so."""
    names = {field["name"]: field.get("was") for field in after["fields"]}
    return {was: name for name, was in names.items() if was in types_before and name not in types_before}


def _side(
    release: Release, schema: dict[str, Any], types: dict[str, str], renamed: Mapping[str, str]
) -> tuple[str, dict[str, str]]:
    """The rows of one side and its types, under the newer names and without columns that only repeat another one."""
    relation = f"read_parquet({literal(str(release.data))}, file_row_number = true)"
    twice = [field["name"] for field in schema["fields"] if "deprecated" in field and field["name"] in types]
    kept = {renamed.get(name, name): kind for name, kind in types.items() if name not in twice}
    if not twice and not renamed:
        return relation, kept
    without = f" EXCLUDE ({', '.join(map(identifier, twice))})" if twice else ""
    pairs = ", ".join(f"{identifier(a)} AS {identifier(b)}" for a, b in renamed.items() if a not in twice)
    return f"(SELECT *{without}{f' RENAME ({pairs})' if pairs else ''} FROM {relation})", kept


def _schema_changes(
    before: dict[str, Any],
    after: dict[str, Any],
    types_before: dict[str, str],
    types_after: dict[str, str],
    renamed: Mapping[str, str],
) -> tuple[SchemaChange, ...]:
    found = [SchemaChange("renamed", new, was, new) for was, new in renamed.items()]
    found += [SchemaChange("removed", name, types_before[name], "") for name in types_before if name not in types_after]
    found += [SchemaChange("added", name, "", types_after[name]) for name in types_after if name not in types_before]
    units_before = {renamed.get(field["name"], field["name"]): field.get("unit", "") for field in before["fields"]}
    units_after = {field["name"]: field.get("unit", "") for field in after["fields"]}
    for name, kind in types_after.items():
        if name in types_before and types_before[name] != kind:
            found.append(SchemaChange("type", name, types_before[name], kind))
        if name in units_before and name in units_after and units_before[name] != units_after[name]:
            found.append(SchemaChange("unit", name, units_before[name], units_after[name]))
    keys = [", ".join(renamed.get(name, name) for name in schema.get("primaryKey", ())) for schema in (before, after)]
    if keys[0] != keys[1]:
        found.append(SchemaChange("key", "", *keys))
    return tuple(found)


def _row(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, ...]:
    row = con.execute(sql).fetchone()
    return tuple(int(value) for value in row or ())


@contextmanager
def _readable(old: Release, new: Release) -> Iterator[None]:
    """A release whose files are gone or damaged is named in one line."""
    try:
        yield
    except (OSError, ValueError, KeyError, duckdb.IOException, duckdb.InvalidInputException) as error:
        broken = next((release for release in (old, new) if not release.is_complete()), new)
        message = f"Release {broken.version} of {broken.product}.{broken.dataset} cannot be read: {str(error).splitlines()[0]}"
        raise DiffError(message, hint="Compare releases that `civicops release list` shows.") from error
