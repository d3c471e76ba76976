"""How long rows are kept: reading it, and the day that lies so far back."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from civicops.contracts import ContractFileError, load_contract
from civicops.contracts.periods import Period, period

DAYS = st.dates(date(2000, 1, 1), date(2100, 1, 1))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2 years", Period(2, "years")),
        ("90 d", Period(90, "days")),
        ("1.0 month", Period(1, "months")),
        ("3 weeks", Period(3, "weeks")),
    ],
)
def test_what_people_write(text: str, wanted: Period) -> None:
    assert period(text) == wanted


@pytest.mark.parametrize(
    "text", ["", "2", "two years", "0 days", "-1 days", "1.5 years", "2 fortnights", "2 years ago", "99999 years"]
)
def test_what_is_no_span(text: str) -> None:
    with pytest.raises(ValueError, match=r"span of time|whole one"):
        period(text)


@given(DAYS, st.integers(1, 600), st.sampled_from(["days", "weeks", "months", "years"]))
def test_the_day_before_is_that_of_a_calendar(day: date, count: int, unit: str) -> None:
    if unit == "years":
        count = min(count, 900)
    assert Period(count, unit).before(day) == day - relativedelta(**{unit: count})  # type: ignore[arg-type]


def test_a_fault_has_its_line_and_the_nearest_column(tmp_path: Path) -> None:
    text = """apiVersion: v3.1.0
kind: DataContract
id: p.d
name: D
version: 1.0.0
status: active
dataProduct: p
description: {purpose: x}
team: {members: [{username: a, role: owner}]}
slaProperties:
  - {property: retention, value: 2, unit: years, element: d.made_at}
customProperties:
  - {property: layer, value: accepted}
  - {property: access, value: internal}
  - {property: licence, value: CC0-1.0}
schema:
  - name: d
    properties:
      - {name: id, logicalType: string, primaryKey: true, description: x}
      - {name: made_on, logicalType: date, description: x, customProperties: [{property: formats, value: ["%Y-%m-%d"]}]}
"""
    path = tmp_path / "d.yaml"
    path.write_text(text)
    with pytest.raises(ContractFileError) as failed:
        load_contract(path)
    (problem,) = failed.value.problems
    assert problem.line == 11 and "made_on" in problem.message
    path.write_text(text.replace("made_at", "made_on"))
    contract = load_contract(path)
    assert (contract.retention, contract.retention_by) == ("2 years", "made_on")
    path.write_text(text.replace("unit: years, element: d.made_at", "unit: eons"))
    with pytest.raises(ContractFileError, match="no span of time"):
        load_contract(path)
