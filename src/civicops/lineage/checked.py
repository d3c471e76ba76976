"""Which columns a check reads.

Belongs here: one answer per kind of check. Does not belong here: judging rows (`civicops.checks`).
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from civicops.contracts import Contract
from civicops.contracts import checktypes as ct
from civicops.contracts.model import Check


def columns_of(contract: Contract, check: Check) -> tuple[str, ...]:
    """The columns of its own dataset that a check reads, each once; none for one that only counts rows."""
    spec = check.spec
    named: tuple[str, ...] = (check.column,) if check.column else ()
    match spec:
        case ct.Compare():
            named += (spec.left, spec.right)
        case ct.Inside():
            named += (spec.longitude, spec.latitude)
        case ct.Paired() | ct.UniqueKey() | ct.ForeignKey():
            named += spec.columns
        case ct.NullShare() | ct.Freshness():
            named += (spec.column,)
        case ct.Expression():
            named += columns_named(spec.expression, contract)
        case ct.NoRows():
            named += columns_named(spec.query.replace("{dataset}", "dataset"), contract)
    return tuple(dict.fromkeys(named))


def lookup_of(check: Check) -> tuple[str, str] | None:
    """The lookup and its column that a check compares with, if it does."""
    spec = check.spec
    if isinstance(spec, ct.Allowed) and spec.lookup and spec.lookup_column:
        return spec.lookup, spec.lookup_column
    return None


def tables_of_check(check: Check) -> Iterator[tuple[str, tuple[str | None, ...]]]:
    """Other datasets that a check reads, each with the columns, or with None where it counts rows."""
    spec = check.spec
    if isinstance(spec, ct.ForeignKey):
        yield spec.dataset, spec.references
    if isinstance(spec, ct.Conservation):
        yield from ((name, (None,)) for name in spec.sources)
        if spec.ignored:
            yield spec.ignored, (None,)


def columns_named(sql: str, contract: Contract) -> tuple[str, ...]:
    """The contract's columns that a SQL condition or query names; all of them where it cannot be read."""
    known = set(contract.column_names)
    try:
        tree = parse_one(sql, dialect="duckdb")
    except SqlglotError:
        return contract.column_names
    return tuple(dict.fromkeys(column.name for column in tree.find_all(exp.Column) if column.name in known))
