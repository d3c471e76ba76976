"""Listings out of the releases, each with its hours and its fields.

Belongs here: which columns leave the releases, by name: a column that nobody names here is in no file. Does not belong here: the
forms that they are written in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import duckdb

from civicops.release.sql import identifier, literal
from civicops.release.values import Release

from ...hours import HoursError, Schedule, from_rows, read_text, read_tuples

DATASETS = ("listings", "listing_schedules", "listing_fields")
COLUMNS = (
    "listing_id", "version_number", "name", "description", "organization_name", "category_codes", "category_notes", "tag_names",
    "address_1", "address_2", "city", "state_province", "postal_code", "country_code", "latitude", "longitude",
    "point_quality_code", "service_area_code", "accessibility", "phone_number", "phone_extension", "other_phone_numbers", "email",
    "url", "facebook_url", "twitter_url", "pinterest_url", "linkedin_url", "instagram_url", "hours_text", "hours_notes",
    "is_walkin", "is_by_appointment", "items", "services", "eligibility_description", "eligibility_notes", "food_types",
    "has_bakery", "has_dry_goods", "has_produce", "has_dairy", "has_prepared", "has_meat", "language_names", "notes",
    "closure_notes", "status_code", "is_verified", "approved_at", "last_confirmed_at", "freshness_code", "confirmed_share",
    "is_reverification_open",
)  # fmt: skip
"""What of `listings` is shown and given away."""
NOT_SHOWN = (
    "agency_type", "has_donation_pickup", "is_frozen_accepted", "is_refrigerated_accepted", "is_perishable_accepted",
)  # fmt: skip
"""Columns of `listings` about the agency or for donors; a test holds this list and `COLUMNS` to the contract."""
FIELD_COLUMNS = (
    "listing_id", "field_code", "state_code", "confirmed_at", "role_code", "evidence_code", "is_stale", "is_critical",
)  # fmt: skip
"""What of `listing_fields` is shown: when a field was confirmed and how, never by whom."""
SCHEDULE_COLUMNS = (
    "listing_id", "schedule_number", "rule_code", "freq", "repeat_interval", "byday", "bymonthday", "bymonth", "dtstart_on",
    "valid_from", "valid_to", "holiday_code", "opens_time", "closes_time", "is_all_day", "timezone", "notes",
)  # fmt: skip


@dataclass(frozen=True)
class Listing:
    """One listing: its values by column, its hours (`None` where no row says any), its fields by code."""

    values: Mapping[str, Any]
    schedule: Schedule | None
    fields: Mapping[str, Mapping[str, Any]]

    def __getitem__(self, column: str) -> Any:
        return self.values[column]

    @property
    def id(self) -> str:
        """The stable id."""
        return str(self.values["listing_id"])

    def state_of(self, field: str) -> str:
        """confirmed, confirmed_none, unconfirmed or unknown; unknown for a field that has no row."""
        return str(self.fields.get(field, {}).get("state_code", "unknown"))


def read_listings(releases: Mapping[str, Release]) -> list[Listing]:
    """All listings by id. Rows of hours that cannot be are told as text, never left out in silence."""
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        listings = _rows(con, releases["listings"], COLUMNS, "listing_id")
        schedules = _rows(con, releases["listing_schedules"], SCHEDULE_COLUMNS, "listing_id, schedule_number")
        fields = _rows(con, releases["listing_fields"], FIELD_COLUMNS, "listing_id, field_code")
    hours: dict[str, list[dict[str, Any]]] = {}
    for row in schedules:
        hours.setdefault(row["listing_id"], []).append(row)
    confirmed: dict[str, dict[str, dict[str, Any]]] = {}
    for row in fields:
        confirmed.setdefault(row["listing_id"], {})[row["field_code"]] = row
    return [
        Listing(
            row, _schedule(hours.get(row["listing_id"], []), row["hours_text"]), confirmed.get(row["listing_id"], {})
        )
        for row in listings
    ]


def _schedule(rows: list[dict[str, Any]], text: str | None) -> Schedule | None:
    """The rules, with what of the source's words is in none of them: outside of the rules it may be open."""
    if not rows:
        return None
    try:
        schedule = from_rows(rows)
        if not text:
            return schedule
        reading = (
            read_tuples(text, schedule.timezone) if text.startswith(("(", "[")) else read_text(text, schedule.timezone)
        )
        return replace(schedule, text=reading.schedule.text)
    except HoursError as error:
        zone = str(rows[0]["timezone"])
        try:
            return Schedule(zone, text=error.message)
        except HoursError:
            return None


def _rows(
    con: duckdb.DuckDBPyConnection, release: Release, columns: tuple[str, ...], order: str
) -> list[dict[str, Any]]:
    names = ", ".join(map(identifier, columns))
    cursor = con.execute(f"SELECT {names} FROM read_parquet({literal(str(release.data))}) ORDER BY {order}")
    return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def moment_of(releases: Mapping[str, Release]) -> datetime:
    """When the newest of the releases was made (UTC): what 'this year' means in a file."""
    return max(releases[name].created for name in DATASETS).astimezone(UTC)
