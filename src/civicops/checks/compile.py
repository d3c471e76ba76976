"""All row checks of a dataset, compiled into one SELECT.

Belongs here: the shape of that statement. One scan yields for every row its typed values, the ids of the checks it broke,
what was blanked, and, for a row that is held back, its raw values. Does not belong here: running it (`split`), or what makes
a single check true (`rules`).

The checks a row broke stand as bits in one or a few integers (`_broken_0`, ...), each check evaluated once. All that is dear,
such as lists of ids and JSON, is made from the bits and under a CASE, so only for the few rows that broke something.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
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

OF_TEXT = ("parses", "local_time")
"""Kinds of check that ask how a value was written; a value that is typed already cannot break them."""

_NO_FLAGS = "CAST([] AS VARCHAR[])"
_WORD = 62
"""Checks per integer: a BIGINT has no more bits without its sign."""


@dataclass(frozen=True)
class Compiled:
    """One dataset's row checks as SQL.

    `staged` is a table expression of the relation's rows with their typed values and the bits of the checks they broke;
    `parts` are the columns made of it (see `select`), `broken` and `held` the conditions over it.
    """

    staged: str
    parts: Mapping[str, str]
    broken: str
    held: str
    checks: tuple[Check, ...]
    columns: tuple[str, ...]

    @property
    def select(self) -> str:
        """All rows in one scan.

        The contract's columns typed, `_flags VARCHAR[]` (ids of all checks the row broke), `_blanked VARCHAR` (JSON of
        column to raw value, or null; of a row that is held back, JSON of all source fields), the columns of `PASSED_ON`,
        and `_held BOOLEAN`.
        """
        kept = (
            f"CASE WHEN {self.held} THEN {self.parts['_raw']} ELSE {self.parts['_blanked']} END AS {quote('_blanked')}"
        )
        others = self._listed((*self.columns, "_flags", *PASSED_ON))
        return f"SELECT {others}, {kept}, {self.held} AS {quote('_held')} FROM {self.staged}"

    def accepted(self, staged: str | None = None) -> str:
        """Only the rows that pass, without the columns of the quarantine; of `staged` rows kept elsewhere, if given."""
        names = (*self.columns, "_flags", "_blanked", *PASSED_ON)
        return f"SELECT {self._listed(names)} FROM {staged or self.staged} WHERE NOT ({self.held})"

    def quarantined(self, staged: str | None = None) -> str:
        """Only the rows that are held back: `_raw`, `_checks` and the columns of `PASSED_ON`."""
        names = self._listed(("_raw", *PASSED_ON))
        flags = f"{self.parts['_flags']} AS {quote('_checks')}"
        return f"SELECT {names}, {flags} FROM {staged or self.staged} WHERE {self.held}"

    def untouched(self, relation: str) -> str:
        """The rows of a typed relation as accepted rows, for those that are known to have broken nothing."""
        names = ", ".join(quote(name) for name in self.columns)
        passed = ", ".join(quote(name) for name in PASSED_ON)
        return f"SELECT {names}, {_NO_FLAGS} AS _flags, CAST(NULL AS VARCHAR) AS _blanked, {passed} FROM {relation}"

    def dialect(self, name: str) -> str:
        """The statement in another engine's SQL, as far as sqlglot can say it."""
        return sqlglot.transpile(self.select, read="duckdb", write=name)[0]

    def _listed(self, names: Iterable[str]) -> str:
        return ", ".join(f"{self.parts[name]} AS {quote(name)}" for name in names)


def compile_checks(
    contract: Contract, relation: str, fields: Sequence[str], lookups: LookupValues, *, typed: bool = False
) -> Compiled:
    """Compile the row checks of `contract` over `relation`, a SELECT.

    `fields` are the relation's columns that come from the source (text, under the source's lower-case names); each contract
    column takes the first of its `source_names` that is among them, and null where none is. With `typed`, the relation has
    the contract's own columns, typed already. Raises `KeyError` for a lookup whose values are not given.
    """
    stage, checks = f"({relation})", contract.row_checks
    if typed:
        checks = tuple(check for check in checks if check.kind not in OF_TEXT)
    else:
        texts = {text_of(c.name): cleaned(c, _raw(c, fields)) for c in contract.columns}
        stage = _stage(stage, texts)
        stage = _stage(stage, {wall_of(c.name): wall_clock(c) for c in contract.columns if c.timezone})
        stage = _typed(stage, fields, contract)
    bits = _Bits(checks)
    stage = _stage(stage, bits.columns(contract, lookups))
    held = bits.any(check for check in checks if check.action in HOLDING)
    parts = _parts(contract, bits, fields, typed=typed)
    return Compiled(stage, parts, bits.any(checks), held, contract.row_checks, contract.column_names)


class _Bits:
    """Where the bit of each check stands."""

    def __init__(self, checks: Sequence[Check]) -> None:
        self.checks = checks
        self.places = {check.id: (f"_broken_{n // _WORD}", 1 << n % _WORD) for n, check in enumerate(checks)}

    def columns(self, contract: Contract, lookups: LookupValues) -> dict[str, str]:
        """The integers, as expressions over typed rows."""
        terms: dict[str, list[str]] = {}
        for check in self.checks:
            word, bit = self.places[check.id]
            terms.setdefault(word, []).append(f"CASE WHEN {broken(contract, check, lookups)} THEN {bit} ELSE 0 END")
        return {word: f"CAST({' + '.join(of_word)} AS BIGINT)" for word, of_word in terms.items()}

    def any(self, checks: Iterable[Check]) -> str:
        """The condition that a row broke at least one of `checks`."""
        masks: dict[str, int] = {}
        for check in checks:
            word, bit = self.places[check.id]
            masks[word] = masks.get(word, 0) | bit
        return " OR ".join(f"({quote(word)} & {mask}) <> 0" for word, mask in masks.items()) or "FALSE"


def _raw(column: Column, fields: Sequence[str]) -> str:
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


def _parts(contract: Contract, bits: _Bits, fields: Sequence[str], *, typed: bool) -> dict[str, str]:
    """The columns that are made of staged rows, as expressions."""
    blanking: dict[str, list[Check]] = {}
    for check in bits.checks:
        for column in blanked_columns(check):
            blanking.setdefault(column, []).append(check)
    ids = ", ".join(f"CASE WHEN {bits.any([check])} THEN {text(check.id)} END" for check in bits.checks)
    flags = f"CASE WHEN {bits.any(bits.checks)} THEN list_filter([{ids}], x -> x IS NOT NULL) ELSE {_NO_FLAGS} END"
    sources = {name: name for name in contract.column_names} if typed else {f: f"_field_{f}" for f in fields}
    packed = ", ".join(f"{quote(field)} := {quote(name)}" for field, name in sources.items())
    return {
        **{name: _blanked(name, bits.any(blanking.get(name, ()))) for name in contract.column_names},
        "_flags": flags if bits.checks else _NO_FLAGS,
        "_blanked": _blanked_values(blanking, bits, typed=typed),
        **{name: quote(name) for name in PASSED_ON},
        "_raw": f"CAST(to_json(struct_pack({packed})) AS VARCHAR)",
    }


def _blanked(column: str, when: str) -> str:
    return quote(column) if when == "FALSE" else f"CASE WHEN NOT ({when}) THEN {quote(column)} END"


def _blanked_values(blanking: Mapping[str, Sequence[Check]], bits: _Bits, *, typed: bool) -> str:
    """A JSON object of what was blanked: column to the text it had."""
    if not blanking:
        return "CAST(NULL AS VARCHAR)"
    pairs = []
    for column, checks in blanking.items():
        value = f"CAST({quote(column)} AS VARCHAR)" if typed else quote(text_of(column))
        pair = f"{text(json.dumps(column) + ': ')} || CAST(to_json({value}) AS VARCHAR)"
        pairs.append(f"CASE WHEN {bits.any(checks)} THEN {pair} END")
    some = bits.any(check for checks in blanking.values() for check in checks)
    return f"CASE WHEN {some} THEN '{{' || concat_ws(', ', {', '.join(pairs)}) || '}}' END"
