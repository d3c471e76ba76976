"""Contracts to dbt and Great Expectations and back: what is kept, what is listed as lost, and that nothing else happens.

Belongs here: reading and writing files of both. Does not belong here: running them (`tests/flow/test_exchange`).
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings

from civicops.contracts import ContractFileError, load_contract
from civicops.govern.exchange import ExchangeError, Source, logical_type
from civicops.govern.exchange_conditions import whole_of
from civicops.govern.exchange_dbt_in import from_dbt
from civicops.govern.exchange_dbt_out import to_dbt
from civicops.govern.exchange_draft import Asked, write
from civicops.govern.exchange_ge_in import from_ge
from civicops.workspace import Workspace
from tests.duck import asked
from tests.unit.govern.exchange_kit import contract, contracts, load, rule, there_and_back, told
from tools.setup_env import ROOT

WHOLE = Asked(owner="ada-example", purpose="Count.", licence="CC0-1.0", access="internal", title="Visits")
SHARE = {
    "name": "visit_share", "description": "Of all.", "logicalType": "number",
    "quality": [rule(2, {"check": "range", "minimum": 1e-05, "action": "flag"})],
}  # fmt: skip
"""JSON writes such a number without a point."""
KEY = {"name": "visit_id", "description": "The visit.", "logicalType": "string", "primaryKey": True}


@pytest.mark.parametrize("tool", ["dbt", "ge"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=contracts())
@example(data=contract([KEY], [rule(1, {"check": "unique", "columns": ["visit_id"], "action": "stop"})], "accepted"))
@example(data=contract([KEY, SHARE], [], "accepted"))
def test_every_check_comes_back_or_is_listed_as_lost(tool: str, data: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        before = load(data, folder)
        after, lost = there_and_back(tool, before, folder)
    assert {key: value for key, value in told(before).items() if key not in lost} == told(after)
    assert {column.name: (column.sql_type, column.required) for column in before.columns} == {
        column.name: (column.sql_type, column.required) for column in after.columns
    }
    assert (before.key, before.layer, before.people, before.licence) == (
        after.key,
        after.layer,
        after.people,
        after.licence,
    )


@pytest.mark.parametrize("tool", ["dbt", "ge"])
def test_contracts_of_all_products_come_back(tool: str, tmp_path: Path) -> None:
    workspace, lost = Workspace.find(ROOT), set()
    for name in workspace.product_names:
        product = workspace.product(name)
        for before in product.contracts:
            folder = tmp_path / before.id
            folder.mkdir()
            source = Source(before, product.lookup_values(before))
            data, there = to_dbt([source]) if tool == "dbt" else _ge(source)
            path = folder / "file.yml"
            path.write_text(json.dumps(data, indent=1), encoding="utf-8")
            found = (
                from_dbt(path, name, Asked(), layer_given=False)[0]
                if tool == "dbt"
                else from_ge(path, name, Asked(), layer_given=False)
            )
            path, faults = write(found, folder, force=False)
            assert faults == (), before.id
            after = load_contract(path)
            gone = {loss.check for loss in there if loss.check}
            lost |= {check.kind for check in before.checks if check.id in gone}
            assert {key: value for key, value in told(before).items() if key not in gone} == told(after), before.id
            assert before.columns == after.columns or any(column.was or column.reworded for column in before.columns)
    both = {"conservation", "quarantine_share", "local_time"}
    assert lost <= both | ({"no_rows", "pattern"} if tool == "dbt" else {"foreign_key", "freshness"})


def _ge(source: Source) -> Any:
    from civicops.govern.exchange_ge_out import to_ge

    return to_ge(source)


THIRD_PARTY = """\
version: 2
sources:
  - name: raw
models:
  - name: Visits
    description: Visits to a branch.
    config: {materialized: table, meta: {owner: ada-example, cost_centre: 7}}
    constraints:
      - {type: primary_key, columns: [visit_id]}
      - {type: check, expression: "left_at >= came_at", name: leaves_later}
    tests:
      - dbt_utils.unique_combination_of_columns: {combination_of_columns: [branch_code, came_at]}
      - dbt_utils.expression_is_true: {expression: "left_at >= came_at"}
      - dbt_expectations.expect_table_row_count_to_be_between: {min_value: 1}
    columns:
      - name: visit_id
        data_type: varchar(20)
        tests: [unique, not_null]
      - name: Branch_Code
        data_type: text
        description: Which branch.
        data_tests:
          - accepted_values: {arguments: {values: [north, "o'hill"]}, config: {severity: warn}}
          - relationships: {to: "ref('branches')", field: branch_code, name: branch_exists}
          - dbt_expectations.expect_column_values_to_match_regex: {regex: "^[a-z]"}
          - not_null: {where: "came_at > '2020-01-01'"}
      - name: came_at
        data_type: timestamp
        tests:
          - dbt_utils.accepted_range: {min_value: "cast('2020-01-01' as date)", inclusive: true}
      - name: left_at
        data_type: timestamptz
      - name: age
        data_type: int
        tests:
          - dbt_utils.accepted_range: {min_value: 0, max_value: 120, inclusive: false}
          - dbt_utils.cardinality_equality: {to: "ref('x')", field: age}
          - not_null: {config: {error_if: ">10", severity: warn}}
      - name: "Strange Name"
"""


def test_somebody_elses_dbt_file(tmp_path: Path) -> None:
    path = tmp_path / "schema.yml"
    path.write_text(THIRD_PARTY)
    (found,) = from_dbt(path, "library", Asked(licence="CC0-1.0", access="internal", title="Visits"))
    written, faults = write(found, tmp_path / "contracts", force=False)
    # What dbt cannot say is blank, and the loader says where.
    assert all("is still to be filled in" in fault and f"{written}:" in fault for fault in faults) and len(faults) == 4
    written.write_text(written.read_text().replace("FILL IN: ", ""))
    after = load_contract(written)
    assert after.key == ("visit_id",) and after.owner == "ada-example" and after.purpose == "Visits to a branch."
    checks = {check.id: check for check in after.checks}
    assert {key: check.spec.model_dump(exclude_none=True, exclude={"check"}) for key, check in checks.items()} == {
        "visit_id_required": {"action": "stop"},
        "visit_id_unique": {"action": "stop", "columns": ("visit_id",)},
        "leaves_later": {"action": "stop", "blanks": (), "expression": "left_at >= came_at"},
        "unique": {"action": "stop", "columns": ("branch_code", "came_at")},
        "compare": {"action": "stop", "blanks": (), "left": "left_at", "operator": ">=", "right": "came_at"},
        "row_count": {"minimum": 1},
        "branch_code_allowed": {"action": "flag", "values": ("north", "o'hill")},
        "branch_exists": {
            "action": "stop",
            "columns": ("branch_code",),
            "dataset": "branches",
            "references": ("branch_code",),
        },
        "branch_code_pattern": {"action": "stop", "pattern": "[a-z](?s:.*)"},
        "came_at_range": {"action": "stop", "minimum": "2020-01-01"},
        "age_expression": {"action": "stop", "blanks": (), "expression": "age > 0 AND age < 120"},
        "age_required": {"action": "flag"},
    }
    assert [column.sql_type for column in after.columns] == [
        "VARCHAR", "VARCHAR", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "BIGINT",
    ]  # fmt: skip
    lost = {(int(loss.where.rpartition(":")[2]), loss.what) for loss in found.losses}
    assert lost == {
        (2, "'sources'"),
        (7, "config 'materialized' of model 'visits'"),
        (7, "meta 'cost_centre' of model 'visits'"),
        (19, "capitals of 'Branch_Code'"),
        (26, "test 'not_null'"),
        (37, "test 'dbt_utils.cardinality_equality'"),
        (38, "'error_if' of test 'not_null'"),
        (39, "column 'Strange Name'"),
    }


SUITE = {
    "expectation_suite_name": "visits",
    "data_asset_type": None,
    "ge_cloud_id": None,
    "evaluation_parameters": {"limit": 3},
    "meta": {"great_expectations_version": "0.18.19", "team": "x"},
    "expectations": [
        {"expectation_type": "expect_table_columns_to_match_set", "kwargs": {"column_set": ["visit_id", "kind", "age", "came_on"]}},
        {"expectation_type": "expect_column_values_to_not_be_null", "kwargs": {"column": "visit_id"}, "meta": {}},
        {"expectation_type": "expect_column_values_to_be_unique", "kwargs": {"column": "visit_id"}, "meta": {"notes": "One each."}},
        {"expectation_type": "expect_column_values_to_not_be_null", "kwargs": {"column": "kind", "mostly": 0.95}, "meta": {}},
        {"expectation_type": "expect_column_values_to_be_in_set", "kwargs": {"column": "kind", "value_set": ["a", "b"], "mostly": 0.9}},
        {"expectation_type": "expect_column_values_to_be_between", "kwargs": {"column": "age", "min_value": 0, "strict_min": True}},
        {"expectation_type": "expect_column_mean_to_be_between", "kwargs": {"column": "age", "min_value": 20, "max_value": 50}},
        {"expectation_type": "expect_column_values_to_be_of_type", "kwargs": {"column": "age", "type_": "int64"}},
        {"expectation_type": "expect_column_values_to_match_strftime_format", "kwargs": {"column": "came_on", "strftime_format": "%m/%d/%Y"}},
        {"expectation_type": "expect_column_kl_divergence_to_be_less_than", "kwargs": {"column": "age", "threshold": 0.1}},
        {"expectation_type": "expect_column_values_to_match_regex", "kwargs": {"column": "kind", "regex": "a", "row_condition": "age>1"}},
    ],
}  # fmt: skip


def test_an_old_suite_of_somebody_else(tmp_path: Path) -> None:
    path = tmp_path / "visits.json"
    path.write_text(json.dumps(SUITE, indent=1))
    found = from_ge(
        path, "library", Asked(layer="accepted", owner="ada-example", purpose="Count.", licence="x", access="internal")
    )
    written, _ = write(found, tmp_path / "contracts", force=False)
    written.write_text(written.read_text().replace("FILL IN: ", ""))
    after = load_contract(written)
    assert {column.name: column.sql_type for column in after.columns} == {
        "visit_id": "VARCHAR", "kind": "VARCHAR", "age": "BIGINT", "came_on": "DATE",
    }  # fmt: skip
    assert after.column("came_on").formats == ("%m/%d/%Y",) and after.column("visit_id").required
    specs = {check.id: check.spec.model_dump(exclude_none=True) for check in after.checks if not check.implied}
    assert specs["kind_null_share"]["maximum"] == 0.05 and specs["kind_null_share"]["action"] == "stop"
    assert specs["age_expression"]["expression"] == "age > 0"
    queries = [spec["query"] for spec in specs.values() if spec["check"] == "no_rows"]
    good = "(VALUES ('a', 30), ('b', 40), (NULL, 35)) AS t(kind, age)"
    bad = "(VALUES ('a', 300), ('c', 400)) AS t(kind, age)"
    assert [len(asked(query.replace("{dataset}", good))) for query in queries] == [0, 0]
    assert [len(asked(query.replace("{dataset}", bad))) for query in queries] == [1, 1]
    lost = {loss.what for loss in found.losses}
    assert lost == {
        "'evaluation_parameters' of the suite", "meta 'team' of the suite", "expect_column_kl_divergence_to_be_less_than",
        "expect_column_values_to_match_regex",
    }  # fmt: skip
    lines = path.read_text().splitlines()
    for loss in found.losses:
        line = lines[int(loss.where.rpartition(":")[2]) - 1]
        assert line.strip() == "{" or "evaluation_parameters" in line or "team" in line, line


@pytest.mark.parametrize("pattern", ["^[a-z]+$", "a", "^a|b$", "x$", r"cost\$", "(a)(b)", "^(?:a)|(b)$", ".", "^$"])
def test_a_pattern_found_anywhere_matches_the_same_texts_as_a_whole(pattern: str) -> None:
    texts = ["a", "b", "ab", "xab", "x", "ax\nb", "", "cost$", "zzz", "b\n", "(a)"]
    found = asked(
        f"SELECT regexp_matches(t, $p), regexp_full_match(t, $w) FROM (SELECT unnest({texts!r}) AS t)"
        .replace("$p", "'" + pattern + "'").replace("$w", "'" + whole_of(pattern) + "'")
    )  # fmt: skip
    assert all(one == other for one, other in found), list(zip(texts, found, strict=True))


def test_a_contract_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "schema.yml"
    path.write_text("models: [{name: visits, columns: [{name: visit_id, data_type: text, description: The visit.}]}]")
    (found,) = from_dbt(path, "library", WHOLE)
    written, faults = write(found, tmp_path / "contracts", force=False)
    before = written.read_bytes()
    assert faults == ()
    with pytest.raises(ExchangeError, match="exists already"):
        write(found, tmp_path / "contracts", force=False)
    assert written.read_bytes() == before
    assert write(found, tmp_path / "contracts", force=True)[0] == written


def test_blanks_are_refused_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "schema.yml"
    path.write_text("models: [{name: visits, columns: [{name: visit_id, data_type: text}]}]")
    (found,) = from_dbt(path, "library", Asked())
    written, _ = write(found, tmp_path / "contracts", force=False)
    with pytest.raises(ContractFileError) as error:
        load_contract(written)
    lines = written.read_text().splitlines()
    asked_for = {problem.message.partition("'")[2].partition("'")[0] for problem in error.value.problems}
    assert asked_for == {"name", "purpose", "username", "access", "licence", "description"}
    assert all("FILL IN" in lines[problem.line - 1] for problem in error.value.problems)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("models: []", "no models"),
        ("[1]", "no models"),
        ("models: [{name: 'Not A Name'}]", "cannot be the name"),
        ("a: b: c", "valid YAML"),
    ],
)
def test_what_is_no_dbt_file_is_refused(tmp_path: Path, text: str, part: str) -> None:
    path = tmp_path / "schema.yml"
    path.write_text(text)
    with pytest.raises((ExchangeError, ContractFileError), match=part):
        from_dbt(path, "library", WHOLE)
    with pytest.raises((ExchangeError, ContractFileError)):
        from_ge(path, "library", WHOLE)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("VARCHAR", ("string", None)), ("character varying(20)", ("string", None)), ("int64", ("integer", None)),
        ("Numeric(10, 2)", ("number", "DECIMAL(10,2)")), ("timestamp_ntz", ("timestamp", None)), ("TEXT[]", ("array", "TEXT[]")),
        ("timestamptz", ("timestamp", "TIMESTAMP WITH TIME ZONE")), ("geography", None), ("", None),
    ],
)  # fmt: skip
def test_names_of_types(text: str, found: tuple[str, str | None] | None) -> None:
    assert logical_type(text) == found
