"""All row checks of a dataset, compiled into one SELECT.

Belongs here: the shape of that statement. One scan yields for every row its typed values, the ids of the checks it broke,
what was blanked, and, for a row that is held back, its raw values. Does not belong here: running it (`run`), or what makes
a single check true (`rules`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlglot

from civicops.checks.parse import cleaned, parsed, text_of, wall_clock, wall_of
from civicops.checks.rules import LookupValues, blanked_columns, broken
from civicops.checks.sql import quote, text
from civicops.contracts import Check, Column, Contract

HOLDING = ("quarantine", "stop")
"""Actions under which a row is held back."""

PASSED_ON = ("_source", "_object", "_delivery")
"""Columns of the raw rows that say where a row comes from; kept as they are."""


@dataclass(frozen=True)
class Compiled:
    """One dataset's row checks as SQL.

    `select` yields the contract's columns typed, `_flags VARCHAR[]` (ids of all checks the row broke), `_blanked VARCHAR`
    (JSON of column to raw value, or null), the columns of `PASSED_ON`, `_held BOOLEAN`, and `_raw VARCHAR` (JSON of source
    field to text, null for accepted rows).
    """

    select: str
    checks: tuple[Check, ...]
    columns: tuple[str, ...]

    def accepted(self) -> str:
        """Only the rows that pass, without the columns of the quarantine."""
        names = ", ".join(quote(name) for name in (*self.columns, "_flags", "_blanked", *PASSED_ON))
        return f"SELECT {names} FROM ({self.select}) WHERE NOT _held"

    def held(self) -> str:
        """Only the rows that are held back."""
        names = ", ".join((quote("_raw"), f"{quote('_flags')} AS {quote('_checks')}", *map(quote, PASSED_ON)))
        return f"SELECT {names} FROM ({self.select}) WHERE _held"

    def dialect(self, name: str) -> str:
        """The statement in another engine's SQL, as far as sqlglot can say it."""
        return sqlglot.transpile(self.select, read="duckdb", write=name)[0]


def compile_checks(
    contract: Contract, relation: str, fields: Sequence[str], lookups: LookupValues, *, typed: bool = False
) -> Compiled:
    """Compile the row checks of `contract` over `relation`, a SELECT.

    `fields` are the relation's columns that come from the source (text, under the source's lower-case names); each contract
    column takes the first of its `source_names` that is among them, and null where none is. With `typed`, the relation has
    the contract's own columns, typed already. Raises `KeyError` for a lookup whose values are not given.
    """
    raw = {column.name: _raw(column, fields, typed=typed) for column in contract.columns}
    stage = f"({relation})"
    if typed:
        # Text is only asked for by `parses`, which cannot be broken here: a typed value is its own text.
        for_text = {c.column for c in contract.row_checks if c.kind == "parses" and c.column}
        stage = _stage(stage, {text_of(str(name)): raw[str(name)] for name in for_text})
    else:
        stage = _stage(stage, {text_of(column.name): cleaned(column, raw[column.name]) for column in contract.columns})
        walls = {wall_of(c.name): wall_clock(c) for c in contract.columns if c.timezone}
        stage = _stage(stage, walls)
        stage = _typed(stage, fields, contract)
    checks = contract.row_checks
    bits = {f"_broke_{index}": broken(contract, check, lookups) for index, check in enumerate(checks)}
    stage = _stage(stage, bits)
    return Compiled(_outer(stage, contract, fields, typed=typed), checks, contract.column_names)


def _raw(column: Column, fields: Sequence[str], *, typed: bool) -> str:
    if typed:
        return quote(column.name)
    found = [quote(name) for name in column.source_names if name in fields]
    if len(found) > 1:
        return f"COALESCE({', '.join(found)})"
    return found[0] if found else "CAST(NULL AS VARCHAR)"


def _stage(inner: str, columns: Mapping[str, str]) -> str:
    if not columns:
        return inner
    added = ", ".join(f"{expression} AS {quote(name)}" for name, expression in columns.items())
    return f"(SELECT *, {added} FROM {inner})"


def _typed(inner: str, fields: Sequence[str], contract: Contract) -> str:
    """Add the typed columns. A source field may bear the name of a column: fields go on under a prefix."""
    renamed = ", ".join(f"{quote(field)} AS {quote('_field_' + field)}" for field in fields)
    kept = [
        *PASSED_ON,
        *(text_of(c.name) for c in contract.columns),
        *(wall_of(c.name) for c in contract.columns if c.timezone),
    ]
    names = ", ".join(quote(name) for name in kept)
    values = ", ".join(f"{parsed(column)} AS {quote(column.name)}" for column in contract.columns)
    return f"(SELECT {', '.join(part for part in (renamed, names, values) if part)} FROM {inner})"


def _outer(stage: str, contract: Contract, fields: Sequence[str], *, typed: bool) -> str:
    checks = contract.row_checks
    bits = [f"_broke_{index}" for index in range(len(checks))]
    blanking: dict[str, list[str]] = {}
    for bit, check in zip(bits, checks, strict=True):
        for column in blanked_columns(check):
            blanking.setdefault(column, []).append(bit)
    held = " OR ".join(bit for bit, check in zip(bits, checks, strict=True) if check.action in HOLDING) or "FALSE"
    ids = ", ".join(f"CASE WHEN {bit} THEN {text(check.id)} END" for bit, check in zip(bits, checks, strict=True))
    none = "CAST([] AS VARCHAR[])"
    # The list is only built for rows that broke something: CASE keeps the dear part off the others.
    flags = f"CASE WHEN {' OR '.join(bits)} THEN list_filter([{ids}], x -> x IS NOT NULL) ELSE {none} END"
    sources = {name: name for name in contract.column_names} if typed else {f: f"_field_{f}" for f in fields}
    packed = ", ".join(f"{quote(field)} := {quote(name)}" for field, name in sources.items())
    parts = {
        **{column: _blanked(column, blanking.get(column, [])) for column in contract.column_names},
        "_flags": flags if checks else none,
        "_blanked": _blanked_values(blanking, typed=typed),
        **{name: quote(name) for name in PASSED_ON},
        "_held": held,
        "_raw": f"CASE WHEN {held} THEN CAST(to_json(struct_pack({packed})) AS VARCHAR) END",
    }
    return f"SELECT {', '.join(f'{expression} AS {quote(name)}' for name, expression in parts.items())} FROM {stage}"


def _blanked(column: str, bits: Sequence[str]) -> str:
    return f"CASE WHEN NOT ({' OR '.join(bits)}) THEN {quote(column)} END" if bits else quote(column)


def _blanked_values(blanking: Mapping[str, Sequence[str]], *, typed: bool) -> str:
    """A JSON object of what was blanked: column to the text it had."""
    if not blanking:
        return "CAST(NULL AS VARCHAR)"
    pairs = []
    for column, bits in blanking.items():
        value = f"CAST({quote(column)} AS VARCHAR)" if typed else quote(text_of(column))
        pair = f"{text(json.dumps(column) + ': ')} || CAST(to_json({value}) AS VARCHAR)"
        pairs.append(f"CASE WHEN {' OR '.join(bits)} THEN {pair} END")
    some = " OR ".join(bit for bits in blanking.values() for bit in bits)
    return f"CASE WHEN {some} THEN '{{' || concat_ws(', ', {', '.join(pairs)}) || '}}' END"
