"""The gate: what it counts, what it stops, what it only says."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from civicops.checks.gate import GateContext, judge_dataset, judge_rows, shape_problems
from civicops.contracts import Check, Contract
from civicops.contracts import checktypes as ct

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)


def with_checks(contract: Contract, *specs: Any) -> Contract:
    checks = tuple(Check(id=f"c{i}", description="x", spec=spec) for i, spec in enumerate(specs))
    return contract.model_copy(update={"dataset_checks": checks})


def judge(con: Any, contract: Contract, select: str, *specs: Any, **context: Any) -> list[tuple[str, int]]:
    results = judge_dataset(con, with_checks(contract, *specs), select, GateContext(now=NOW, **context))
    return [(result.outcome, result.broken) for result in results]


ROWS = "SELECT * FROM (VALUES ('a', 1, TIMESTAMPTZ '2026-01-09 12:00:00Z'), ('b', 2, NULL), ('b', NULL, NULL)) t(k, n, seen_at)"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (ct.UniqueKey(check="unique", columns=("k",)), ("stopped", 1)),
        (ct.UniqueKey(check="unique", columns=("k", "n"), action="flag"), ("passed", 0)),
        (ct.RowCount(check="row_count", minimum=4), ("stopped", 3)),
        (ct.RowCount(check="row_count", minimum=3, maximum=3), ("passed", 0)),
        (ct.RowCount(check="row_count", maximum=2), ("warned", 3)),
        (ct.NullShare(check="null_share", column="seen_at", maximum=0.5), ("warned", 2)),
        (ct.NullShare(check="null_share", column="seen_at", maximum=0.7), ("passed", 0)),
        (ct.NullShare(check="null_share", column="n", maximum=0.1, action="stop"), ("stopped", 1)),
        (ct.NullShare(check="null_share", column="k", minimum=0.1), ("stopped", 0)),
        (ct.Freshness(check="freshness", column="seen_at", maximum_hours=23), ("warned", 3)),
        (ct.Freshness(check="freshness", column="seen_at", maximum_hours=25), ("passed", 0)),
        (ct.NoRows(check="no_rows", query="SELECT * FROM {dataset} WHERE n > 1"), ("stopped", 1)),
        (ct.NoRows(check="no_rows", query="SELECT * FROM {dataset} WHERE n > 2"), ("passed", 0)),
        (ct.ForeignKey(check="foreign_key", columns=("k",), dataset="kinds", references=("kind",)), ("stopped", 2)),
    ],
)
def test_dataset_checks(con: Any, contract: Contract, spec: Any, expected: tuple[str, int]) -> None:
    assert judge(con, contract, ROWS, spec, datasets={"kinds": "SELECT 'a' AS kind"}) == [expected]


def test_no_record_at_all_is_not_fresh(con: Any, contract: Contract) -> None:
    spec = ct.Freshness(check="freshness", column="seen_at", maximum_hours=25, action="stop")
    assert judge(con, contract, f"SELECT * FROM ({ROWS}) WHERE FALSE", spec) == [("stopped", 1)]


def test_too_many_rows_held_back_stops(con: Any, contract: Contract) -> None:
    spec = ct.QuarantineShare(check="quarantine_share", maximum=0.1)
    assert judge(con, contract, ROWS, spec, rows_in=100, quarantined=11) == [("stopped", 11)]
    assert judge(con, contract, ROWS, spec, rows_in=100, quarantined=10) == [("passed", 0)]


@pytest.mark.parametrize(("left_out", "outcome"), [(2, "passed"), (1, "stopped"), (3, "stopped")])
def test_rows_are_conserved_between_accepted_and_published(
    con: Any, contract: Contract, left_out: int, outcome: str
) -> None:
    spec = ct.Conservation(check="conservation", sources=("x", "y"), ignored="left_out")
    ignored = {"left_out": f"SELECT 'in both systems' AS reason, {left_out}::BIGINT AS row_count"}
    results = judge(con, contract, ROWS, spec, accepted_rows={"x": 4, "y": 1}, ignored=ignored)
    assert results[0][0] == outcome


def test_row_checks_of_a_finished_table_are_counted_in_one_scan(con: Any, contract: Contract) -> None:
    required = Check(id="n_given", description="x", column="n", spec=ct.Required(check="required", action="stop"))
    known = Check(id="k_known", description="x", column="k", spec=ct.Allowed(check="allowed", values=("a",)))
    gated = contract.model_copy(update={"row_checks": (required, known)})
    results = judge_rows(con, gated, ROWS, GateContext(now=NOW))
    assert [(r.check_id, r.broken, r.outcome, round(r.pass_rate, 2)) for r in results] == [
        ("n_given", 1, "stopped", 0.67),
        ("k_known", 2, "warned", 0.33),
    ]


def test_a_table_of_another_shape_is_described_in_words(con: Any, contract: Contract) -> None:
    columns = ", ".join(f"NULL::{c.sql_type} AS {c.name}" for c in contract.columns if c.name != "zip")
    problems = shape_problems(
        con, contract, f"SELECT {columns.replace('NULL::BIGINT AS age', 'NULL::VARCHAR AS age')}, 1 AS extra"
    )
    assert problems == (
        "column 'zip' is missing",
        "column 'extra' is not in the contract",
        "column 'age' is VARCHAR, the contract says BIGINT",
    )


def test_age_is_measured_from_the_time_given(con: Any, contract: Contract) -> None:
    spec = ct.Freshness(check="freshness", column="seen_at", maximum_hours=1)
    late = judge_dataset(con, with_checks(contract, spec), ROWS, GateContext(now=NOW - timedelta(hours=23)))
    assert late[0].outcome == "passed"
