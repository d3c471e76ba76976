"""Rows that leave by a reviewed condition: counted once each, by name; a condition looks at one row and nothing else."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from civicops.checks.current import CurrentRows
from civicops.checks.suppressed import Suppression, SuppressionError, condition_problem, read_suppressions, suppress
from civicops.contracts import Contract, load_contract
from civicops.contracts.problems import ContractFileError
from tests.flow.orchard import INSPECTIONS, Orchard

ROWS = "SELECT * FROM (VALUES ('a', 'north', 5.0), ('b', 'south', 50.0), ('c', 'south', NULL)) t(tree_id, district_code, height_m)"


@pytest.fixture(scope="module")
def contract(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    orchard = Orchard(tmp_path_factory.mktemp("suppressed"))
    path = orchard.path("trees.inspections")
    path.parent.mkdir(parents=True)
    orchard.write("trees.inspections", INSPECTIONS)
    return load_contract(path)


def of(condition: str, operation: str = "one", dataset: str = "inspections") -> Suppression:
    return Suppression(operation=operation, dataset=dataset, condition=condition, reason="Because.")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["height_m > 10", "height_m < 10", "district_code = 'south'", "FALSE", "TRUE", "tree_id = 'a'"]
        ),
        max_size=4,
    )
)
def test_every_row_stays_or_is_counted_once(contract: Contract, conditions: list[str]) -> None:
    with duckdb.connect() as con:
        found = suppress(
            con, contract, CurrentRows(ROWS, 3, {"other": 7}), [of(text, f"op{n}") for n, text in enumerate(conditions)]
        )
        row = con.execute(f"SELECT count(*) FROM ({found.select})").fetchone()
    assert row == (found.rows,)
    assert found.rows + sum(found.ignored.values()) == 3 + 7 and found.ignored["other"] == 7


def test_a_row_it_knows_nothing_of_stays(contract: Contract) -> None:
    with duckdb.connect() as con:
        found = suppress(con, contract, CurrentRows(ROWS, 3, {}), [of("height_m > 10"), of("TRUE", "two", "others")])
        assert con.execute(f"SELECT tree_id FROM ({found.select}) ORDER BY 1").fetchall() == [("a",), ("c",)]
    assert found.ignored == {"left out by operation one": 1}


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("hieght_m > 3", "did you mean 'height_m'"),
        ("height_m >", "is not a SQL condition"),
        ("height_m > (SELECT avg(height_m) FROM x)", "may look at one row only"),
        ("height_m > max(height_m)", "may look at one row only"),
        ("TRUE; DROP TABLE x", "is not one SQL condition"),
        ("COPY x TO 'y'", "is not one SQL condition"),
        ("", "is not one SQL condition"),
        ("height_m > 3) OR (TRUE", "is not a SQL condition"),
        ("height_m > 40 AND district_code IN ('south', 'north')", ""),
    ],
)
def test_a_condition_looks_at_one_row(contract: Contract, condition: str, words: str) -> None:
    found = condition_problem(contract, condition)
    assert words in found if words else found == ""
    if words:
        with duckdb.connect() as con, pytest.raises(SuppressionError, match=r"suppressed/one\.yaml"):
            suppress(con, contract, CurrentRows(ROWS, 3, {}), [of(condition)])


def test_faults_of_all_files_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "suppressed"
    folder.mkdir()
    good = "operation: one\ndataset: inspections\ncondition: height_m > 1\nreason: Because.\n"
    (folder / "one.yaml").write_text(good, encoding="utf-8")
    (folder / "two.yaml").write_text(good, encoding="utf-8")
    (folder / "three.yaml").write_text(good + "resaon: x\n", encoding="utf-8")
    with pytest.raises(ContractFileError) as raised:
        read_suppressions(tmp_path)
    assert f"{folder / 'two.yaml'}:1: is of operation 'one'" in raised.value.message
    assert f"{folder / 'three.yaml'}:5: unknown key 'resaon'; did you mean 'reason'" in raised.value.message
    (folder / "two.yaml").unlink()
    (folder / "three.yaml").unlink()
    assert [one.operation for one in read_suppressions(tmp_path)] == ["one"]
    assert read_suppressions(tmp_path / "none") == ()
