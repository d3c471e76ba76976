"""`places.json`: what the page reads at first, small.

Belongs here: the form that `find/data.ts` takes. Does not belong here: downloads, whose form has to stay (`tables`, `hsds`).

What is empty is left out, and so is what only a download needs.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from ...hours import holiday_calendar, to_plain
from .listings import Listing

LOOKUPS = Path(__file__).parents[2] / "lookups"
COUNTRY = "US"
"""Whose public holidays count where hours speak of them; where `lookups/policies.csv` names another country, its. Those of a
state alone do not: hardly a pantry closes on all of them."""
FORMAT = 1
YEARS_AHEAD = 2
_TEXTS = {
    "name": "name", "organization_name": "organization", "description": "description", "category_codes": "categories",
    "category_notes": "categoryNotes", "address_1": "address1", "address_2": "address2", "city": "city",
    "state_province": "state", "postal_code": "zip", "accessibility": "accessibility", "phone_number": "phone",
    "phone_extension": "extension", "other_phone_numbers": "otherPhones", "email": "email", "url": "url",
    "facebook_url": "facebook", "instagram_url": "instagram", "twitter_url": "twitter", "hours_text": "hoursText",
    "hours_notes": "hoursNotes", "items": "items", "services": "services", "eligibility_description": "eligibility",
    "eligibility_notes": "eligibilityNotes", "food_types": "foodTypes", "language_names": "languages", "notes": "notes",
    "closure_notes": "closureNotes", "service_area_code": "area",
}  # fmt: skip
_FOODS = ("has_bakery", "has_dry_goods", "has_produce", "has_dairy", "has_prepared", "has_meat")


def payload(listings: Sequence[Listing], moment: datetime) -> dict[str, Any]:
    """All of the file. `moment`: when the releases were made."""
    policies = lookup("policies.csv")
    settings = {row["policy_code"]: row["value"] for row in policies}
    years = range(moment.year - 1, moment.year + YEARS_AHEAD + 1)
    calendar = holiday_calendar(settings.get("country") or COUNTRY, None, years)
    return {
        "format": FORMAT,
        "made": moment.isoformat(),
        "zone": settings.get("timezone", "America/Los_Angeles"),
        "categories": [
            [row["category_code"], row["category_name"], row["is_for_food_seeker"] == "true"]
            for row in lookup("categories.csv")
        ],
        "holidays": {day.isoformat(): sorted(names) for day, names in calendar.items()},
        "places": [place(listing) for listing in listings],
    }


def place(listing: Listing) -> dict[str, Any]:
    """One listing as the page reads it."""
    made: dict[str, Any] = {"id": listing.id}
    made |= {name: listing[column] for column, name in _TEXTS.items()}
    if listing["latitude"] is not None and listing["longitude"] is not None:
        made["at"] = [round(listing["longitude"], 5), round(listing["latitude"], 5)]
        made["isPointSure"] = listing["point_quality_code"] == "confirmed"
    if listing.schedule is not None:
        made["hours"] = to_plain(listing.schedule)
    made["foods"] = [name.removeprefix("has_") for name in _FOODS if listing[name]]
    made |= {
        "walkin": listing["is_walkin"],
        "appointment": listing["is_by_appointment"],
        "status": listing["status_code"] if listing["status_code"] != "active" else None,
        "verified": listing["is_verified"] or None,
        "reverifying": listing["is_reverification_open"] or None,
        "fresh": listing["freshness_code"],
        "confirmed": _day(listing["last_confirmed_at"]),
        "approved": _day(listing["approved_at"]),
        "fields": {
            code: _full(
                [field["state_code"], _day(field["confirmed_at"]), field["evidence_code"], field["is_stale"] or None]
            )
            for code, field in sorted(listing.fields.items())
        },
    }
    return {name: value for name, value in made.items() if value not in (None, "", [], {})}


def _full(values: list[Any]) -> list[Any]:
    while values and values[-1] is None:
        values.pop()
    return values


def _day(moment: datetime | None) -> str | None:
    return moment.date().isoformat() if moment else None


def lookup(name: str) -> list[dict[str, str]]:
    with (LOOKUPS / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
