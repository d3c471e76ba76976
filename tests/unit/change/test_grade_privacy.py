"""Grading of treatments: whoever weakens a protection breaks a promise, whatever else the change does."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from civicops.change.grade import compare
from civicops.change.grades import Grade
from civicops.contracts import Contract
from civicops.contracts.privacy import ExpectedPersonal, PrivacyRule, Treatment
from tests.unit.change.pairs import TODAY
from tests.unit.change.test_grade import _trees as trees

LADDERS: list[list[dict[str, Any]]] = [
    # From the weakest to the strongest.
    [{"treatment": "mask", "keep": 6}, {"treatment": "mask", "keep": 2}, {"treatment": "mask", "keep": 0}, {"treatment": "null"}],
    [{"treatment": "hash", "rotates": p} for p in ("year", "quarter", "month")] + [{"treatment": "null"}],
    [{"treatment": "coarsen", "to": p} for p in ("month", "quarter", "year")] + [{"treatment": "null"}],
    [{"treatment": "coarsen", "width": w} for w in (5, 10, 100)],
    [{"treatment": "coarsen", "keep": k} for k in (5, 3, 0)],
    [{"treatment": "round", "decimals": d} for d in (5, 2, 0)],
]  # fmt: skip


def with_rules(*rules: PrivacyRule) -> Contract:
    return trees().model_copy(update={"privacy": rules})


def rule(treatment: dict[str, Any], when: str = "TRUE") -> PrivacyRule:
    return PrivacyRule(id="r", description="d", when=when, treatments=(Treatment(column="note", **treatment),))


def worst(old: Contract, new: Contract) -> Grade:
    return max(item.producers.grade for item in compare(old, new, today=TODAY).changes)


@pytest.mark.parametrize("ladder", LADDERS)
def test_each_step_down_is_breaking_and_each_step_up_is_not(ladder: list[dict[str, Any]]) -> None:
    for low, high in pairwise(ladder):
        assert worst(with_rules(rule(high)), with_rules(rule(low))) == Grade.BREAKING
        assert worst(with_rules(rule(low)), with_rules(rule(high))) == Grade.ADDITIVE


@given(
    st.sampled_from([t for ladder in LADDERS for t in ladder]),
    st.sampled_from([t for ladder in LADDERS for t in ladder]),
)
def test_another_kind_of_treatment_is_never_taken_for_harmless(one: dict[str, Any], other: dict[str, Any]) -> None:
    if one != other and one["treatment"] != other["treatment"] and "null" not in (one["treatment"], other["treatment"]):
        assert worst(with_rules(rule(one)), with_rules(rule(other))) == Grade.BREAKING


def test_a_condition_where_there_was_none_weakens() -> None:
    mask = {"treatment": "mask", "keep": 0}
    assert worst(with_rules(rule(mask)), with_rules(rule(mask, "height_ft > 3"))) == Grade.BREAKING
    assert worst(with_rules(rule(mask, "height_ft > 3")), with_rules(rule(mask))) == Grade.ADDITIVE
    assert worst(with_rules(rule(mask)), with_rules()) == Grade.BREAKING


def test_expecting_more_personal_data_opens_a_gate() -> None:
    def expects(*kinds: str) -> Contract:
        base = trees()
        expected = ExpectedPersonal.model_validate({"kinds": kinds, "reason": "The desk's number."}) if kinds else None
        first = base.columns[0].model_copy(update={"expected_personal": expected})
        return base.model_copy(update={"columns": (first, *base.columns[1:])})

    assert worst(expects(), expects("phone")) == Grade.DANGEROUS
    assert worst(expects("phone"), expects("phone", "email")) == Grade.DANGEROUS
    assert worst(expects("phone", "email"), expects("phone")) == Grade.DANGEROUS
