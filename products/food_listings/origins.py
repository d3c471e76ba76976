"""Whose word everything is that a listing says: which row of a list, which decision, which geocoder.

Belongs here: rows of the table `origins`, by which a trace finds the rows that a version was made of. Does not belong here: the
content itself (`prepared`), which rows an `origin_id` names (`lineage`).

Ids: `list:<listing>` a row of a list, `geocode:<geocoder>:<address>` an answer of a geocoder, anything else a decision.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from .schemas import CONTENT
from .workflow import LIST, State

IMPORTED = "import:"
"""Begins the id of an approval that a list brought with it."""
POINT = ("latitude", "longitude")
FROM_POINT = ("point_quality_code", "service_area_code")
"""Columns of a version that its point decides."""


def origins_of(
    states: Mapping[str, State], listed: Collection[str], placed: Mapping[str, str]
) -> list[Mapping[str, Any]]:
    """One row per version and origin, with the columns that are its word. `listed` are the listings that stand in a list,
    `placed` those whose point a geocoder gave, and which."""
    return [row for listing_id in sorted(states) for row in _of(states[listing_id], listed, placed)]


def _of(state: State, listed: Collection[str], placed: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    listing_id = state.listing_id
    if listing_id in listed:
        yield _row(listing_id, 0, f"{LIST}{listing_id}", CONTENT)
        if listing_id in placed:
            yield _row(listing_id, 0, placed[listing_id], POINT)
    for version in state.versions:
        found: dict[str, list[str]] = {}
        for column, origins in version.said.items():
            for origin in _with_lists(listing_id, origins, listed):
                found.setdefault(origin, []).append(column)
        for origin, columns in found.items():
            yield _row(listing_id, version.number, origin, columns)


def _with_lists(listing_id: str, origins: Sequence[str], listed: Collection[str]) -> Iterator[str]:
    """The origins, each once. What a list calls approved is the list's word too, as long as the row stands there; what was merged
    in from a listing that never was in a list is the decision's word alone."""
    for origin in dict.fromkeys(origins):
        if not origin.startswith(LIST) or origin.removeprefix(LIST) in listed:
            yield origin
        if origin.startswith(IMPORTED) and listing_id in listed:
            yield f"{LIST}{listing_id}"


def _row(listing_id: str, number: int, origin: str, columns: Collection[str]) -> Mapping[str, Any]:
    more = FROM_POINT if "latitude" in columns else ()
    names = sorted({*(name for name in columns if name in CONTENT), *more})
    return {"listing_id": listing_id, "version_number": number, "origin_id": origin, "column_names": names}


def origin_of_field(state: State, field_code: str, *, is_listed: bool) -> str | None:
    """Whose word a critical field of a listing is: of whoever confirmed it, else of its list, else of who spoke of it first."""
    if field_code in state.fields:
        return state.fields[field_code].decision_id
    return f"{LIST}{state.listing_id}" if is_listed else state.begun_by or None
