"""Small pieces of SQL text, quoted.

Belongs here: identifiers, literals and file lists for DuckDB. Does not belong here: anything that knows what a check is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from sqlglot import exp


def quote(name: str) -> str:
    """An identifier, quoted so that any name is only a name."""
    return exp.to_identifier(name, quoted=True).sql(dialect="duckdb")


def text(value: str) -> str:
    """A string literal."""
    return exp.Literal.string(value).sql(dialect="duckdb")


def literal(value: str | int | float | bool) -> str:
    """A literal of the value's own type."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return text(value) if isinstance(value, str) else repr(value)


def listing(values: Iterable[str]) -> str:
    """A list literal of strings."""
    return "[" + ", ".join(text(value) for value in values) + "]"


def parquet(paths: Sequence[Path]) -> str:
    """A table function that reads these Parquet files as one table."""
    return f"read_parquet({listing(str(path) for path in paths)}, union_by_name = true)"
