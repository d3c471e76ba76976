"""The catalogue as DCAT-US 3.0: the `data.json` that data.gov and other catalogues harvest.

Belongs here: which part of a contract or release becomes which field. Does not belong here: which datasets are told of
(`catalogue`).

The fields are those of the JSON Schema (2020-12) of GSA's repository `dcat-us`, version 3.0. It has no `accessLevel` any more:
`accessRights` says it. A licence stands at the distributions.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from civicops.govern.catalogue import CatalogueError, Item, Teller, offered
from civicops.release.described import spans
from civicops.release.store import ReleaseStore

MEDIA = {
    "parquet": ("Parquet", "application/vnd.apache.parquet"),
    "csv": ("CSV", "text/csv"),
    "geojson": ("GeoJSON", "application/geo+json"),
}
LICENCES = {
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "CC-BY-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "CC-BY-SA-4.0": "https://creativecommons.org/licenses/by-sa/4.0/",
    "ODbL-1.0": "https://opendatacommons.org/licenses/odbl/1-0/",
    "PDDL-1.0": "https://opendatacommons.org/licenses/pddl/1-0/",
    "ODC-By-1.0": "https://opendatacommons.org/licenses/by/1-0/",
}
"""Where the licences that open data mostly has can be read; any other is given in the contract's own words."""
STANDARD = {
    "@type": "Standard",
    "title": "DCAT-US Schema v3.0",
    "identifier": {"@type": "Identifier", "@id": "https://resources.data.gov/resources/dcat-us3/"},
}
FRICTIONLESS = {
    "@type": "Standard",
    "title": "Data Package (v2)",
    "identifier": {"@type": "Identifier", "@id": "https://datapackage.org/profiles/2.0/datapackage.json"},
}


def dcat_us(found: Sequence[Item], teller: Teller, store: ReleaseStore) -> dict[str, Any]:
    """The catalogue as plain values. The same releases give the same bytes: nothing in it depends on the hour.

    Raises `CatalogueError` where there is no dataset: an empty catalogue is not valid.
    """
    if not found:
        raise CatalogueError("There is no dataset to tell of.", hint="civicops run PRODUCT publishes one.")
    here = teller.address
    return {
        "@id": f"{here}data.json",
        "@type": "Catalog",
        "title": f"Data of {teller.organisation}",
        "description": f"Datasets that {teller.organisation} publishes, each with a contract, checks and its history.",
        "conformsTo": STANDARD,
        "homepage": {"@type": "Document", "title": f"Data of {teller.organisation}", "accessURL": here},
        "publisher": {"@type": "Organization", "name": teller.organisation},
        "contactPoint": [_contact(teller)],
        "language": "en",
        "modified": _moment(max(item.release.created for item in found)),
        "dataset": [_dataset(item, teller, store) for item in found],
    }


def as_text(catalogue: dict[str, Any]) -> str:
    """The catalogue as the text of `data.json`."""
    return json.dumps(catalogue, indent=1, ensure_ascii=False) + "\n"


def _dataset(item: Item, teller: Teller, store: ReleaseStore) -> dict[str, Any]:
    contract, here = item.contract, teller.address
    public = item.access == "public"
    first = min(
        (release.created for release in store.versions(contract.product, contract.dataset)),
        default=item.release.created,
    )
    told: dict[str, Any] = {
        "@id": f"{here}{item.path}",
        "@type": "Dataset",
        "title": contract.title,
        "description": contract.purpose or item.product.file.summary,
        "identifier": {"@type": "Identifier", "@id": f"{here}{item.path}", "notation": contract.id},
        "publisher": {"@type": "Organization", "name": teller.organisation},
        "contactPoint": _contact(teller),
        "accessRights": "public" if public else "restricted: ask the contact for access",
        "keyword": list(dict.fromkeys([*item.tags, item.product.file.title])),
        "issued": _moment(first),
        "modified": _moment(item.release.created),
        "version": item.release.version,
        "accrualPeriodicity": how_often(item.product.file.schedule),
        "landingPage": {"@type": "Document", "title": contract.title, "accessURL": f"{here}{item.path}"},
        "conformsTo": [
            {
                "@type": "Standard",
                "title": f"Data contract {contract.id} {contract.version} (Open Data Contract Standard 3.1)",
            }
        ],
        "provenance": [source["title"] for source in item.package.get("sources", []) if source.get("title")],
        "purpose": contract.purpose,
        "scopeNote": contract.usage,
        "liabilityStatement": contract.limitations,
        "rights": [rule.description for rule in contract.privacy],
        "temporal": _temporal(item),
        "spatial": _spatial(item) if public else None,
        "describedBy": _dictionary(item, here) if public else None,
        "distribution": _distributions(item, teller) if public else None,
    }
    return {key: value for key, value in told.items() if value not in (None, "", [])}


def _contact(teller: Teller) -> dict[str, str]:
    return {"@type": "Kind", "fn": teller.organisation, "hasEmail": f"mailto:{teller.contact}"}


def _dictionary(item: Item, here: str) -> dict[str, Any]:
    return {
        "@type": "Distribution",
        "title": "Columns with their types, units and meanings",
        "downloadURL": f"{here}{item.folder}datapackage.json",
        "mediaType": "application/json",
        "conformsTo": [FRICTIONLESS],
    }


def _distributions(item: Item, teller: Teller) -> list[dict[str, Any]]:
    contract, resource = item.contract, item.resource
    licence = LICENCES.get(contract.licence, contract.licence)
    common = {"@type": "Distribution", "license": licence, "modified": _moment(item.release.created)}
    found: list[dict[str, Any]] = []
    for kind in offered(contract, resource.get("rowcount"), as_files=not teller.answers):
        title, media = MEDIA[kind]
        one: dict[str, Any] = {
            **common,
            "title": f"{contract.title} as {title}",
            "format": title,
            "mediaType": media,
            "downloadURL": f"{teller.address}{item.folder}{contract.dataset}.{kind}",
        }
        if kind == "parquet":
            # The file itself; the others are made while they are sent.
            algorithm, _, digest = str(resource["hash"]).partition(":")
            one["byteSize"] = str(resource["bytes"])
            one["checksum"] = {
                "@type": "Checksum",
                "algorithm": algorithm.upper().replace("SHA", "SHA-"),
                "checksumValue": digest,
            }
        found.append(one)
    if teller.answers:
        found.append({
            **common,
            "title": f"{contract.title}, rows by filter, as JSON",
            "description": "Answers of a programming interface; its description is at api/v1/openapi.json.",
            "format": "JSON",
            "mediaType": "application/json",
            "accessURL": f"{teller.address}api/v1/datasets/{contract.product}/{contract.dataset}/rows",
        })  # fmt: skip
    return found


def _temporal(item: Item) -> list[dict[str, str]]:
    """The days from the first to the last row, by the column that is watched, else by the first one that is always there."""
    contract = item.contract
    monitors = item.product.monitors(contract)
    dated = [column for column in contract.columns if column.logical_type in ("date", "timestamp")]
    wanted = [monitors.volume.column, monitors.freshness.column, *(column.name for column in dated if column.required)]
    found = spans(item.release)
    for name in wanted:
        if name in found:
            low, high = (_day(value) for value in found[name])
            if low and high:
                return [{"@type": "PeriodOfTime", "startDate": low, "endDate": high}]
    return []


def _spatial(item: Item) -> list[dict[str, Any]]:
    """The box around the points of the release, widened to hundredths of a degree."""
    point, found = item.contract.point, spans(item.release)
    if point is None or not all(name in found for name in point):
        return []
    (west, east), (south, north) = (found[name] for name in point)
    west, south = (math.floor(float(value) * 100) / 100 for value in (west, south))
    east, north = (math.ceil(float(value) * 100) / 100 for value in (east, north))
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return [{"@type": "Location", "bbox": {"type": "Polygon", "coordinates": [ring]}}]


def _day(value: Any) -> str:
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value).date().isoformat()
    return value.isoformat() if isinstance(value, date) else ""


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def how_often(schedule: str) -> str:
    """A cron line as one of the frequencies that the standard knows; `irregular` for what is none of them."""
    parts = schedule.split()
    if len(parts) != 5:
        return "unknown"
    minute, hour, day, month, weekday = parts
    if not minute.isdecimal():
        return "continual"
    if month != "*":
        return "annually" if month.isdecimal() and day.isdecimal() else "irregular"
    if day != "*":
        return "monthly" if day.isdecimal() and weekday == "*" else "irregular"
    if weekday != "*":
        return "weekly" if weekday.isalnum() else "irregular"
    return "daily" if hour.isdecimal() else "continual"
