"""Tables that a product's Python makes before its SQL models: what SQL cannot say, such as reading a telephone number.

Belongs here: finding a product's `prepared.py`, running it on the warehouse, and keeping what it gave in the schema `prepared`.
Does not belong here: the code itself (`products/<product>/prepared.py`), SQL models (`build`).

The module holds

- `TABLES`: name -> `pyarrow.Schema` of every table it makes; models read them as `{{ source('prepared', name) }}`;
- `prepare(con)`: gets a DuckDB connection on which `accepted.*`, `lookup.*` and `release.*` can be read, and gives name ->
  Arrow table;
- `LINEAGE`, which may be left out: name of a table -> `civicops.transform.made.Made`, what its columns and rows are made of.

The same inputs must give the same tables: no network, no clock, no dice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa

from civicops.errors import CivicopsError
from civicops.product_code import load_code
from civicops.transform.made import Made
from civicops.transform.values import TransformError

MODULE = "prepared"


@dataclass(frozen=True)
class Prepared:
    """A product's `prepared.py`: the tables it promises and the function that makes them."""

    path: Path
    tables: Mapping[str, pa.Schema]
    prepare: Callable[[duckdb.DuckDBPyConnection], Mapping[str, pa.Table]]
    lineage: Mapping[str, Made] = field(default_factory=dict)


def find_prepared(product_folder: Path) -> Prepared | None:
    """The product's `prepared.py`, None without one. Raises `TransformError` when it lacks a part."""
    module = load_code(product_folder, MODULE)
    if module is None:
        return None
    path = product_folder / f"{MODULE}.py"
    tables, prepare = getattr(module, "TABLES", None), getattr(module, "prepare", None)
    if not isinstance(tables, Mapping) or not callable(prepare):
        raise TransformError(
            f"{path} must hold TABLES and prepare(con).", hint="TABLES maps each table's name to its pyarrow schema."
        )
    lineage = getattr(module, "LINEAGE", {})
    if not isinstance(lineage, Mapping) or set(lineage) - set(tables):
        raise TransformError(
            f"{path}: LINEAGE must map tables of TABLES to what they are made of.",
            hint=f"TABLES has: {', '.join(sorted(tables))}.",
        )
    return Prepared(path, tables, prepare, lineage)


def make_empty(con: duckdb.DuckDBPyConnection, prepared: Prepared) -> None:
    """The tables without a row, for unit tests of models."""
    _keep(con, {name: schema.empty_table() for name, schema in prepared.tables.items()})


def make_tables(con: duckdb.DuckDBPyConnection, prepared: Prepared) -> None:
    """Run `prepare` and keep what it gives. Raises `TransformError` for a failure and for tables that are not as promised."""
    try:
        made = prepared.prepare(con)
    except CivicopsError:
        raise
    except Exception as error:
        raise TransformError(
            f"{prepared.path} failed: {type(error).__name__}: {error}",
            hint="Mend it and run the product again; the last release stays in place.",
        ) from error
    if set(made) != set(prepared.tables):
        wrong = ", ".join(sorted(set(made) ^ set(prepared.tables)))
        raise TransformError(f"{prepared.path}: TABLES and what prepare() gave differ in: {wrong}.")
    for name, table in made.items():
        if not table.schema.equals(prepared.tables[name]):
            raise TransformError(f"{prepared.path}: table '{name}' has not the schema that TABLES says.")
    _keep(con, made)


def _keep(con: duckdb.DuckDBPyConnection, tables: Mapping[str, pa.Table]) -> None:
    con.execute("DROP SCHEMA IF EXISTS prepared CASCADE; CREATE SCHEMA prepared")
    for name, table in tables.items():
        con.register("_civicops_prepared", table)
        try:
            quoted = name.replace('"', '""')
            con.execute(f'CREATE TABLE prepared."{quoted}" AS SELECT * FROM _civicops_prepared')
        finally:
            con.unregister("_civicops_prepared")
