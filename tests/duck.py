"""Asking DuckDB in tests, each time in a database of its own.

Belongs here: that one call. Does not belong here: `duckdb.sql` and its like, which share one connection between everything in
the process: a statement that failed in one test ends the transaction of the next.
"""

from __future__ import annotations

from typing import Any

import duckdb


def asked(sql: str, **tables: Any) -> list[tuple[Any, ...]]:
    """Every row of a query; `tables` (Arrow tables) can be named in it."""
    with duckdb.connect() as con:
        for name, table in tables.items():
            con.register(name, table)
        return con.execute(sql).fetchall()
