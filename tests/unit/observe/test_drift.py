"""Comparing profiles: columns, empty values, categories, numbers."""

from __future__ import annotations

from typing import Any

from civicops.observe.drift import (
    category_shifts,
    distribution_shifts,
    null_shifts,
    schema_shifts,
    stability_index,
)


def profile(
    rows: int = 1000, *, contract: str = "1.0.0", recent: dict[str, Any] | None = None, **columns: Any
) -> dict[str, Any]:
    found: dict[str, Any] = {"rows": rows, "contract": contract, "columns": columns}
    return found | ({"recent": recent} if recent is not None else {})


def text(nulls: int = 0, **top: int) -> dict[str, Any]:
    return {"type": "VARCHAR", "nulls": nulls, "distinct": len(top), "top": top}


def test_columns_that_come_go_or_change_are_named_unless_the_contract_changed() -> None:
    old = profile(a=text(), b={"type": "BIGINT", "nulls": 0})
    new = profile(b={"type": "DOUBLE", "nulls": 0}, c=text())
    assert [shift.words for shift in schema_shifts(new, old)] == ["a is gone", "b was BIGINT, is DOUBLE", "c is new"]
    assert list(schema_shifts(new | {"contract": "1.1.0"}, old)) == []


def test_a_column_that_lost_its_values_is_found_and_its_usual_wobble_is_not() -> None:
    old = [profile(a=text(nulls=count)) for count in (50, 60, 40, 55)]
    (shift,) = null_shifts(profile(a=text(nulls=400)), old, 0.05)
    assert (shift.column, shift.measured) == ("a", 0.4)
    assert list(null_shifts(profile(a=text(nulls=80)), old, 0.05)) == []


def test_a_category_that_went_is_named_and_a_rare_one_may_come_and_go() -> None:
    old = [profile(a=text(graffiti=600, bulky=395, rare=5))] * 3
    (shift,) = category_shifts(profile(a=text(graffiti=1000)), old, columns=(), index=0.25, share=0.02)
    assert shift.values["gone"] == ["bulky"] and "'bulky' (usually 39.5%)" in shift.words
    assert (
        list(category_shifts(profile(a=text(graffiti=600, bulky=400)), old, columns=(), index=0.25, share=0.02)) == []
    )


def test_another_mix_is_found_in_the_newest_weeks_even_of_a_table_that_only_grows() -> None:
    old = [profile(a=text(x=5000, y=5000), recent={"a": {"x": 50, "y": 50}})] * 2
    new = profile(a=text(x=5095, y=5005), recent={"a": {"x": 95, "y": 5}})
    (shift,) = category_shifts(new, old, columns=(), index=0.25, share=0.02)
    assert shift.measured > 0.25 and "mixed otherwise" in shift.words


def test_numbers_that_moved_are_found_once_three_releases_say_what_is_usual() -> None:
    def numbers(first: float) -> dict[str, Any]:
        return profile(a={"type": "DOUBLE", "nulls": 0, "deciles": [first + i for i in range(11)]})

    old = [numbers(0), numbers(0.1), numbers(0)]
    (shift,) = distribution_shifts(numbers(6), old, 0.25)
    assert shift.column == "a"
    assert list(distribution_shifts(numbers(0.2), old, 0.25)) == []
    assert list(distribution_shifts(numbers(6), old[:2], 0.25)) == []
    few = [one | {"rows": 20} for one in old]
    assert list(distribution_shifts(numbers(6), few, 0.25)) == []


def test_the_index_is_zero_for_equal_mixes_and_grows_with_their_distance() -> None:
    assert stability_index({"a": 0.5, "b": 0.5}, {"a": 0.5, "b": 0.5}) == 0
    near = stability_index({"a": 0.5, "b": 0.5}, {"a": 0.6, "b": 0.4})
    far = stability_index({"a": 0.5, "b": 0.5}, {"a": 0.95, "b": 0.05})
    assert 0 < near < 0.1
    assert far > 0.25
