"""Why two listings may be one place, in words a volunteer understands.

Belongs here: comparing two rows of keys for people. Does not belong here: probabilities (`model`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from ..cleaning.across import distance_km


def explain(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[str, float | None]:
    """A sentence of what agrees and what differs, and the distance in meters where both have a point."""
    agree: list[str] = []
    differ: list[str] = []
    _name(a, b, agree, differ)
    _street(a, b, agree, differ)
    if a["phone"] and b["phone"]:
        if a["phone"] == b["phone"]:
            agree.append("same phone")
        elif Levenshtein.distance(a["phone"], b["phone"]) == 1:
            agree.append("phones differ in one digit")
        else:
            differ.append("other phone")
    if a["host"] and a["host"] == b["host"]:
        agree.append("same website")
    if a["zip"] and b["zip"] and a["zip"] != b["zip"]:
        differ.append("other zip code")
    if a["kinds"] and b["kinds"] and not set(a["kinds"].split()) & set(b["kinds"].split()):
        differ.append("other kind of place")
    meters = None
    if a["lat"] is not None and b["lat"] is not None:
        meters = round(1000 * distance_km(a["lat"], a["lon"], b["lat"], b["lon"]), 1)
        (agree if meters <= 400 else differ).append(_far(meters))
    text = ", ".join(agree) or "nothing agrees"
    return (f"{text}; but {', '.join(differ)}" if differ else text)[:1].upper() + (
        f"{text}; but {', '.join(differ)}" if differ else text
    )[1:], meters


def _name(a: Mapping[str, Any], b: Mapping[str, Any], agree: list[str], differ: list[str]) -> None:
    if not a["name_sorted"] or not b["name_sorted"]:
        return
    if a["name_sorted"] == b["name_sorted"]:
        agree.append("same name")
    elif fuzz.token_sort_ratio(a["name_key"], b["name_key"]) >= 88:
        agree.append("name spelled differently")
    elif fuzz.token_set_ratio(a["name_key"], b["name_key"]) >= 95:
        agree.append("one name holds the other")
    else:
        differ.append("other name")


def _street(a: Mapping[str, Any], b: Mapping[str, Any], agree: list[str], differ: list[str]) -> None:
    if not a["street"] or not b["street"]:
        return
    if a["address_key"] and a["address_key"] == b["address_key"]:
        agree.append("same street and number")
        if a["unit"] and b["unit"] and a["unit"] != b["unit"]:
            differ.append("other unit")
    elif a["number"] == b["number"] and fuzz.ratio(a["street"], b["street"]) >= 75:
        agree.append("street spelled differently")
    elif a["street"] == b["street"]:
        agree.append("same street, other house number")
    else:
        differ.append("other street")


def _far(meters: float) -> str:
    if meters < 15:
        return "same point"
    return f"{meters:.0f} m apart" if meters < 1000 else f"{meters / 1000:.0f} km apart"
