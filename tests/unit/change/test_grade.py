"""Grading by itself: it looks at everything, never gets milder, asks for the right version, and copes with very wide contracts."""

from __future__ import annotations

import copy
import functools
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from civicops.change.grade import compare
from civicops.change.grade_specs import moved
from civicops.change.grades import Comparison, Grade, next_version
from civicops.contracts import Column, Contract, checktypes
from civicops.contracts.model import ReviewNote, Was
from civicops.contracts.monitoring import Monitors
from civicops.contracts.privacy import ExpectedPersonal
from tests.unit.change.pairs import TODAY, Pair, changed, contract_of, pairs

EXTRA: dict[str, Any] = {
    "name": "extra_m", "description": "How far it is.", "logicalType": "number", "required": True,
    "customProperties": [{"property": "unit", "value": "metres"}],
    "quality": [
        {"id": "extra_near", "description": "At most a hundred.", "type": "custom", "engine": "civicops",
         "implementation": {"check": "range", "maximum": 100, "action": "stop"}},
    ],
}  # fmt: skip
BREAKERS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "gone": ({"remove": ["columns/extra_m"]}, ("consumers",)),
    "other unit": ({"set": {"columns/extra_m/custom/unit": "feet"}}, ("consumers", "producers")),
    "other type": (
        {"set": {"columns/extra_m/logicalType": "string"}, "remove": ["columns/extra_m/quality"]},
        ("consumers",),
    ),
    "may be empty": ({"set": {"columns/extra_m/required": False}}, ("consumers",)),
    "tighter": ({"set": {"columns/extra_m/quality/extra_near/check/maximum": 5}}, ("producers",)),
    "other meaning": ({"set": {"columns/extra_m/description": "How long it takes."}}, ("consumers", "producers")),
    "renamed": ({"set": {"columns/extra_m/name": "spare_m"}}, ("consumers",)),
}


@functools.cache
def corpus() -> dict[str, Pair]:
    # `formats` on an accepted column and access of a retired product make no difference to a column beside them.
    return {pair.id: pair for pair in pairs()}


def read(data: dict[str, Any]) -> Contract:
    with tempfile.TemporaryDirectory() as folder:
        return contract_of(data, Path(folder))


def graded(old: dict[str, Any], new: dict[str, Any]) -> Comparison:
    return compare(read(old), read(new), today=TODAY)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(sorted(corpus())), st.lists(st.sampled_from(sorted(BREAKERS)), min_size=1, max_size=1))
def test_a_breaking_change_more_never_lowers_the_grade(case: str, breakers: list[str]) -> None:
    pair, extra = corpus()[case], {"add": {"columns": [EXTRA]}}
    old, new = changed(pair.old, extra), changed(pair.new, extra)
    before = graded(old, new)
    worse = new
    for name in breakers:
        worse = changed(worse, BREAKERS[name][0])
    after = graded(old, worse)
    assert after.consumers >= before.consumers and after.producers >= before.producers
    for name in breakers:
        for side in BREAKERS[name][1]:
            if name == "tighter" and pair.new["id"].endswith("inspections"):
                continue
            assert getattr(after, side) is Grade.BREAKING, (name, side)


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(sorted(corpus())))
def test_the_same_contract_has_no_changes(case: str) -> None:
    pair = corpus()[case]
    assert graded(pair.new, copy.deepcopy(pair.new)).changes == ()


def _trees() -> Contract:
    return read(corpus()["nothing_changes"].old)


OTHER: dict[str, Any] = {
    "title": "x", "status": "draft", "layer": "accepted", "access": "internal", "purpose": "x", "usage": "x", "limitations": "x",
    "licence": "x", "people": (), "key": ("address",), "latest_by": ("note",), "sort_by": ("note",), "columns": (), "row_checks": (),
    "dataset_checks": (), "ignored_fields": (("x", "y"),), "privacy": (), "monitors": Monitors(), "freshness_hours": 1.0,
    "retention": "1 days", "retention_by": "planted_on", "restricted_because": "no ethics review covers it",
    "reviewed": ReviewNote(reviewed_on=TODAY, expires_on=TODAY, reviewers=("x",), decision="approved"),
}  # fmt: skip
OTHER_COLUMN: dict[str, Any] = {
    "title": "x", "description": "Something else.", "logical_type": "boolean", "physical_type": "DECIMAL(9,2)", "unit": "furlongs",
    "critical": True, "source_names": ("x",), "formats": ("%d",), "timezone": "Asia/Tokyo", "true_values": ("x",),
    "false_values": ("x",), "null_values": ("x",), "pii_class": "direct", "examples": ("x",),
    "expected_personal": ExpectedPersonal(kinds=("phone",), reason="The desk's number."),
}  # fmt: skip


def test_every_field_of_a_contract_is_looked_at() -> None:
    base = _trees()
    not_promised = {"id", "product", "dataset", "version", "path"}
    assert set(OTHER) | not_promised == set(Contract.model_fields)
    for name, value in OTHER.items():
        found = compare(base, base.model_copy(update={name: value}), today=TODAY)
        assert found.changes, f"a change of '{name}' is not seen"


def test_every_field_of_a_column_is_looked_at() -> None:
    accepted = read(corpus()["field_ignored"].old)
    # `required` is seen by its check; `reworded` only says something about other changes; `was` has tests of its own.
    assert set(OTHER_COLUMN) | {"name", "required", "was", "reworded"} == set(Column.model_fields)
    for name, value in OTHER_COLUMN.items():
        column = (
            "is_diseased"
            if name in ("true_values", "false_values")
            else "reported_on"
            if name == "formats"
            else "height_ft"
        )
        columns = tuple(c.model_copy(update={name: value}) if c.name == column else c for c in accepted.columns)
        if name == "timezone":
            columns = tuple(
                c.model_copy(update={name: value}) if c.name == "inspected_at" else c for c in accepted.columns
            )
        found = compare(accepted, accepted.model_copy(update={"columns": columns}), today=TODAY)
        assert found.changes, f"a change of a column's '{name}' is not seen"


@pytest.mark.parametrize(
    ("version", "is_enough"),
    [("1.4.2", False), ("1.4.3", False), ("1.5.0", False), ("2.0.0", True), ("3.1.0", True), ("1.0.0", False)],
)
def test_a_breaking_change_asks_for_a_new_first_number(version: str, is_enough: bool) -> None:
    pair = corpus()["unit_changes"]
    found = graded(pair.old, pair.new | {"version": version})
    assert (found.version_problem == "") is is_enough
    if not is_enough:
        assert "trees.trees" in found.version_problem


@pytest.mark.parametrize(
    ("case", "least"),
    [
        ("optional_column_added_last", "1.5.0"),
        ("enumeration_grows", "1.5.0"),
        ("title_changes", "1.4.3"),
        ("nothing_changes", "1.4.2"),
    ],
)
def test_smaller_changes_ask_for_smaller_steps(case: str, least: str) -> None:
    pair = corpus()[case]
    assert graded(pair.old, pair.new | {"version": least}).version_problem == ""
    assert bool(graded(pair.old, pair.new).version_problem) is (least != "1.4.2")


def test_before_1_0_nothing_is_promised() -> None:
    assert next_version("0.3.1", "major") == "0.4.0"
    assert next_version("1.3.1", "major") == "2.0.0"


def test_a_dataset_that_comes_or_goes() -> None:
    trees = _trees()
    assert compare(None, trees, today=TODAY).consumers is Grade.ADDITIVE
    assert compare(trees, None, today=TODAY).consumers is Grade.BREAKING
    with pytest.raises(ValueError, match="nothing to compare"):
        compare(None, None, today=TODAY)


def test_a_renamed_column_takes_its_rules_along() -> None:
    """Every rule that names it, also in SQL, is the same rule afterwards: only the rename is a change."""
    trees = _trees()
    from civicops.change.grade import with_names

    new = with_names(trees, {"height_m": "tall_m", "longitude": "lon", "tree_id": "tag"})
    was = {"tall_m": "height_m", "lon": "longitude", "tag": "tree_id"}
    columns = tuple(
        c.model_copy(update={"was": Was(name=was[c.name], until=date(2026, 12, 1))}) if c.name in was else c
        for c in new.columns
    )
    found = compare(trees, new.model_copy(update={"columns": columns}), today=TODAY)
    assert sorted(change.what for change in found.changes) == ["lon: name", "tag: name", "tall_m: name"]


def test_a_contract_of_2000_columns() -> None:
    base = corpus()["nothing_changes"].old
    many = [
        {"name": f"c{number}", "description": f"Value {number}.", "logicalType": "number", "quality": [
            {"id": f"r{number}", "description": "In range.", "type": "custom", "engine": "civicops",
             "implementation": {"check": "range", "minimum": 0, "maximum": 10, "action": "stop"}}]}
        for number in range(2000)
    ]  # fmt: skip
    old = changed(base, {"add": {"columns": many}})
    new = changed(old, {"set": {"columns/c1234/quality/r1234/check/maximum": 5, "columns/c7/logicalType": "integer"}})
    found = graded(old, new)
    assert {change.column for change in found.changes} == {"c1234", "c7"}
    assert found.grade is Grade.BREAKING


@pytest.mark.parametrize(
    ("old", "new", "tighter", "looser"),
    [
        ("h > 0 AND h <= 175320", "h > 0 AND h <= 87660", True, False),
        ("h > 0 AND h <= 87660", "h <= 175320 and h > 0", False, True),
        ("h <= 10", "h < 10", True, False),
        ("h < 10", "h <= 10", False, True),
        ("h >= 0", "h > 0", True, False),
        ("h > -5", "h > -6", False, True),
        ("10 > h", "9.5 > h", True, False),
        ("h > 0", "h > 0 AND length(a) < 3", True, False),
        ("h > 0 AND a = 'x'", "(a = 'x')", False, True),
        ("h > 0 AND a = 'x'", "A = 'x' AND H > 0", False, False),
        ("h > 0", "h < 0", True, True),
        ("h > 0 OR h < 9", "h > 0 OR h < 5", True, True),
        ("h > 0 AND a < 3", "h > 1 AND a < 4", True, True),
        ("h < 10", "h < 10.0", False, False),
    ],
)
def test_conditions_of_an_expression_are_held_against_each_other(
    old: str, new: str, tighter: bool, looser: bool
) -> None:
    specs = [checktypes.Expression(check="expression", expression=text, action="stop") for text in (old, new)]
    found = moved(*specs, ((), ()))  # type: ignore[arg-type]
    assert (found.tighter, found.looser) == (tighter, looser)
