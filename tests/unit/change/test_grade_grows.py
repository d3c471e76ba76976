"""A change more never makes the grade milder: pairs of contracts made by drawing mutations, and one mutation more.

Belongs here: that property. Does not belong here: which grade a single change deserves (`test_corpus`), the mutations themselves
(`mutations`).
"""

from __future__ import annotations

import functools
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from civicops.change.grade import compare
from civicops.change.grades import Comparison, Grade
from civicops.contracts import Contract, ContractFileError
from tests.unit.change.mutations import Mutation, mutated, mutations_of
from tests.unit.change.pairs import CORPUS, TODAY, changed, contract_of

BASES: dict[str, dict[str, Any]] = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted((CORPUS / "bases").glob("*.yaml"))
}
# Rows themselves go when their time is over, by a column of their own.
BASES["inspections_by_day"] = changed(
    BASES["inspections"], {"set": {"sla/retention/element": "inspections.reported_on"}}
)
EVERY = {name: mutations_of(data) for name, data in BASES.items()}


@functools.lru_cache(maxsize=4000)
def _read(text: str) -> Contract | None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            return contract_of(json.loads(text), Path(folder))
        except ContractFileError:
            return None


def read(data: dict[str, Any]) -> Contract | None:
    """The contract; None for one that no file may hold."""
    return _read(json.dumps(data))


def graded(base: str, mutations: tuple[Mutation, ...]) -> Comparison | None:
    old, new = read(BASES[base]), read(mutated(BASES[base], mutations))
    assert old is not None
    return None if new is None else compare(old, new.model_copy(update={"path": old.path}), today=TODAY)


@st.composite
def changes(draw: st.DrawFn) -> tuple[str, tuple[Mutation, ...], Mutation]:
    """A base, some mutations of it that touch different parts, and one more that touches none of those."""
    base = draw(st.sampled_from(sorted(BASES)))
    chosen: list[Mutation] = []
    for _ in range(draw(st.integers(1, 4))):
        left = [one for one in EVERY[base] if not any(one.overlaps(other) for other in chosen)]
        chosen.append(draw(st.sampled_from(left)))
    left = [one for one in EVERY[base] if not any(one.overlaps(other) for other in chosen)]
    return base, tuple(chosen), draw(st.sampled_from(left))


@pytest.mark.parametrize("base", sorted(BASES))
def test_mutations_are_of_every_kind_and_most_break_something(base: str) -> None:
    """Otherwise the property below would hold of nothing."""
    grades = [found for one in EVERY[base] if (found := graded(base, (one,))) is not None]
    assert len(grades) == len(EVERY[base]) >= 150
    for side in ("consumers", "producers"):
        assert sum(getattr(found, side) is Grade.BREAKING for found in grades) >= 25
        assert {getattr(found, side) for found in grades} == set(Grade)
    assert all(found.changes for found in grades)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(changes())
def test_a_change_more_never_makes_it_milder(drawn: tuple[str, tuple[Mutation, ...], Mutation]) -> None:
    base, some, more = drawn
    without, alone, together = graded(base, some), graded(base, (more,)), graded(base, (*some, more))
    assume(without is not None and alone is not None and together is not None)
    assert without is not None and alone is not None and together is not None
    for side in ("consumers", "producers"):
        before, own, after = (getattr(one, side) for one in (without, alone, together))
        assert after >= max(before, own), f"{side}: {after!s} with '{more.name}', {before!s} without, {own!s} alone"


@pytest.mark.parametrize("base", sorted(BASES))
def test_a_column_that_is_renamed_with_both_names_offered_is_nothing_but_renamed(base: str) -> None:
    """Whatever names it (rules, keys, privacy, order, retention): that is no change of its own."""
    renames = [one for one in EVERY[base] if "rename" in one.change]
    assert len(renames) == len(BASES[base]["schema"][0]["properties"])
    for one in renames:
        found = graded(base, (one,))
        assert found is not None
        # Titles and the ids of implied rules are made from names where nobody gave any; those are words.
        told = [change.what.partition(": ")[2] for change in found.changes if change.grade is not Grade.COSMETIC]
        assert told == ["name"], (one.name, found.changes)
