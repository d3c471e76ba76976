"""From one row check to the SQL condition that is true exactly for the rows that break it.

Belongs here: one small function per kind. A null value breaks only `required` (and `paired`): whether a value must be there
is a question of its own. Does not belong here: what happens to the row.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from civicops.checks.parse import text_of, wall_of
from civicops.checks.sql import literal, quote, text
from civicops.contracts import checktypes as ct
from civicops.contracts.model import Check, Column, Contract

LookupValues = Mapping[tuple[str, str], tuple[str, ...]]


def broken(contract: Contract, check: Check, lookups: LookupValues) -> str:
    """The condition that is true for rows that break `check`, and false or null for all others.

    Typed columns stand in it under their own names, source texts and wall-clock times under those of `parse.text_of` and
    `parse.wall_of`. Raises `KeyError` for a lookup that is not given.
    """
    spec = check.spec
    name = quote(check.column) if check.column else ""
    match spec:
        case ct.Required():
            return f"{name} IS NULL"
        case ct.Parses():
            return f"{name} IS NULL AND {quote(text_of(str(check.column)))} IS NOT NULL"
        case ct.Allowed():
            values = spec.values or lookups[str(spec.lookup), str(spec.lookup_column)]
            items = ", ".join(literal(value) for value in values)
            if any(column.name == check.column and column.sql_type == "VARCHAR" for column in contract.columns):
                # A function of one column is computed once per distinct value of a Parquet file's dictionary; IN is not.
                return f"NOT list_contains([{items}], {name})"
            return f"{name} NOT IN ({items})"
        case ct.Range():
            column = contract.column(str(check.column))
            return _outside(name, sql_bound(column, spec.minimum), sql_bound(column, spec.maximum))
        case ct.Length():
            low = None if spec.minimum is None else str(spec.minimum)
            high = None if spec.maximum is None else str(spec.maximum)
            return _outside(f"LENGTH({name})", low, high)
        case ct.Pattern():
            return f"NOT regexp_full_match({name}, {text(spec.pattern)})"
        case ct.Compare():
            left, right = quote(spec.left), quote(spec.right)
            return f"NOT ({left} {spec.operator} {right})"
        case ct.Inside():
            lon, lat = quote(spec.longitude), quote(spec.latitude)
            return f"{lon} NOT BETWEEN {spec.west!r} AND {spec.east!r} OR {lat} NOT BETWEEN {spec.south!r} AND {spec.north!r}"
        case ct.Paired():
            nulls = " + ".join(f"({quote(column)} IS NULL)::INT" for column in spec.columns)
            return f"({nulls}) NOT IN (0, {len(spec.columns)})"
        case ct.LocalTime():
            return _not_one_moment(contract.column(str(check.column)))
        case ct.Expression():
            return f"NOT ({spec.expression})"
    raise TypeError(f"{type(spec).__name__} is not a row check")


def blanked_columns(check: Check) -> tuple[str, ...]:
    """The columns that become null where a row breaks a check with action `blank`."""
    if check.action != "blank":
        return ()
    spec = check.spec
    if named := getattr(spec, "blanks", ()):
        return tuple(named)
    match spec:
        case ct.Inside():
            return (spec.longitude, spec.latitude)
        case ct.Compare():
            return (spec.left,)
        case ct.Paired():
            return spec.columns
    return (check.column,) if check.column else ()


def _outside(value: str, low: str | None, high: str | None) -> str:
    if low is not None and high is not None:
        return f"{value} NOT BETWEEN {low} AND {high}"
    return f"{value} < {low}" if low is not None else f"{value} > {high}"


def sql_bound(column: Column, value: float | int | str | None) -> str | None:
    """A bound as a literal of the column's type; a wall-clock bound is read in the column's own zone."""
    if value is None:
        return None
    if column.logical_type == "timestamp" and column.timezone:
        return f"timezone({text(column.timezone)}, TIMESTAMP {text(str(value))})"
    if column.logical_type in ("date", "timestamp", "time"):
        return f"{column.logical_type.upper()} {text(str(value))}"
    return literal(value)


def _not_one_moment(column: Column) -> str:
    """Whether a wall-clock time is skipped (spring) or repeated (autumn) in the column's zone."""
    wall = quote(wall_of(column.name))
    uncertain = uncertain_hours(str(column.timezone))
    if not uncertain:
        return "FALSE"
    hours = ", ".join(f"TIMESTAMP '{hour:%Y-%m-%d %H:%M:%S}'" for hour in uncertain)
    # Clocks change at night: the hour of the day rules out nearly every row before the long list is looked at.
    of_day = ", ".join(str(hour) for hour in sorted({hour.hour for hour in uncertain}))
    return f"date_part('hour', {wall}) IN ({of_day}) AND list_contains([{hours}], date_trunc('hour', {wall}))"


@lru_cache
def uncertain_hours(zone: str) -> tuple[datetime, ...]:
    """The wall-clock hours from 1990 to 2060 that `zone` skips or repeats, each by its first minute.

    A change by less than an hour makes the whole hour uncertain.
    """
    info = ZoneInfo(zone)
    found: set[datetime] = set()
    day = datetime(1990, 1, 1, tzinfo=UTC)
    while day.year < 2060:
        if day.astimezone(info).utcoffset() != (day + timedelta(days=1)).astimezone(info).utcoffset():
            wall = day.astimezone(info).replace(tzinfo=None, minute=0, second=0) - timedelta(hours=2)
            for hours in range(30):
                for minutes in (0, 30):
                    local = wall + timedelta(hours=hours, minutes=minutes)
                    first, second = local.replace(tzinfo=info, fold=0), local.replace(tzinfo=info, fold=1)
                    if first.utcoffset() != second.utcoffset():
                        found.add(local.replace(minute=0))
        day += timedelta(days=1)
    return tuple(sorted(found))
