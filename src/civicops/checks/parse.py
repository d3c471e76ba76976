"""From a source's text to a typed value, strictly: what cannot be read becomes null and is found by a check.

Belongs here: one SQL expression per logical type. Does not belong here: what happens to a value that cannot be read.
"""

from __future__ import annotations

from civicops.checks.sql import listing, quote, text
from civicops.checks.zones import moment
from civicops.contracts.model import Column

TAB = "\t"
WHITE = " \t\r\n"
"""What counts as white space around a value."""


def text_of(column: str) -> str:
    """The name under which a column's cleaned source text stands while a batch is checked."""
    return f"_text_{column}"


def wall_of(column: str) -> str:
    """The name under which the wall-clock time of a moment stands while a batch is checked."""
    return f"_wall_{column}"


def cleaned(column: Column, raw: str) -> str:
    """The source's text without surrounding white space; null when it is empty or one of the column's null values."""
    # Few values have white space around them, and finding those costs a tenth of trimming all: everything that begins with
    # white space sorts before '!'.
    edges = f"{raw} < '!' OR ends_with({raw}, ' ') OR ends_with({raw}, {text(TAB)})"
    trimmed = f"CASE WHEN {edges} THEN NULLIF(TRIM({raw}, {text(WHITE)}), '') ELSE {raw} END"
    if column.null_values:
        values = ", ".join(text(value) for value in column.null_values)
        trimmed = f"CASE WHEN TRIM({raw}) IN ({values}) THEN NULL ELSE {trimmed} END"
    return trimmed


def parsed(column: Column) -> str:
    """The typed value of a column's cleaned text (of its wall-clock time, for a moment); null when it is unreadable."""
    value = quote(text_of(column.name))
    match column.logical_type:
        case "integer":
            # A cast alone would read '12.7' as 13 and '1e3' as 1000. What it gives back as it was needs no closer look.
            number = f"TRY_CAST({value} AS BIGINT)"
            closely = f"WHEN regexp_full_match({value}, '[+-]?[0-9]+(\\.0*)?') THEN {number}"
            return f"CASE WHEN CAST({number} AS VARCHAR) = {value} THEN {number} {closely} END"
        case "number":
            # A cast alone would read 'nan' and 'inf' as numbers.
            return f"CASE WHEN isfinite(TRY_CAST({value} AS DOUBLE)) THEN TRY_CAST({value} AS DOUBLE) END"
        case "boolean":
            truths = ", ".join(text(word) for word in column.true_values)
            lies = ", ".join(text(word) for word in column.false_values)
            return f"CASE WHEN LOWER({value}) IN ({truths}) THEN TRUE WHEN LOWER({value}) IN ({lies}) THEN FALSE END"
        case "timestamp" if column.timezone:
            return moment(column.timezone, quote(wall_of(column.name)))
        case "timestamp":
            return f"try_strptime({value}, {listing(column.formats)})"
        case "date" | "time":
            return f"CAST(try_strptime({value}, {listing(column.formats)}) AS {column.logical_type.upper()})"
        case "string" if column.physical_type is None:
            return value
        case _:
            return f"TRY_CAST({value} AS {column.sql_type})"


def wall_clock(column: Column) -> str:
    """The wall-clock time that a column's cleaned text names, as a timestamp without zone."""
    return f"try_strptime({quote(text_of(column.name))}, {listing(column.formats)})"
