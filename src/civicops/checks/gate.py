"""The gate: whether a dataset may be published, by its contract.

Belongs here: running row checks as counts and dataset checks as queries over a finished table. Does not belong here:
publishing (`civicops.release`); splitting rows (`batches`), which only accepted datasets do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import duckdb

from civicops.checks.rules import LookupValues, broken
from civicops.checks.sql import quote
from civicops.checks.values import CheckResult, Outcome, row_result
from civicops.contracts import Check, Contract
from civicops.contracts import checktypes as ct


@dataclass(frozen=True)
class GateContext:
    """What a gate needs to know besides the table itself.

    `datasets` gives the SELECT of every dataset a foreign key may name (`product.dataset`, or the bare name within the
    product); `accepted_rows` the current rows of each accepted dataset; `ignored` the SELECT of models that count ignored
    rows; `rows_in` and `quarantined` belong to an accepted dataset.
    """

    now: datetime
    lookups: LookupValues = field(default_factory=dict)
    datasets: Mapping[str, str] = field(default_factory=dict)
    accepted_rows: Mapping[str, int] = field(default_factory=dict)
    ignored: Mapping[str, str] = field(default_factory=dict)
    rows_in: int = 0
    quarantined: int = 0


def shape_problems(con: duckdb.DuckDBPyConnection, contract: Contract, select: str) -> tuple[str, ...]:
    """Columns that the table lacks, has beyond the contract, or has with another type; in words."""
    described = con.execute(f"DESCRIBE {select}").fetchall()
    actual = {row[0]: row[1] for row in described}
    expected = {column.name: column.sql_type for column in contract.columns}
    missing = [f"column '{name}' is missing" for name in expected if name not in actual]
    extra = [f"column '{name}' is not in the contract" for name in actual if name not in expected]
    wrong = [
        f"column '{name}' is {actual[name]}, the contract says {kind}"
        for name, kind in expected.items()
        if name in actual and actual[name] != kind
    ]
    return (*missing, *extra, *wrong)


def judge_rows(
    con: duckdb.DuckDBPyConnection, contract: Contract, select: str, context: GateContext
) -> tuple[CheckResult, ...]:
    """All row checks of a published dataset, counted in one scan."""
    if not contract.row_checks:
        return ()
    counts = ", ".join(
        f"count(*) FILTER (WHERE {broken(contract, check, context.lookups)})" for check in contract.row_checks
    )
    row = con.execute(f"SELECT count(*), {counts} FROM ({select})").fetchone()
    assert row is not None  # noqa: S101 - an aggregate without GROUP BY always has one row
    return tuple(
        row_result(check, contract.dataset, rows=int(row[0]), broken=int(found))
        for check, found in zip(contract.row_checks, row[1:], strict=True)
    )


def judge_dataset(
    con: duckdb.DuckDBPyConnection, contract: Contract, select: str, context: GateContext
) -> tuple[CheckResult, ...]:
    """All dataset checks of a contract over the table that `select` yields."""
    rows = _number(con, f"SELECT count(*) FROM ({select})")
    return tuple(_judge(con, contract, check, select, rows, context) for check in contract.dataset_checks)


def _judge(
    con: duckdb.DuckDBPyConnection, contract: Contract, check: Check, select: str, rows: int, context: GateContext
) -> CheckResult:
    spec, found, detail = check.spec, 0, ""
    outcome: Outcome | None = None
    match spec:
        case ct.UniqueKey():
            names = ", ".join(quote(name) for name in spec.columns)
            query = f"SELECT count(*) - count(DISTINCT ({names})) FROM ({select})"
            found = _number(con, query)
            detail = f"{found:,} rows repeat a key" if found else ""
        case ct.ForeignKey():
            ours = [quote(name) for name in spec.columns]
            theirs = [quote(name) for name in spec.references]
            given = " AND ".join(f"a.{name} IS NOT NULL" for name in ours)
            match_ = " AND ".join(f"a.{a} = b.{b}" for a, b in zip(ours, theirs, strict=True))
            other = context.datasets[spec.dataset]
            found = _number(
                con,
                f"SELECT count(*) FROM ({select}) a WHERE {given} AND NOT EXISTS (SELECT 1 FROM ({other}) b WHERE {match_})",
            )
            detail = f"{found:,} rows name something that {spec.dataset} does not have" if found else ""
        case ct.RowCount():
            low, high = spec.minimum, spec.maximum
            if low is not None and rows < low:
                outcome, found, detail = "stopped", rows, f"{rows:,} rows, at least {low:,} expected"
            elif high is not None and rows > high:
                outcome, found, detail = "warned", rows, f"{rows:,} rows, at most {high:,} expected"
        case ct.NullShare():
            nulls = _number(con, f"SELECT count(*) - count({quote(spec.column)}) FROM ({select})")
            share = nulls / rows if rows else 0.0
            detail = f"{share:.2%} of {spec.column} is empty"
            if spec.minimum is not None and share < spec.minimum:
                outcome, found = "stopped", nulls
            elif spec.maximum is not None and share > spec.maximum:
                found = nulls
        case ct.QuarantineShare():
            share = context.quarantined / context.rows_in if context.rows_in else 0.0
            detail = f"{share:.2%} of the rows are held back"
            found = context.quarantined if share > spec.maximum else 0
        case ct.Freshness():
            newest = con.execute(f"SELECT max({quote(spec.column)})::TIMESTAMPTZ FROM ({select})").fetchone()
            hours = (context.now - newest[0]).total_seconds() / 3600 if newest and newest[0] else None
            detail = "there is no record at all" if hours is None else f"the newest record is {hours:,.1f} hours old"
            found = rows or 1 if hours is None or hours > spec.maximum_hours else 0
        case ct.Conservation():
            found, detail = _conservation(con, contract, spec, rows, context)
        case ct.NoRows():
            query = spec.query.replace("{dataset}", f"({select})")
            found = _number(con, f"SELECT count(*) FROM ({query})")
    if outcome is None:
        outcome = "passed" if found == 0 else "stopped" if check.action == "stop" else "warned"
    return CheckResult(check.id, contract.dataset, check.description, check.action, rows, found, outcome, detail)


def _conservation(
    con: duckdb.DuckDBPyConnection, contract: Contract, spec: ct.Conservation, rows: int, context: GateContext
) -> tuple[int, str]:
    """Rows missing (or invented) between the accepted datasets and this one, and the sum in words."""
    came = sum(context.accepted_rows[name] for name in spec.sources)
    reasons: dict[str, int] = {}
    if spec.ignored:
        query = f"SELECT reason, sum(row_count)::BIGINT FROM ({context.ignored[spec.ignored]}) GROUP BY 1 ORDER BY 1"
        reasons = {str(reason): int(count) for reason, count in con.execute(query).fetchall() if count}
    parts = "".join(f" + {count:,} {reason}" for reason, count in reasons.items())
    detail = f"{came:,} accepted rows = {rows:,} in {contract.dataset}{parts}"
    return abs(came - rows - sum(reasons.values())), detail


def _number(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    return int(row[0]) if row and row[0] is not None else 0
