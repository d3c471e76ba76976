"""What a reader of the map has to know: definitions and known gaps, in the words of the contracts.

Belongs here: choosing them from the descriptions of the releases. Does not belong here: words of its own about the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from civicops.release.values import Release

COLUMNS = (
    "created_on", "request_type_code", "status_code", "is_open", "is_closed", "is_resident_demand", "is_crew_logged",
    "is_information_only", "department_code", "council_code", "district_code", "hours_to_close", "is_sensitive",
)  # fmt: skip
PARAGRAPHS = ("about", "usage", "gaps")
"""The paragraphs of a release's description: what it is for, how to use it, what it lacks."""


def read_notes(releases: Mapping[str, Release]) -> list[dict[str, str]]:
    """Notes with `id`, `title` and `text`: of whole datasets (`requests_about`, `requests_gaps`, ...), of privacy, of columns."""
    notes: list[dict[str, str]] = []
    for dataset in ("requests", "time_to_close", "areas"):
        package = releases[dataset].package()
        for part, text in zip(PARAGRAPHS, str(package.get("description", "")).split("\n\n"), strict=False):
            if text:
                notes.append({"id": f"{dataset}_{part}", "title": str(package.get("title", dataset)), "text": text})
    package = releases["requests"].package()
    for rule in package.get("civicops", {}).get("privacy", ()):
        notes.append({"id": str(rule["id"]), "title": "Privacy", "text": str(rule["description"])})
    fields: dict[str, Any] = {field["name"]: field for field in package["resources"][0]["schema"]["fields"]}
    for name in COLUMNS:
        if name in fields:
            notes.append({"id": name, "title": str(fields[name]["title"]), "text": str(fields[name]["description"])})
    return notes
