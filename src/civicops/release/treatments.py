"""The SQL of what privacy rules do to values on their way into a release, and the rules that make no sense.

Belongs here: one treatment as SQL, which of several wins, what refuses a contract's rules. Does not belong here: the rest of the
SELECT (`sql`), where keys lie (`keys`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import duckdb
from sqlglot import exp

from civicops.contracts import Contract
from civicops.contracts.model import Column
from civicops.contracts.privacy import EVERY_ROW, Period, PrivacyRule, Treatment
from civicops.errors import CivicopsError
from civicops.release.keys import HashKeys

_BLOCK = 64
"""Bytes of a block of SHA-256 (RFC 2104)."""
HASH_DIGITS = 32
"""Hexadecimal digits of a hash that are published: 128 bits, so that no two of a billion values are likely to meet."""


class ReleaseRefusedError(CivicopsError):
    """What was asked to be released breaks a promise of its contract; nothing was written."""


def refuse_treatments(contract: Contract) -> None:
    """Raise `ReleaseRefusedError` for a privacy rule that cannot mean anything."""
    for rule in contract.privacy:
        for item in rule.treatments:
            where, column = f"{contract.id}: privacy rule '{rule.id}'", contract.column(item.column)
            if item.column in contract.key and not (item.treatment == "hash" and rule.when == EVERY_ROW):
                hint = (
                    "Publish another key, such as a number of its own, or hash it in every row (a rule without 'when')."
                )
                raise ReleaseRefusedError(f"{where} treats the key column '{item.column}'.", hint=hint)
            if item.treatment == "null" and column.required:
                hint = "Say 'required: false' or choose another treatment."
                raise ReleaseRefusedError(f"{where} empties '{item.column}', which is required.", hint=hint)
            if item.treatment == "round" and item.decimals is None:
                message = f"{where} rounds '{item.column}' to no stated number of decimals."
                raise ReleaseRefusedError(message, hint="Add 'decimals'.")
            kind = _kind(item)
            if kind and column.logical_type not in kind:
                message = f"{where}: '{item.column}' is a {column.logical_type}; {item.treatment} is for {' and '.join(kind)}."
                if item.treatment == "round":
                    message = f"{where} rounds '{item.column}', which is a {column.logical_type}."
                    raise ReleaseRefusedError(message, hint="Only numbers can be rounded; use the treatment 'null'.")
                raise ReleaseRefusedError(message, hint="Choose another treatment; 'null' is for every type.")


def treated(contract: Contract, column: Column, found_type: str, keys: Mapping[Period, str]) -> str:
    """The value of one column after every privacy rule: the strictest treatment of all rules that match wins.

    A condition that is neither true nor false (a null in it) counts as a match: what is not known to be harmless is
    treated as if it were not. `keys`: the prefix of the variables that hold the key of a period (`hash_variables`).
    """
    name = f"source.{exp.to_identifier(column.name, quoted=True).sql('duckdb')}"
    pairs = [(rule, item) for rule in contract.privacy for item in rule.treatments if item.column == column.name]
    if not pairs:
        return name
    pairs.sort(key=lambda pair: pair[1].strictness, reverse=True)
    cases = "".join(
        f" WHEN (\n{rule.when}\n) IS NOT FALSE THEN {_sql(item, name, found_type, keys)}" for rule, item in pairs
    )
    return f"CASE{cases} ELSE {name} END"


def hash_variables(
    con: duckdb.DuckDBPyConnection, contract: Contract, keys: HashKeys | None, today: date
) -> dict[Period, str]:
    """Hand the engine the key of each period that the contract's rules name; returns the names of the variables.

    The key never stands in SQL, whose text appears in messages. Raises `ReleaseRefusedError` without a place for keys.
    """
    found: dict[Period, str] = {}
    for period in _periods(contract.privacy):
        if keys is None:
            message = f"{contract.id} hashes values, but there is no place for its keys here."
            raise ReleaseRefusedError(message, hint="This is a fault of civicops: report it.")
        _, key = keys.current(contract.product, period, today)
        name = f"civicops_{period}"
        block = key.ljust(_BLOCK, b"\0")
        for pad, byte in (("inner", 0x36), ("outer", 0x5C)):
            con.execute(f"SET VARIABLE {name}_{pad} = ?::BLOB", [bytes(one ^ byte for one in block)])
        found[period] = name
    return found


def forget_variables(con: duckdb.DuckDBPyConnection, names: Mapping[Period, str]) -> None:
    """Take the keys out of the engine again."""
    for name in names.values():
        for pad in ("inner", "outer"):
            con.execute(f"RESET VARIABLE {name}_{pad}")


def key_ids(contract: Contract, keys: HashKeys | None, today: date) -> dict[Period, str]:
    """The id of the key in use for each period that the contract's rules name."""
    if keys is None:
        return {}
    return {period: keys.current_id(contract.product, period, today) for period in _periods(contract.privacy)}


def _periods(rules: tuple[PrivacyRule, ...]) -> list[Period]:
    return sorted({item.rotates for rule in rules for item in rule.treatments if item.rotates is not None})


def _kind(item: Treatment) -> tuple[str, ...]:
    """The logical types that a treatment is for; nothing where it is for all."""
    match item.treatment:
        case "null":
            return ()
        case "round":
            return ("number", "integer")
        case "coarsen" if item.to:
            return ("date", "timestamp")
        case "coarsen" if item.width:
            return ("number", "integer")
        case _:
            return ("string",)


def _sql(item: Treatment, name: str, found_type: str, keys: Mapping[Period, str]) -> str:
    match item.treatment:
        case "null":
            return "NULL"
        case "round":
            # Adding 0 turns the -0.0 that rounding can leave into 0.0: the sign would tell on which side of the line it was.
            return f"CAST(round({name}, {item.decimals}) + 0 AS {found_type})"
        case "mask":
            tail = f"'***' || right({name}, {item.keep})" if item.keep else "'***'"
            return f"CASE WHEN {name} IS NULL THEN NULL WHEN length({name}) >= {2 * (item.keep or 0)} THEN {tail} ELSE '***' END"
        case "hash":
            assert item.rotates is not None  # noqa: S101 - the contract would not have been read
            key = keys[item.rotates]
            inner = f"sha256(getvariable('{key}_inner') || encode(CAST({name} AS VARCHAR)))"
            return f"left(sha256(getvariable('{key}_outer') || unhex({inner})), {HASH_DIGITS})"
        case _:
            if item.to:
                return f"CAST(date_trunc('{item.to}', {name}) AS {found_type})"
            if item.width:
                return f"CAST(floor({name} / {item.width!r}) * {item.width!r} + 0 AS {found_type})"
            return f"left({name}, {item.keep})"
