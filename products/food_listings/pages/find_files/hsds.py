"""The download in Open Referral HSDS 3: services with their organization, locations, schedules, phones and languages.

Belongs here: objects with the names of that standard, one service per listing, nested as its API gives them
(`GET /services?full=true`). Does not belong here: schedules (`hours.hsds`).

Ids are UUIDs made from ours, so the same listing keeps its id; ours stands in `external_identifier` of the location. Contacts
(HSDS `contact`) are people and are never in it; pages in social networks have no field in 3.0.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ...hours import to_hsds as schedules_of
from .listings import Listing
from .payload import lookup

VERSION = "3.0"
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://civicops.example.org/food_listings")
STATUS = {"active": "active", "temporarily_closed": "temporarily closed", "closed": "defunct"}
_FOODS = {
    "has_bakery": "Bakery", "has_dry_goods": "Dry goods", "has_produce": "Produce", "has_dairy": "Dairy",
    "has_prepared": "Prepared meals", "has_meat": "Meat and fish",
}  # fmt: skip


def to_hsds(listings: Sequence[Listing], moment: datetime) -> dict[str, Any]:
    """One page of HSDS with all services. `moment`: when the releases were made."""
    names = {row["category_code"]: row["category_name"] for row in lookup("categories.csv")}
    services = [_service(listing, moment, names) for listing in listings]
    count = len(services)
    return {
        "total_items": count, "total_pages": 1, "page_number": 1, "size": count, "first_page": True, "last_page": True,
        "empty": not services, "contents": services,
    }  # fmt: skip


def _id(kind: str, *of: object) -> str:
    return str(uuid.uuid5(NAMESPACE, "/".join(map(str, (kind, *of)))))


def _full(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "", [], {})}


def _service(listing: Listing, moment: datetime, categories: Mapping[str, str]) -> dict[str, Any]:
    service = _id("service", listing.id)
    organization = _organization(listing)
    confirmed = listing["last_confirmed_at"]
    foods = [word for column, word in _FOODS.items() if listing[column]]
    about = [listing["description"], listing["food_types"], f"Food: {', '.join(foods)}." if foods else None,
             listing["items"] and f"Also: {listing['items']}", listing["services"], listing["notes"]]  # fmt: skip
    eligibility = [listing["eligibility_description"], listing["eligibility_notes"]]
    return _full(
        id=service,
        organization_id=organization["id"],
        name=listing["name"],
        description="\n".join(filter(None, about)),
        url=_web(listing["url"]),
        email=listing["email"],
        status=STATUS[listing["status_code"]],
        application_process=_process(listing),
        eligibility_description="\n".join(filter(None, eligibility)),
        alert=listing["closure_notes"],
        assured_date=confirmed.date().isoformat() if confirmed else None,
        organization=organization,
        phones=_phones(listing, service),
        languages=[
            _full(id=_id("language", listing.id, name), service_id=service, name=name)
            for name in listing["language_names"] or ()
        ],
        attributes=[_attribute(listing, service, code, categories) for code in listing["category_codes"] or ()],
        service_at_locations=_places(listing, service, organization["id"], moment),
    )


def _web(url: str | None) -> str | None:
    """An address that is one: the standard takes no other."""
    return url if url and url.startswith(("http://", "https://")) else None


def _process(listing: Listing) -> str:
    words = []
    if listing["is_walkin"] is not None:
        words.append("You may come without an appointment." if listing["is_walkin"] else "You cannot just come.")
    if listing["is_by_appointment"]:
        words.append("By appointment.")
    return " ".join(words)


def _organization(listing: Listing) -> dict[str, Any]:
    """The organization behind a listing; where nobody named one, the place stands for itself."""
    name = listing["organization_name"] or listing["name"]
    own = {} if listing["organization_name"] else _full(website=_web(listing["url"]))
    id_ = _id("organization", name) if listing["organization_name"] else _id("organization", "of", listing.id)
    return {"id": id_, "name": name, "description": f"{name} gives food or meals.", **own}


def _phones(listing: Listing, service: str) -> list[dict[str, Any]]:
    extension = str(listing["phone_extension"] or "")
    found = []
    for number in filter(None, (listing["phone_number"], *(listing["other_phone_numbers"] or ()))):
        is_first = number == listing["phone_number"]
        made = _full(id=_id("phone", listing.id, number), service_id=service, number=number, type="voice")
        if is_first and extension.isdigit():
            made["extension"] = int(extension)
        elif is_first and extension:
            made["description"] = f"Extension {extension}"
        found.append(made)
    return found


def _attribute(listing: Listing, service: str, code: str, names: Mapping[str, str]) -> dict[str, Any]:
    name = names.get(code, code)
    term = {
        "id": _id("taxonomy_term", code),
        "code": code,
        "name": name,
        "description": name,
        "taxonomy": "food_listings",
    }
    return {
        "id": _id("attribute", listing.id, code), "link_id": service, "link_entity": "service", "link_type": "service_category",
        "taxonomy_term_id": term["id"], "taxonomy_term": term,
    }  # fmt: skip


def _places(listing: Listing, service: str, organization: str, moment: datetime) -> list[dict[str, Any]]:
    location, link = _id("location", listing.id), _id("service_at_location", listing.id)
    address = None
    needed = ("address_1", "city", "state_province", "postal_code", "country_code")
    if all(listing[name] for name in needed):
        address = _full(
            id=_id("address", listing.id), location_id=location, address_1=listing["address_1"], address_2=listing["address_2"],
            city=listing["city"], state_province=listing["state_province"], postal_code=listing["postal_code"],
            country=listing["country_code"], address_type="physical",
        )  # fmt: skip
    access = listing["accessibility"]
    place = _full(
        id=location,
        location_type="physical",
        organization_id=organization,
        name=listing["name"],
        latitude=listing["latitude"],
        longitude=listing["longitude"],
        external_identifier=listing.id,
        external_identifier_type="food_listings.listing_id",
        addresses=[address] if address else [],
        accessibility=[{"id": _id("accessibility", listing.id), "location_id": location, "description": access}]
        if access
        else [],
    )
    return [
        _full(
            id=link,
            service_id=service,
            location_id=location,
            location=place,
            schedules=_schedules(listing, link, moment),
        )
    ]


def _schedules(listing: Listing, link: str, moment: datetime) -> list[dict[str, Any]]:
    objects: list[dict[str, Any]] = []
    if listing.schedule is not None:
        objects = schedules_of(listing.schedule, (moment.year, moment.year + 1), moment)
    said = "\n".join(filter(None, (None if objects else listing["hours_text"], listing["hours_notes"])))
    if said and not objects:
        objects = [{"description": said}]
    made = []
    for number, one in enumerate(objects, start=1):
        notes = "\n".join(filter(None, (one.get("notes"), listing["hours_notes"])))
        made.append(
            {
                "id": _id("schedule", listing.id, number),
                "service_at_location_id": link,
                **one,
                **({"notes": notes} if notes else {}),
            }
        )
    return made
