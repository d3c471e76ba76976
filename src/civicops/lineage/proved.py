"""Declarations held against what a run really wrote.

Belongs here: which columns each step of a run must have written, and the findings where it did not. Does not belong here: the
declarations themselves (`steps`), running the steps (`civicops.orchestrate`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb

from civicops.checks.current import BESIDES
from civicops.contracts import Contract
from civicops.errors import CivicopsError
from civicops.ingest.values import Finding
from civicops.lineage.models import models_of
from civicops.lineage.steps import AREA, HELD, Written, compared
from civicops.release.sql import literal
from civicops.workspace import Product, Workspace

UNREADABLE = "lineage_unreadable"


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
    (schema, name).

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
    return found


def columns_of_tables(con: duckdb.DuckDBPyConnection, database: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """The columns of every table and view of an attached database, by (schema, name)."""
    rows = con.execute(
        "SELECT table_schema, table_name, list(column_name ORDER BY ordinal_position) FROM information_schema.columns "
        f"WHERE table_catalog = {literal(database)} GROUP BY ALL"
    ).fetchall()
    return {(schema, name): tuple(column.lower() for column in columns) for schema, name, columns in rows}


def _columns(con: duckdb.DuckDBPyConnection, select: str) -> tuple[str, ...]:
    return tuple(str(row[0]) for row in con.execute(f"DESCRIBE {select}").fetchall())
