"""The grammar of names, on columns made up for it.

Belongs here: what a name may and may not say. Does not belong here: the contracts of the repository (`test_repository`).
"""

from __future__ import annotations

import pytest

from civicops.contracts import Column
from tools.name_rules import column_problems


def problems(name: str, kind: str, unit: str | None = None) -> list[str]:
    return list(column_problems(Column(name=name, title=name, description="x", logical_type=kind, unit=unit)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "kind", "unit"),
    [
        ("created_at", "timestamp", None),
        ("closed_on", "date", None),
        ("created_month", "date", None),
        ("valid_from", "date", None),
        ("is_open", "boolean", None),
        ("has_point", "boolean", None),
        ("council_id", "integer", None),
        ("status_code", "string", None),
        ("open_hours", "number", "hours"),
        ("median_days_to_close", "number", "days"),
        ("population", "integer", "people"),
        ("request_count", "integer", "requests"),
    ],
)
def test_good_names_pass(name: str, kind: str, unit: str | None) -> None:
    assert problems(name, kind, unit) == []


@pytest.mark.parametrize(
    ("name", "kind", "unit", "part"),
    [
        ("createdAt", "string", None, "snake_case"),
        ("created_", "string", None, "snake_case"),
        ("created_at", "string", None, "'_at' is for a timestamp"),
        ("created", "timestamp", None, "ends in '_at'"),
        ("closed", "date", None, "'_on'"),
        ("closed_on", "timestamp", None, "'_on' is for a date"),
        ("open", "boolean", None, "'is_' or 'has_'"),
        ("is_open", "string", None, "'is_' or 'has_'"),
        ("request_count", "number", None, "'_count'"),
        ("closed_share", "integer", None, "'_share'"),
        ("duration", "number", "hours", "_hours"),
        ("size_kilobytes", "integer", "bytes", "_bytes"),
    ],
)
def test_names_that_mislead_are_named(name: str, kind: str, unit: str | None, part: str) -> None:
    assert any(part in problem for problem in problems(name, kind, unit))
