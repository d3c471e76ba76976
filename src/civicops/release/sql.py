"""The SELECT that a release is written from.

Belongs here: contract to SQL (order, types, total order) and the reasons to refuse a table. Does not belong here: what privacy
rules do (`treatments`), running the SELECT or writing files (`publish`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date

import duckdb
from sqlglot import exp

from civicops.contracts import Contract
from civicops.contracts.checktypes import UniqueKey
from civicops.contracts.privacy import Period
from civicops.release.treatments import ReleaseRefusedError, refuse_treatments, treated

_INTEGERS = frozenset(
    f"{sign}{size}" for sign in ("", "U") for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
)
# What may become what without a value being changed silently. Where a value does not fit (an integer too large), the cast
# fails and the release is refused. Rounding, parsing and choosing a time zone are the model's business, in the open.
_WIDENS: dict[str, frozenset[str]] = {
    "DOUBLE": _INTEGERS | {"FLOAT", "DECIMAL"},
    "FLOAT": frozenset({"TINYINT", "SMALLINT", "UTINYINT", "USMALLINT"}),
    "VARCHAR": frozenset({"JSON", "ENUM", "UUID"}),
    "ENUM": frozenset({"VARCHAR"}),
    "TIMESTAMP": frozenset({"DATE", "TIMESTAMP_S", "TIMESTAMP_MS"}),
    **dict.fromkeys(_INTEGERS, _INTEGERS),
}
_NESTED = re.compile(r"\]$|^(STRUCT|MAP|UNION|LIST|ARRAY)\b")
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")


def identifier(name: str) -> str:
    """`name` as a quoted SQL identifier."""
    return exp.to_identifier(name, quoted=True).sql("duckdb")


def literal(text: str) -> str:
    """`text` as a SQL string."""
    return exp.Literal.string(text).sql("duckdb")


def row_hash(values: Iterable[tuple[str, str]]) -> str:
    """A 64-bit hash of several (SQL value, DuckDB type); of nothing, the same number for every row.

    The engine's hash cannot tell an empty list, a list of one null and no list from each other; nested values are hashed as
    JSON, which can.
    """
    parts = [f"to_json({value})::VARCHAR" if _NESTED.search(kind) else value for value, kind in values]
    return f"hash({', '.join(parts)})" if parts else "hash(0)"


def release_select(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    select_sql: str,
    today: date,
    keys: Mapping[Period, str] | None = None,
) -> str:
    """The SELECT of what may be published: the contract's columns, in its order and types, treated and totally ordered.

    Columns that were renamed stand behind them once more under the name they had, up to the day the contract says.
    `keys`: the engine's variables with the keys of hashes, by period (`treatments.hash_variables`).

    Exact values are replaced before rows are sorted, so neither the values nor the order of the rows gives them away.
    Raises `ReleaseRefusedError` where table and contract differ or the contract forbids the release.
    """
    refuse_by_contract(contract)
    inner = select_sql.strip().rstrip(";")
    found = _described(con, inner, contract)
    _refuse_other_columns(contract, found)
    columns = ",\n  ".join(
        f"CAST({treated(contract, column, found[column.name], keys or {})} AS {column.sql_type}) AS {identifier(column.name)}"
        for column in contract.columns
    )
    _refuse_other_types(con, contract, found)
    protected = f"SELECT\n  {columns}\nFROM (\n{inner}\n) AS source"
    olds = "".join(f", {identifier(new)} AS {identifier(old)}" for old, new in contract.old_names(today))
    return f"SELECT *{olds} FROM (\n{protected}\n) AS treated ORDER BY {_total_order(contract)}"


def refuse_by_contract(contract: Contract) -> None:
    """Raise `ReleaseRefusedError` for a contract that forbids, or cannot mean, a release."""
    name = contract.id
    if contract.layer != "published" or contract.access == "internal":
        message = f"{name} is not for release: its layer is {contract.layer}, its access {contract.access}."
        raise ReleaseRefusedError(message, hint="Only published datasets that are public or restricted are released.")
    direct = [column.name for column in contract.columns if column.pii_class.lower() == "direct"]
    if contract.declared_access == "public" and direct:
        message = f"{name} is public, but {', '.join(direct)} names people directly (classification: direct)."
        raise ReleaseRefusedError(
            message, hint="Remove the column from the contract and its model, or restrict access."
        )
    refuse_treatments(contract)


def _total_order(contract: Contract) -> str:
    """`sort_by`, then the key. Where the contract does not promise a unique key, a hash of the row settles what is left."""
    names = list(dict.fromkeys((*contract.sort_by, *contract.key)))
    parts = [f"{identifier(name)} ASC NULLS LAST" for name in names]
    promised = any(
        isinstance(check.spec, UniqueKey) and check.spec.action == "stop" and set(check.spec.columns) <= set(names)
        for check in contract.dataset_checks
    )
    if not promised:
        # Rows with the same hash are the same rows, so their order does not show in the bytes.
        parts.append(f"{row_hash((identifier(column.name), column.sql_type) for column in contract.columns)} ASC")
    return ", ".join(parts)


def _described(con: duckdb.DuckDBPyConnection, select_sql: str, contract: Contract) -> dict[str, str]:
    try:
        rows = con.execute(f"DESCRIBE SELECT * FROM (\n{select_sql}\n) AS source").fetchall()
    except (duckdb.CatalogException, duckdb.BinderException, duckdb.ParserException) as error:
        message = f"The table of {contract.id} cannot be read: {str(error).splitlines()[0]}"
        raise ReleaseRefusedError(message, hint="See that its model was built and its SQL is right.") from error
    return {str(row[0]): str(row[1]) for row in rows}


def _refuse_other_columns(contract: Contract, found: dict[str, str]) -> None:
    missing = [name for name in contract.column_names if name not in found]
    extra = [name for name in found if name not in contract.column_names and not _is_ignored(contract, name)]
    if missing or extra:
        parts = [
            f"{words} {', '.join(names)}" for words, names in (("lacks", missing), ("has besides", extra)) if names
        ]
        message = f"The table of {contract.id} is not what its contract says: it {' and '.join(parts)}."
        hint = "Change the model, or the contract (a column can be declared under ignoredFields with a reason)."
        raise ReleaseRefusedError(message, hint=hint)


def _is_ignored(contract: Contract, name: str) -> bool:
    for pattern, _ in contract.ignored_fields:
        if name.lower() == pattern or (pattern.endswith("*") and name.lower().startswith(pattern[:-1])):
            return True
    return False


def _refuse_other_types(con: duckdb.DuckDBPyConnection, contract: Contract, found: dict[str, str]) -> None:
    casts = ", ".join(f"CAST(NULL AS {c.sql_type}) AS {identifier(c.name)}" for c in contract.columns)
    try:
        wanted = {str(row[0]): str(row[1]) for row in con.execute(f"DESCRIBE SELECT {casts}").fetchall()}
    except duckdb.Error as error:
        message = f"A physicalType of {contract.id} is no type of the engine: {str(error).splitlines()[0]}"
        raise ReleaseRefusedError(message, hint="Mend it in the contract.") from error
    wrong = [
        f"{name} is {found[name]}, not {wanted[name]}"
        for name in contract.column_names
        if not fits(found[name], wanted[name])
    ]
    if wrong:
        message = f"The table of {contract.id} is not what its contract says: {'; '.join(wrong)}."
        raise ReleaseRefusedError(message, hint="Cast in the model, where it can be seen, or change the contract.")


def fits(found: str, wanted: str) -> bool:
    """Whether a column of DuckDB type `found` may be released as `wanted` without any value changing silently."""
    if found in (wanted, '"NULL"'):
        return True
    found_decimal, wanted_decimal = _DECIMAL.fullmatch(found), _DECIMAL.fullmatch(wanted)
    if wanted_decimal:
        return found in _INTEGERS or (found_decimal is not None and int(found_decimal[2]) <= int(wanted_decimal[2]))
    family = "DECIMAL" if found_decimal else found.partition("(")[0]
    return family in _WIDENS.get(wanted.partition("(")[0], frozenset())
