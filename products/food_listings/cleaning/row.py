"""One row of a list, cleaned: the fields of a listing with their types, and what was changed and doubted on the way.

Belongs here: which column is cleaned by what, in which order. Does not belong here: what other rows say (`across`), approvals.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from dateutil import parser as dates

from .contacts import SOCIAL_COLUMNS, clean_emails, clean_social, clean_url
from .hours_text import Hours, clean_hours
from .lists import Lookups
from .notes import Notes
from .phones import clean_phones
from .places import clean_address, clean_point
from .text import clean_text, is_junk, is_shouted, title_case

Row = Mapping[str, str | None]
_YES = frozenset({"t", "true", "1", "yes", "y", "x", "closed"})
_NO = frozenset({"f", "false", "0", "no", "n", "open"})
_TEST = re.compile(
    r"^\W*(test|testing|sample|asdf|do not use|example)\b|\(delete this row\)|\bdo not use\b", re.IGNORECASE
)
_CLOSED = re.compile(
    r"\b(permanently closed|closed (?:until further notice|indefinitely|down|permanently|for good|due to|as of|temporarily)|"
    r"close down|(?:is|are|currently|now|temporarily|has) closed\b"
    r"(?! (?:on|every|for lunch|sun|mon|tue|wed|thu|fri|sat|weekends|holidays))|"
    r"no longer (?:in|open|operat\w+|offer\w*|provid\w+|distribut\w+|exist\w*|serv\w+|available|there|a |at )|"
    r"out of business|shut(?:ting)? down|suspended|discontinued|until further notice|does not (?:exist|have a (?:food )?pantry))",
    re.IGNORECASE,
)
_PAST_OPEN = re.compile(r"\bre-?open", re.IGNORECASE)
STATES_OF_FIELDS = ("name", "categories", "address", "phone", "email", "hours", "food_types")
BOOLEANS = {
    "walkins": "is_walkin",
    "food_bakery": "has_bakery",
    "food_dry_goods": "has_dry_goods",
    "food_produce": "has_produce",
    "food_dairy": "has_dairy",
    "food_prepared": "has_prepared",
    "food_meat": "has_meat",
    "donation_pickup": "has_donation_pickup",
    "donation_accept_frozen": "is_frozen_accepted",
    "donation_accept_refrigerated": "is_refrigerated_accepted",
    "donation_accept_perishable": "is_perishable_accepted",
}
TEXTS = {
    "description": "description",
    "organization_name": "organization_name",
    "agency_type": "agency_type",
    "category_notes": "category_notes",
    "accessibility": "accessibility",
    "hours_notes": "hours_notes",
    "items": "items",
    "services": "services",
    "requirements": "eligibility_description",
    "eligibility_notes": "eligibility_notes",
    "food_types": "food_types",
    "notes": "notes",
    "closure_notes": "closure_notes",
}


@dataclass(frozen=True)
class Cleaned:
    """A row after cleaning. `values` are the columns of `listings` that a source can say; `contacts` those of
    listing_contacts."""

    listing_id: str
    source_code: str
    values: Mapping[str, Any]
    hours: Hours
    contacts: Mapping[str, Any]
    confirmed: frozenset[str]
    """Critical fields that the source itself calls confirmed."""
    source_status: str
    dates: Mapping[str, datetime]
    """created, modified, assigned, submitted, approved, claimed; UTC."""
    notes: Notes = field(default_factory=Notes)


def clean_row(row: Row, lookups: Lookups) -> Cleaned:
    """Clean one row of `source_listings`. The same row gives the same result, always."""
    notes = Notes()
    values: dict[str, Any] = {}
    source = str(row.get("source_code") or "")
    values["name"] = _name(row, lookups, notes)
    for column, target in TEXTS.items():
        values[target] = clean_text(
            target, row.get(column), notes, lines=target in ("notes", "description", "services")
        )
    for target in ("description", "notes"):
        if values[target] and is_junk(values[target]):
            notes.find("junk_text", "description", values[target], "This text has no words.")
    _place(row, lookups, values, notes)
    phone, extension, others = clean_phones(
        row.get("phones"),
        clean_text("phone_extension", row.get("phone_extension"), notes),
        row.get("phone_functions"),
        notes,
        lookups.policies["country"],
    )
    values |= {"phone_number": phone, "phone_extension": extension, "other_phone_numbers": others}
    emails = clean_emails(row.get("email"), notes)
    values["email"] = emails[0] if emails else None
    values["url"] = clean_url(clean_text("url", row.get("url"), notes), notes)
    for column in SOCIAL_COLUMNS:
        values[column] = clean_social(column, row.get(column.removesuffix("_url")), notes)
    values["category_codes"] = _categories(row.get("categories"), lookups, notes)
    values["tag_names"] = _split(row.get("tags"))
    values["language_names"] = _split(row.get("languages"))
    for column, target in BOOLEANS.items():
        values[target] = yes_or_no(row.get(column))
    closed, paused = yes_or_no(row.get("source_inactive")), yes_or_no(row.get("source_inactive_temporary"))
    values["status_code"] = "closed" if closed else "temporarily_closed" if paused else "active"
    hours = clean_hours(row, lookups.policies["timezone"], notes)
    values["hours_text"] = hours.text or None
    values["is_by_appointment"] = True if any(rule["rule_code"] == "appointment" for rule in hours.rules) else None
    _closure(values, notes)
    confirmed = frozenset(name for name in STATES_OF_FIELDS if yes_or_no(row.get(f"confirmed_{name}")))
    _presence(values, hours, confirmed, notes)
    return Cleaned(
        f"{source}:{row.get('source_id')}",
        source,
        values,
        hours,
        _contacts(row, emails),
        confirmed,
        (row.get("source_status") or "").strip().lower(),
        _dates(row),
        notes,
    )


def yes_or_no(raw: str | None) -> bool | None:
    """Yes, no, or None for neither."""
    word = (raw or "").strip().lower()
    return True if word in _YES else False if word in _NO else None


def closure_words(text: str | None) -> str | None:
    """The words in a text that say that a place closed or stopped; None for none, or where it says that it opened again."""
    if not text or _PAST_OPEN.search(text):
        return None
    found = _CLOSED.search(text)
    return found[0] if found else None


def _name(row: Row, lookups: Lookups, notes: Notes) -> str | None:
    name = clean_text("name", row.get("name"), notes)
    if name is None:
        return None
    if _TEST.search(name):
        notes.find("name_test", "name", name, "The name says that this is a test or a sample.")
    stripped = name.lstrip("_ ")
    if stripped != name and stripped:
        notes.fix("name", name, stripped, "space_trimmed")
        name = stripped
    if is_shouted(name):
        usual = title_case(name, lookups.acronyms)
        notes.fix("name", name, usual, "name_case")
        return usual
    return name


def _place(row: Row, lookups: Lookups, values: dict[str, Any], notes: Notes) -> None:
    texts = {
        name: clean_text(name, row.get(name), notes)
        for name in ("address_1", "address_2", "address_text", "city", "state_province", "postal_code")
    }
    found = clean_address(
        texts["address_1"],
        texts["address_2"],
        texts["city"],
        texts["state_province"],
        texts["postal_code"],
        texts["address_text"],
        lookups.street_words,
        lookups.states,
        lookups.policies["default_state"],
        notes,
    )
    city = found.city
    if city and city.isupper() and len(city) > 3:
        usual = title_case(city, lookups.acronyms)
        notes.fix("city", city, usual, "city_case")
        city = usual
    latitude, longitude = clean_point(row.get("latitude"), row.get("longitude"), lookups.box, notes)
    values |= {
        "address_1": found.street,
        "address_2": found.unit,
        "city": city,
        "state_province": found.state,
        "postal_code": found.zip,
        "country_code": lookups.policies["country"],
        "latitude": latitude,
        "longitude": longitude,
    }
    if not found.street:
        notes.find("address_missing", "address", "", "There is no street.")
    if not city:
        notes.find("city_missing", "address", "", "There is no city.")
    if found.zip and found.state and (of_zip := lookups.state_of_zip(found.zip)) not in (None, found.state):
        notes.find(
            "postal_code_state", "address", found.zip, f"Zip code {found.zip} lies in {of_zip}, not in {found.state}."
        )


def _categories(raw: str | None, lookups: Lookups, notes: Notes) -> list[str]:
    words = [part.strip() for part in re.split(r"[;,|]", (raw or "").strip("[](){}")) if part.strip().strip("\"'")]
    codes: list[str] = []
    for word in words:
        code = lookups.categories.get(word.strip("\"'").lower())
        if code is None:
            notes.find("category_unknown", "categories", word, f"'{word}' is not in the lookup category_words.")
        elif code != "none" and code not in codes:
            codes.append(code)
    if codes and raw != ",".join(codes):
        notes.fix("category_codes", raw, ",".join(codes), "category_mapped")
    if not codes:
        notes.find("category_missing", "categories", raw, "There is no category.")
    if codes == ["test"]:
        notes.find("category_test", "categories", raw, "The only category is the one for tests.")
    return sorted(codes)


def _split(raw: str | None) -> list[str]:
    return list(
        dict.fromkeys(
            part.strip() for part in re.split(r"[;,|/]| and ", (raw or "").strip("{}[]")) if part.strip(" \"'")
        )
    )


def _closure(values: Mapping[str, Any], notes: Notes) -> None:
    if values["status_code"] != "active":
        return
    for column in ("closure_notes", "notes", "description", "hours_notes", "name"):
        if words := closure_words(values[column]):
            notes.find(
                "closure_words",
                "status",
                words,
                f"'{words}' stands in its {column.replace('_', ' ')}, but it is not marked as closed.",
            )
            return


def _presence(values: Mapping[str, Any], hours: Hours, confirmed: frozenset[str], notes: Notes) -> None:
    if not hours.has_text and values["status_code"] == "active":
        notes.find("hours_missing", "hours", "", "There are no hours.")
    if values["latitude"] is None:
        notes.find("point_missing", "address", "", "There is no point on the map.")
    empty = {"phone": values["phone_number"] is None, "email": values["email"] is None, "hours": not hours.has_text}
    for name in sorted(confirmed & {name for name, is_empty in empty.items() if is_empty}):
        notes.find("confirmed_but_empty", name, "", f"The source says that {name} was confirmed, but there is none.")


def _contacts(row: Row, emails: list[str]) -> dict[str, Any]:
    names = (
        "admin_contact_name",
        "admin_contact_phone",
        "admin_contact_email",
        "donation_contact_name",
        "donation_contact_phone",
        "donation_contact_email",
        "donation_schedule",
        "donation_delivery_instructions",
        "donation_notes",
        "admin_notes",
        "review_notes",
    )
    return {name: (row.get(name) or "").strip() or None for name in names} | {"email_all": emails}


def _dates(row: Row) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    for name in ("created", "modified", "assigned", "submitted", "approved", "rejected", "claimed"):
        moment = read_moment(row.get(f"source_{name}"))
        if moment is not None:
            found[name] = moment
    return found


def read_moment(raw: str | None) -> datetime | None:
    """A moment as sources write them: ISO 8601, or milliseconds since 1970; without a zone it is UTC. None for what is none."""
    text = (raw or "").strip()
    if not text:
        return None
    try:
        if re.fullmatch(r"\d{12,13}", text):
            return datetime.fromtimestamp(int(text) / 1000, UTC)
        moment = (
            datetime.fromisoformat(re.sub(r"([+-]\d{2})$", r"\1:00", text)) if text[:4].isdigit() else dates.parse(text)
        )
    except (ValueError, OverflowError, OSError):
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
