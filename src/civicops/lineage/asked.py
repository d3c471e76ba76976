"""Rows of a table by their key, asked without parameters.

Belongs here: a key as SQL, and the rows that have it. Does not belong here: which table is asked (`trace`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb

from civicops.contracts import Contract
from civicops.lineage.values import LineageError
from civicops.release.sql import identifier, literal


def rows_of(
    con: duckdb.DuckDBPyConnection, table: str, contract: Contract, keys: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The rows of `table` (a SQL expression) with that key, as mappings. Raises `LineageError` for a key of the wrong type."""
    fits(con, contract, keys)
    return rows_where(con, table, where_of(contract, keys))


def rows_where(con: duckdb.DuckDBPyConnection, table: str, where: str) -> list[dict[str, Any]]:
    """The rows of `table` (a SQL expression) for which a condition is true, as mappings. Raises `duckdb.Error`."""
    return _mappings(con.execute(f"SELECT * FROM {table} WHERE {where}"))


def _mappings(found: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def fits(con: duckdb.DuckDBPyConnection, contract: Contract, keys: Mapping[str, str]) -> None:
    """Raises `LineageError` for a key of the wrong type: where no row is looked at, the engine does not mind."""
    try:
        con.execute(f"SELECT {', '.join(typed_literal(contract, name, value) for name, value in keys.items())}")
    except duckdb.ConversionException as error:
        raise LineageError(
            f"The key {words_of(keys)} does not fit: {str(error).splitlines()[0]}",
            hint="Days are written as 2025-01-31.",
        ) from error


def where_of(contract: Contract, keys: Mapping[str, str]) -> str:
    """The condition that a row has that key; columns have the types of the contract."""
    # Literals, no parameters: for those DuckDB imports pandas, which takes longer than the question.
    return " AND ".join(f"{identifier(name)} = {typed_literal(contract, name, value)}" for name, value in keys.items())


def typed_literal(contract: Contract, column: str, value: str) -> str:
    """A value of a column as a SQL literal of the contract's type."""
    return f"CAST({literal(value)} AS {contract.column(column).sql_type})"


def words_of(keys: Mapping[str, str]) -> str:
    """A key in words: `column=value, column=value`."""
    return ", ".join(f"{name}={value}" for name, value in keys.items())
