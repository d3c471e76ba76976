"""Unit tests of models: a right one passes, a wrong one fails and shows what was expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from civicops.contracts.model import Column, Contract
from civicops.transform import TransformError, run_unit_tests

MODEL = "select kind, count(*) as thing_count, min(area) as area from (select kind, {{ area_of('zone', 'x', 'y', \"cast('2020-01-01' as date)\") }} as area from {{ source('accepted', 'things') }}) as t group by kind"
TESTS = """
version: 2
unit_tests:
  - name: {name}
    model: counts
    given:
      - input: source('accepted', 'things')
        rows:
          - {{kind: a, x: 1, y: 1}}
          - {{kind: a, x: 99, y: 1}}
    expect:
      rows:
        - {{kind: a, thing_count: {count}, area: west}}
"""


def things() -> Contract:
    columns = (
        Column(name="kind", title="Kind", description="A kind.", logical_type="string"),
        Column(name="x", title="X", description="Degrees east.", logical_type="number"),
        Column(name="y", title="Y", description="Degrees north.", logical_type="number"),
    )
    return Contract(
        id="tiny.things", product="tiny", dataset="things", title="Things", version="1.0.0", status="active", layer="accepted",
        access="internal", purpose="", usage="", limitations="", licence="CC0-1.0", people=(), columns=columns, key=(),
        path=Path("things.yaml"),
    )  # fmt: skip


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "counts.sql").write_text(MODEL, encoding="utf-8")
    (folder / "unit_areas.csv").write_text(
        "layer,set_id,policy,valid_from,valid_to,area_code,area_name,west,south,east,north\n"
        "zone,squares,current,,,west,West,0,0,10,10\n",
        encoding="utf-8",
    )
    return folder


def test_right_and_wrong_expectations(models: Path, tmp_path: Path) -> None:
    (models / "right.yml").write_text(TESTS.format(name="right", count=2), encoding="utf-8")
    (models / "wrong.yml").write_text(TESTS.format(name="wrong", count=3), encoding="utf-8")
    results = {r.name: r for r in run_unit_tests("tiny", models, tmp_path / "work", lookups={}, contracts=[things()])}
    assert (results["right"].model, results["right"].status, results["right"].message) == ("counts", "pass", "")
    assert results["wrong"].status == "fail"
    assert "actual differs from expected" in results["wrong"].message


def test_models_that_cannot_be_built_are_an_error(models: Path, tmp_path: Path) -> None:
    (models / "counts.sql").write_text(
        "select no_such_column from {{ source('accepted', 'things') }}", encoding="utf-8"
    )
    with pytest.raises(TransformError, match="no_such_column"):
        run_unit_tests("tiny", models, tmp_path / "work", lookups={}, contracts=[things()])
