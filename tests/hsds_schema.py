"""What Open Referral HSDS 3.0 asks of the objects that we write, and a check of objects against it.

Belongs here: fields, types and required ones, written from the standard's reference by hand. Does not belong here: assertions.

Each field: its JSON type, `uuid`, `uri`, `email` or `date` for text of that form, a list of allowed words, `[name]` for a list of
objects of that kind, or `{name}` for one.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

Fields = Mapping[str, str | tuple[str, ...]]
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
OBJECTS: Mapping[str, tuple[Fields, tuple[str, ...]]] = {
    "organization": ({
        "id": "uuid", "name": "text", "alternate_name": "text", "description": "text", "email": "email", "website": "uri",
        "year_incorporated": "number", "legal_status": "text", "logo": "text", "uri": "uri", "parent_organization_id": "uuid",
        "phones": "[phone]", "locations": "[location]", "attributes": "[attribute]",
    }, ("id", "name", "description")),
    "service": ({
        "id": "uuid", "organization_id": "uuid", "program_id": "uuid", "name": "text", "alternate_name": "text", "description": "text",
        "url": "uri", "email": "email", "status": ("active", "inactive", "defunct", "temporarily closed"),
        "interpretation_services": "text", "application_process": "text", "fees_description": "text", "accreditations": "text",
        "eligibility_description": "text", "minimum_age": "number", "maximum_age": "number", "assured_date": "date", "assurer_email": "email",
        "alert": "text", "last_modified": "text", "organization": "{organization}", "phones": "[phone]", "schedules": "[schedule]",
        "languages": "[language]", "attributes": "[attribute]", "service_at_locations": "[service_at_location]",
    }, ("id", "name", "status")),
    "service_at_location": ({
        "id": "uuid", "service_id": "uuid", "location_id": "uuid", "description": "text", "phones": "[phone]", "schedules": "[schedule]",
        "location": "{location}", "attributes": "[attribute]",
    }, ("id", "service_id", "location_id")),
    "location": ({
        "id": "uuid", "location_type": ("physical", "postal", "virtual"), "url": "uri", "organization_id": "uuid", "name": "text",
        "alternate_name": "text", "description": "text", "transportation": "text", "latitude": "number", "longitude": "number",
        "external_identifier": "text", "external_identifier_type": "text", "languages": "[language]", "addresses": "[address]",
        "accessibility": "[accessibility]", "phones": "[phone]", "schedules": "[schedule]", "attributes": "[attribute]",
    }, ("id", "location_type")),
    "address": ({
        "id": "uuid", "location_id": "uuid", "attention": "text", "address_1": "text", "address_2": "text", "city": "text", "region": "text",
        "state_province": "text", "postal_code": "text", "country": "country", "address_type": ("physical", "postal", "virtual"),
    }, ("id", "address_1", "city", "state_province", "postal_code", "country", "address_type")),
    "phone": ({
        "id": "uuid", "location_id": "uuid", "service_id": "uuid", "organization_id": "uuid", "contact_id": "uuid",
        "service_at_location_id": "uuid", "number": "text", "extension": "number", "type": "text", "description": "text",
        "languages": "[language]",
    }, ("id", "number")),
    "language": ({
        "id": "uuid", "service_id": "uuid", "location_id": "uuid", "phone_id": "uuid", "name": "text", "code": "text", "note": "text",
    }, ("id",)),
    "accessibility": ({
        "id": "uuid", "location_id": "uuid", "description": "text", "details": "text", "url": "uri",
    }, ("id",)),
    "attribute": ({
        "id": "uuid", "link_id": "uuid", "taxonomy_term_id": "uuid", "link_type": "text", "link_entity": "text", "value": "text",
        "taxonomy_term": "{taxonomy_term}",
    }, ("id", "link_id", "taxonomy_term_id", "link_entity")),
    "taxonomy_term": ({
        "id": "uuid", "code": "text", "name": "text", "description": "text", "parent_id": "uuid", "taxonomy": "text", "language": "text",
        "taxonomy_id": "uuid", "term_uri": "uri",
    }, ("id", "name", "description")),
    "schedule": ({
        "id": "uuid", "service_id": "uuid", "location_id": "uuid", "service_at_location_id": "uuid", "valid_from": "date", "valid_to": "date",
        "dtstart": "date", "timezone": "number", "until": "date", "count": "number", "wkst": WEEKDAYS, "freq": ("WEEKLY", "MONTHLY"),
        "interval": "number", "byday": "byday", "byweekno": "text", "bymonthday": "text", "byyearday": "text", "description": "text",
        "opens_at": "time", "closes_at": "time", "schedule_link": "uri", "attending_type": "text", "notes": "text",
    }, ("id",)),
}  # fmt: skip
PAGE: Fields = {
    "total_items": "number", "total_pages": "number", "page_number": "number", "size": "number", "first_page": "boolean",
    "last_page": "boolean", "empty": "boolean", "contents": "[service]",
}  # fmt: skip


def problems_of_page(page: Mapping[str, Any]) -> list[str]:
    """What is wrong with a page of services as the API of HSDS gives it."""
    return [*_object("page", PAGE, tuple(PAGE), page, "page"), *_repeated(page)]


def _repeated(page: Mapping[str, Any]) -> Iterator[str]:
    ids = [service["id"] for service in page["contents"]]
    if len(set(ids)) < len(ids):
        yield "ids of services are not unique"


def _object(kind: str, fields: Fields, required: tuple[str, ...], found: Any, path: str) -> Iterator[str]:
    if not isinstance(found, Mapping):
        yield f"{path} is no object"
        return
    for name in required:
        if found.get(name) in (None, ""):
            yield f"{path}.{name} is missing"
    for name, value in found.items():
        if name not in fields:
            yield f"{path}.{name} is no field of {kind}"
            continue
        yield from _value(fields[name], value, f"{path}.{name}")


def _value(form: str | tuple[str, ...], value: Any, path: str) -> Iterator[str]:
    if isinstance(form, tuple):
        if value not in form:
            yield f"{path} is {value!r}, not one of {form}"
    elif form.startswith(("[", "{")):
        kind = form[1:-1]
        if form.startswith("["):
            if not isinstance(value, list):
                yield f"{path} is no list"
                return
            for number, one in enumerate(value):
                yield from _object(kind, *OBJECTS[kind], one, f"{path}[{number}]")
        else:
            yield from _object(kind, *OBJECTS[kind], value, path)
    elif not _FORMS[form](value):
        yield f"{path} is {value!r}, which is no {form}"


def _is_uuid(value: Any) -> bool:
    try:
        return bool(str(uuid.UUID(value)) == value)
    except (ValueError, TypeError, AttributeError):
        return False


def _is_date(value: Any) -> bool:
    try:
        return bool(date.fromisoformat(value).isoformat() == value)
    except (ValueError, TypeError):
        return False


def _matches(pattern: str) -> Any:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


_FORMS: Mapping[str, Any] = {
    "text": lambda value: isinstance(value, str) and value != "",
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "uuid": _is_uuid, "date": _is_date, "uri": _matches(r"https?://\S+"), "email": _matches(r"[^@\s]+@[^@\s]+\.[^@\s]+"),
    "time": _matches(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?(Z|[+-]\d\d:\d\d)?"), "country": _matches("[A-Z]{2}"),
    "byday": _matches(r"([+-]?\d)?(MO|TU|WE|TH|FR|SA|SU)(,([+-]?\d)?(MO|TU|WE|TH|FR|SA|SU))*"),
}  # fmt: skip
