"""Declarations held against what a run really wrote.

Belongs here: which columns each step of a run must have written, and the findings where it did not. Does not belong here: the
declarations themselves (`steps`), running the steps (`civicops.orchestrate`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from civicops.checks.current import BESIDES
from civicops.contracts import Contract
from civicops.errors import CivicopsError
from civicops.ingest.values import Finding
from civicops.lineage.made import SCHEMA, declared
from civicops.lineage.models import models_of
from civicops.lineage.steps import AREA, HELD, MISSING, Written, compared
from civicops.release.sql import identifier, literal
from civicops.workspace import Product, Workspace

if TYPE_CHECKING:
    from civicops.transform.made import Made

UNREADABLE = "lineage_unreadable"
LOST = "lineage_rows"


def checking_findings(
    con: duckdb.DuckDBPyConnection, contract: Contract, select: str, held: Iterable[Path]
) -> tuple[Finding, ...]:
    """Of checking one dataset: `select` gives its accepted rows, `held` are files of rows held back."""
    found = compared(Written(f"Checking {contract.dataset}", _columns(con, select)), (*contract.column_names, *BESIDES))
    paths = [str(path) for path in held if path.is_file()]
    for path in paths[-1:]:
        columns = _columns(con, f"SELECT * FROM read_parquet({literal(path)})")
        found += compared(Written(f"Holding back rows of {contract.dataset}", columns), HELD)
    return found


def building_findings(
    workspace: Workspace,
    product: Product,
    compiled: Mapping[str, str] | None,
    tables: Mapping[tuple[str, str], tuple[str, ...]],
) -> tuple[Finding, ...]:
    """Of building: `compiled` is the SQL that was run (None: dbt is asked again), `tables` the columns of what came of it by
    (schema, name), and of what it read.

    The models are followed here and kept, so whoever asks for the graph next has it at once. Models that cannot be followed
    are a finding too: the run goes on, but what depends on them is not known.
    """
    try:
        models = models_of(workspace, product, compiled=compiled)
    except CivicopsError as error:
        return (Finding(UNREADABLE, f"Lineage: {error.message}", 1, "flag"),)
    found: tuple[Finding, ...] = ()
    for name, model in models.items():
        if ("main", name) in tables:
            found += compared(Written(f"Model {name}", tables["main", name]), model.query.columns)
    if ("geo", "area") in tables:
        found += compared(Written("Mending outlines", tables["geo", "area"]), AREA)
    for name, made in declared(product).items():
        if (SCHEMA, name) in tables:
            found += compared(Written(f"Table {name} of prepared.py", tables[SCHEMA, name]), made.columns)
            found += tuple(_unknown_inputs(name, made, tables))
    return found


def _unknown_inputs(name: str, made: Made, tables: Mapping[tuple[str, str], tuple[str, ...]]) -> Iterator[Finding]:
    """What a declaration says that is read, but that nobody can read. A release that was never made has no table yet."""
    named = {item for items in (*made.columns.values(), made.which) for item in items}
    named |= {f"{rows.table}.*" for rows in made.rows}
    for item in sorted(named):
        table, _, column = item.rpartition(".")
        schema, _, read = table.partition(".")
        columns = tables.get((schema, read))
        if columns is None and schema == "release":
            continue
        if columns is None or (column != "*" and column.lower() not in columns):
            message = f"Table {name} of prepared.py is said to be made of {item}, which there is not."
            yield Finding(MISSING, message, 1, "flag")


def made_findings(con: duckdb.DuckDBPyConnection, product: Product, database: str) -> tuple[Finding, ...]:
    """Of the tables that Python made, in an attached database: rows that lead to none of the rows they are said to be made of,
    and declarations that cannot be asked."""
    found: list[Finding] = []
    for name, made in declared(product).items():
        if not made.rows:
            continue
        try:
            answer = con.execute(_lost(name, made, database)).fetchone()
        except duckdb.Error as error:
            message = f"Table {name} of prepared.py: its rows cannot be followed: {str(error).splitlines()[0]}"
            found.append(Finding(LOST, message, 1, "flag"))
            continue
        if answer and answer[0]:
            message = (
                f"{answer[0]:,} rows of table {name} of prepared.py lead to no row that they are said to be made of."
            )
            found.append(Finding(LOST, message, int(answer[0]), "flag"))
    return tuple(found)


def _lost(name: str, made: Made, database: str) -> str:
    """SQL that counts the rows that lead nowhere. What is read is selected first: a name that the read table has not must be an
    error, and not mean the made row's column."""
    parts: list[str] = []
    conditions: list[str] = []
    for number, rows in enumerate(made.rows):
        schema, _, read = rows.table.partition(".")
        values = ", ".join(f"CAST(({sql}) AS VARCHAR) AS {identifier(column)}" for column, sql in rows.by.items())
        parts.append(f"_{number} AS (SELECT {values} FROM {database}.{schema}.{identifier(read)})")
        if rows.where:  # asked of no column, so that what cannot be read is known before somebody traces
            parts.append(f"_w{number} AS (SELECT 1 FROM {database}.{schema}.{identifier(read)} WHERE {rows.asked('')})")
            conditions.append(f"EXISTS (SELECT 1 FROM _w{number} WHERE FALSE)")
        same = " AND ".join(f"r.{identifier(c)} = CAST(made.{identifier(c)} AS VARCHAR)" for c in rows.by)
        conditions.append(f"EXISTS (SELECT 1 FROM _{number} AS r WHERE {same})")
    table = f"{database}.{SCHEMA}.{identifier(name)}"
    return f"WITH {', '.join(parts)} SELECT count(*) FROM {table} AS made WHERE NOT ({' OR '.join(conditions)})"


def columns_of_tables(con: duckdb.DuckDBPyConnection, database: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """The columns of every table and view of an attached database, by (schema, name)."""
    rows = con.execute(
        "SELECT table_schema, table_name, list(column_name ORDER BY ordinal_position) FROM information_schema.columns "
        f"WHERE table_catalog = {literal(database)} GROUP BY ALL"
    ).fetchall()
    return {(schema, name): tuple(column.lower() for column in columns) for schema, name, columns in rows}


def _columns(con: duckdb.DuckDBPyConnection, select: str) -> tuple[str, ...]:
    return tuple(str(row[0]) for row in con.execute(f"DESCRIBE {select}").fetchall())
