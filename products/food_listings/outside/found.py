"""What was asked outside, put beside what the lists say: dead websites, points of geocoders, points that are not served.

Belongs here: findings and points of rows that are already cleaned. Does not belong here: asking (`websites`, `geocoding`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from ..cleaning.across import distance_km
from ..cleaning.row import Cleaned
from ..places import ServiceArea

Row: TypeAlias = Mapping[str, Any]
FAR_KM = 1.0
GOOD = 0.8
GEOCODE = "geocode:"
"""Stands before geocoder and address where their answer is meant."""


def find_outside(
    cleaned: Iterable[Cleaned], checks: Iterable[Row], geocodes: Iterable[Row], area: ServiceArea
) -> dict[str, str]:
    """Add to the rows what websites and geocoders said, and whether they are served. Rows of `website_checks` and of `geocodes`
    that found a point, in the order of the geocoders. Gives, for each listing that has its point from a geocoder, whose it is."""
    sites = {row["url"]: row for row in checks}
    codes: dict[str, list[Row]] = defaultdict(list)
    for code in geocodes:
        codes[code["address_key"]].append(code)
    placed: dict[str, str] = {}
    for row in cleaned:
        _website(row, sites.get(row.values["url"] or ""))
        if by := _geocode(row, codes.get(address_key(row.values), [])):
            placed[row.listing_id] = f"{GEOCODE}{by['geocoder_code']}:{by['address_key']}"
        lat, lon = row.values["latitude"], row.values["longitude"]
        if lat is not None and not area.holds(lat, lon):
            row.notes.find("point_outside", "address", f"{lat}, {lon}", "The point lies outside the service area.")
    return placed


def address_key(values: Mapping[str, Any]) -> str:
    """An address in one line, as geocoders are asked for it; empty without a street."""
    if not values.get("address_1"):
        return ""
    parts = (values["address_1"], values.get("city"), values.get("state_province"), values.get("postal_code"))
    return ", ".join(str(part) for part in parts if part).lower()


def _website(row: Cleaned, site: Row | None) -> None:
    if site is None:
        return
    check = {
        "dead": "website_dead",
        "timeout": "website_dead",
        "bad_certificate": "website_dead",
        "parked": "website_parked",
        "moved": "website_moved",
        "internal_address": "website_internal",
        "bad_address": "url_invalid",
    }.get(site["outcome_code"])
    if check:
        row.notes.find(check, "url", row.values["url"], site["detail"] or site["outcome_code"])
    if site["closure_text"] and row.values["status_code"] == "active":
        row.notes.find("closure_page", "status", site["closure_text"], "Its website says that it closed or stopped.")


def _geocode(row: Cleaned, codes: Sequence[Row]) -> Row | None:
    """A point for a listing without one, which is then given back, or doubt about the point it has."""
    best = max(codes, key=lambda code: code["confidence_share"] or 0, default=None)
    if best is None or (best["confidence_share"] or 0) < GOOD:
        return None
    values = row.values
    if not isinstance(values, dict):
        return None
    if values["latitude"] is None:
        row.notes.findings[:] = [item for item in row.notes.findings if item.check != "point_missing"]
        values["latitude"], values["longitude"], values["point_quality_code"] = (
            best["latitude"],
            best["longitude"],
            "geocoded",
        )
        return best
    if (km := distance_km(values["latitude"], values["longitude"], best["latitude"], best["longitude"])) > FAR_KM:
        where = f"{best['latitude']:.5f}, {best['longitude']:.5f}"
        row.notes.find(
            "geocode_far", "address", where, f"{best['geocoder_code'].title()} puts the address {km:.0f} km away."
        )
    return None
