"""What stays of two listings that are one place, field by field.

Belongs here: the rule that suggests; a person decides. Does not belong here: merging (`workflow`).

The listing that was approved stays; else that of the list that is trusted more; else the one whose id sorts first. Each field is
taken from it, unless only the other one says anything. Category codes and languages of both are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

TOGETHER = ("category_codes", "language_names", "tag_names", "other_phone_numbers")
WITH = {"longitude": "latitude", "phone_extension": "phone_number", "address_2": "address_1"}
"""A part of a field goes with the other part: a point is never put together from two."""


@dataclass(frozen=True)
class Survivor:
    """The listing that stays, its values after the merge, and whose each value is (`both` where both count)."""

    survivor_id: str
    values: Mapping[str, Any]
    winners: Mapping[str, str]
    reason: str


def survive(first: Mapping[str, Any], second: Mapping[str, Any], columns: Iterable[str]) -> Survivor:
    """The suggestion for two rows with `listing_id`, `approved_at`, `trust` and the columns of a listing. Their order does
    not matter."""
    a, b = sorted(
        (first, second), key=lambda row: (row["approved_at"] is None, -float(row["trust"] or 0), row["listing_id"])
    )
    values: dict[str, Any] = {}
    winners: dict[str, str] = {}
    for name in columns:
        mine, theirs = a.get(name), b.get(name)
        if name in TOGETHER:
            values[name] = sorted({*(mine or []), *(theirs or [])})
            winners[name] = "both" if mine and theirs and set(mine) != set(theirs) else ""
            continue
        lead = WITH.get(name)
        take_theirs = winners.get(lead) == b["listing_id"] if lead else _empty(mine) and not _empty(theirs)
        values[name] = theirs if take_theirs else mine
        winners[name] = "" if mine == theirs else b["listing_id"] if take_theirs else a["listing_id"]
    why = (
        "it was approved"
        if a["approved_at"] and not b["approved_at"]
        else "its list is trusted more"
        if float(a["trust"] or 0) > float(b["trust"] or 0)
        else "its number comes first"
    )
    return Survivor(
        a["listing_id"], values, winners, f"{a['listing_id']} stays: {why}. What only the other one says is added."
    )


def _empty(value: Any) -> bool:
    return value is None or (not value and not isinstance(value, bool | int | float))
