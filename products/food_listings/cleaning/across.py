"""What only shows when rows are seen together: shared numbers, zip codes that disagree with city or point, lists that contradict.

Belongs here: findings over all cleaned rows. Does not belong here: one row alone (`row`), duplicates (`matching`).

No table of zip codes is kept here: what a zip code's city and middle are is learnt from the rows themselves, as their
majority and their median, and only said where enough rows agree.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from rapidfuzz import fuzz

from .row import Cleaned

ENOUGH = 5
"""Rows of a zip code from which its city and its middle are believed."""
SHARE = 0.8
"""Share of them that must name one city before another city is a finding."""
FAR_KM = 8.0
"""A zip code's points lie closer together than this; the largest of the desert are beyond `SPREAD` times their own spread."""
SPREAD = 4.0
MANY = 3
"""Places of different names on one number, website or point."""


def distance_km(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Great-circle distance (haversine, mean radius 6,371.0088 km)."""
    a, b = math.radians(lat1), math.radians(lat2)
    h = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(lon2 - lon1) / 2) ** 2
    return 2 * 6371.0088 * math.asin(min(1.0, math.sqrt(h)))


def find_across(rows: Sequence[Cleaned]) -> None:
    """Add the findings to the notes of the rows."""
    _shared(rows, "phone_number", "phone_shared", "phone")
    _shared(rows, "url", "url_shared", "url")
    _shared_points(rows)
    _zip_codes(rows)


def _shared(rows: Sequence[Cleaned], column: str, check: str, about: str) -> None:
    groups: dict[str, list[Cleaned]] = defaultdict(list)
    for row in rows:
        if row.values[column]:
            groups[row.values[column]].append(row)
    for value, group in groups.items():
        if len(group) < MANY or len({row.values["name"] for row in group}) < MANY:
            continue
        for row in group:
            row.notes.find(check, about, value, f"{len(group)} listings have {value}.")


def _shared_points(rows: Sequence[Cleaned]) -> None:
    groups: dict[tuple[float, float], list[Cleaned]] = defaultdict(list)
    for row in rows:
        if row.values["latitude"] is not None:
            groups[round(row.values["latitude"], 5), round(row.values["longitude"], 5)].append(row)
    for group in groups.values():
        streets = {(row.values["address_1"] or "").lower() for row in group}
        if len(group) > MANY and len(streets) > MANY:
            for row in group:
                row.notes.find(
                    "point_shared",
                    "address",
                    len(group),
                    f"{len(group)} listings with other addresses lie on exactly this point.",
                )


def _zip_codes(rows: Sequence[Cleaned]) -> None:
    groups: dict[str, list[Cleaned]] = defaultdict(list)
    for row in rows:
        if row.values["postal_code"]:
            groups[row.values["postal_code"]].append(row)
    for zip_code, group in groups.items():
        _cities(zip_code, group)
        _middles(zip_code, [row for row in group if row.values["latitude"] is not None])


def _cities(zip_code: str, group: Sequence[Cleaned]) -> None:
    named = [row for row in group if row.values["city"]]
    count = Counter(row.values["city"].lower() for row in named)
    if len(named) < ENOUGH:
        return
    usual, most = count.most_common(1)[0]
    if most / len(named) < SHARE:
        return
    for row in named:
        mine = row.values["city"].lower()
        if mine != usual and count[mine] == 1:
            how = " (spelled otherwise?)" if fuzz.ratio(mine, usual) > 80 else ""
            row.notes.find(
                "postal_code_city",
                "address",
                row.values["city"],
                f"{most} other listings with zip code {zip_code} say {usual.title()}{how}.",
            )


def _middles(zip_code: str, group: Sequence[Cleaned]) -> None:
    if len(group) < ENOUGH:
        return
    lat = statistics.median(row.values["latitude"] for row in group)
    lon = statistics.median(row.values["longitude"] for row in group)
    away = [distance_km(lat, lon, row.values["latitude"], row.values["longitude"]) for row in group]
    limit = max(FAR_KM, SPREAD * statistics.median(away))
    for row, km in zip(group, away, strict=True):
        if km > limit:
            row.notes.find(
                "postal_code_point",
                "address",
                f"{km:.1f} km",
                f"Its point lies {km:.0f} km from the other listings with zip code {zip_code}.",
            )


def find_disagreements(rows: Iterable[Cleaned], same: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Fields on which lists contradict each other about one place, per listing; each is a finding of both.

    `same` are pairs of listings of different lists that are one place beyond reasonable doubt.
    """
    by_id: Mapping[str, Cleaned] = {row.listing_id: row for row in rows}
    counts: Counter[str] = Counter()
    for first, second in same:
        a, b = by_id.get(first), by_id.get(second)
        if a is None or b is None or a.source_code == b.source_code:
            continue
        for one, other in ((a, b), (b, a)):
            for column, about in (
                ("phone_number", "phone"),
                ("postal_code", "address"),
                ("url", "url"),
                ("email", "email"),
            ):
                mine, theirs = one.values[column], other.values[column]
                numbers = {theirs, *other.values["other_phone_numbers"]} if column == "phone_number" else {theirs}
                mine_all = {mine, *one.values["other_phone_numbers"]} if column == "phone_number" else {mine}
                if column == "url" and mine and theirs:
                    mine_all, numbers = {_site(mine)}, {_site(theirs)}
                if mine and theirs and not (mine_all & numbers):
                    counts[one.listing_id] += 1
                    one.notes.find("source_disagrees", about, mine, f"List '{other.source_code}' says {theirs}.")
            if one.values["status_code"] == "active" and other.values["status_code"] != "active":
                counts[one.listing_id] += 1
                one.notes.find(
                    "source_disagrees",
                    "status",
                    "active",
                    f"List '{other.source_code}' says {other.values['status_code']}.",
                )
            if one.values["status_code"] == "closed" and other.values["status_code"] == "active":
                one.notes.find("closure_contradicts", "status", "closed", f"List '{other.source_code}' has it as open.")
    return dict(counts)


def _site(url: str) -> str:
    return url.split("//", 1)[-1].split("/", 1)[0].removeprefix("www.")
