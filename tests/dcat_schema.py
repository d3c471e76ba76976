"""What DCAT-US 3.0 asks of the objects that we write, and a check of objects against it.

Belongs here: fields, types and required ones, written by hand from the JSON Schema definitions (2020-12) in GSA's repository
`dcat-us`. It is stricter than they are: a field that it does not list is a fault. Does not belong here: assertions.

Each field: `text`, `iri` (with a scheme and host), `date` (day, month, year or moment), `language`, `mailto`, a tuple of allowed
words, `{name}` for one object of that kind, `[name]` for a list of them, `[text]` for a list of texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

FREQUENCIES = (
    "continual", "daily", "weekly", "fortnightly", "monthly", "quarterly", "biannually", "annually", "asNeeded", "irregular",
    "notPlanned", "unknown",
)  # fmt: skip
_ANY = {"@id": "iri", "@type": "text"}
Fields = Mapping[str, str | tuple[str, ...]]
OBJECTS: Mapping[str, tuple[Fields, tuple[str, ...]]] = {
    "Catalog": ({
        **_ANY, "title": "text", "description": "text", "conformsTo": "{Standard}", "homepage": "{Document}",
        "publisher": "{Organization}", "contactPoint": "[Kind]", "language": "language", "modified": "date", "issued": "date",
        "dataset": "[Dataset]", "keyword": "[text]", "license": "text", "rights": "[text]",
    }, ("dataset",)),
    "Dataset": ({
        **_ANY, "title": "text", "description": "text", "identifier": "{Identifier}", "publisher": "{Organization}",
        "contactPoint": "{Kind}", "accessRights": "text", "keyword": "[text]", "issued": "date", "modified": "date",
        "version": "text", "accrualPeriodicity": FREQUENCIES, "landingPage": "{Document}", "conformsTo": "[Standard]",
        "provenance": "[text]", "purpose": "text", "scopeNote": "text", "liabilityStatement": "text", "rights": "[text]",
        "temporal": "[PeriodOfTime]", "spatial": "[Location]", "describedBy": "{Distribution}", "distribution": "[Distribution]",
    }, ("description", "publisher", "title", "contactPoint", "identifier")),
    "Distribution": ({
        **_ANY, "title": "text", "description": "text", "format": "text", "mediaType": "text", "downloadURL": "iri",
        "accessURL": "iri", "license": "text", "modified": "date", "byteSize": "text", "checksum": "{Checksum}",
        "conformsTo": "[Standard]", "describedBy": "{Distribution}",
    }, ()),
    "Identifier": ({**_ANY, "notation": "text", "version": "text", "schemaAgency": "text"}, ()),
    "Organization": ({**_ANY, "name": "text", "altLabel": "text"}, ("name",)),
    "Kind": ({**_ANY, "fn": "text", "hasEmail": "mailto", "organization-name": "text"}, ("hasEmail", "fn")),
    "Document": ({**_ANY, "title": "text", "accessURL": "iri", "downloadURL": "iri"}, ("title",)),
    "Standard": ({**_ANY, "title": "text", "description": "text", "identifier": "{Identifier}"}, ()),
    "Checksum": ({**_ANY, "algorithm": "text", "checksumValue": "text"}, ("algorithm", "checksumValue")),
    "PeriodOfTime": ({**_ANY, "startDate": "date", "endDate": "date"}, ()),
    "Location": ({**_ANY, "bbox": "polygon", "prefLabel": "text"}, ()),
}  # fmt: skip


def problems(catalogue: Any) -> list[str]:
    """What is wrong with a catalogue, each with the place in it."""
    return list(_object("Catalog", catalogue, "catalogue"))


def _object(kind: str, value: Any, at: str) -> Iterator[str]:
    fields, required = OBJECTS[kind]
    if not isinstance(value, dict):
        yield f"{at} is no object"
        return
    yield from (f"{at} has no {name}" for name in required if name not in value)
    if value.get("@type", kind) != kind:
        yield f"{at} is a {value['@type']}, not a {kind}"
    for name, inner in value.items():
        if name not in fields:
            yield f"{at}.{name} is not known"
        else:
            yield from _field(fields[name], inner, f"{at}.{name}")


def _field(form: str | tuple[str, ...], value: Any, at: str) -> Iterator[str]:
    if isinstance(form, tuple):
        if value not in form:
            yield f"{at} cannot be {value!r}"
    elif form[0] == "{":
        yield from _object(form[1:-1], value, at)
    elif form[0] == "[":
        if not isinstance(value, list) or not value:
            yield f"{at} is no list, or an empty one"
            return
        for index, one in enumerate(value):
            inner = f"{at}[{index}]"
            yield from _field("text", one, inner) if form == "[text]" else _object(form[1:-1], one, inner)
    elif form == "polygon":
        ring = value.get("coordinates", [[]])[0] if isinstance(value, dict) and value.get("type") == "Polygon" else []
        if len(ring) < 4 or ring[0] != ring[-1]:
            yield f"{at} is no closed polygon"
    elif not isinstance(value, str) or not value.strip():
        yield f"{at} is no text"
    elif not _fits(form, value):
        yield f"{at}: '{value}' is no {form}"


def _fits(form: str, value: str) -> bool:
    match form:
        case "iri":
            parts = urlsplit(value)
            return parts.scheme in ("http", "https") and bool(parts.netloc) and " " not in value
        case "mailto":
            return re.fullmatch(r"mailto:[\w.~!$&'()*+,;=:-]+@[\w.-]+\.[\w.-]+", value) is not None
        case "language":
            return len(value) == 2
        case "date":
            for read in (datetime.fromisoformat, date.fromisoformat):
                try:
                    read(value)
                except ValueError:
                    continue
                return "T" not in value or value.endswith("Z") or "+" in value
            return re.fullmatch(r"\d{4}(-\d{2})?", value) is not None
    return True
