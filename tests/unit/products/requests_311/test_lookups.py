"""The crosswalks: every code exists, every word once, both systems' known words covered."""

from __future__ import annotations

from collections import Counter

import pytest

Lookups = dict[str, list[dict[str, str]]]

# Words that the domain notes list for each system; a lookup that loses one would turn known rows into unmapped ones.
LEGACY_TYPES = {
    "Graffiti Removal", "Homeless Encampment", "Dead Animal Removal", "Bulky Items", "Electronic Waste", "Illegal Dumping Pickup",
    "Metal/Household Appliances", "Single Streetlight Issue", "Multiple Streetlight Issue", "Report Water Waste", "Other", "Feedback",
}  # fmt: skip
LEGACY_STATUSES = {"Open", "Pending", "Forward", "Closed", "Cancelled", "Referred Out"}
CASES_STATUSES = {
    "New", "Reported", "In Progress", "Workorder Created", "Closed", "Closed Ext-Referred", "Cancelled", "Potential Duplicate",
    "Duplicate Confirm",
}  # fmt: skip
CASES_TYPES = {
    "Item Pickups", "Illegal Dumping Item Pickup", "Graffiti Removal", "Homeless Encampment", "Streetlight Repair Services",
    "Dead Animal Removal", "Service Not Complete", "Information-Only", "Feedback", "Program Research",
}  # fmt: skip
LEGACY_OWNERS = {"BOS", "LASAN", "OCB", "BSL", "ITA", "LADWP", "BSS", "LADOT", "LAAS", "RAP", "BOE", "ENG", "LADBS"}


def words(rows: list[dict[str, str]], column: str) -> set[str]:
    return {row[column] for row in rows if row[column]}


def test_known_words_are_covered(lookups: Lookups) -> None:
    assert words(lookups["request_types"], "legacy_value") == LEGACY_TYPES
    assert words(lookups["request_types"], "cases_value") == CASES_TYPES
    assert words(lookups["statuses"], "legacy_value") == LEGACY_STATUSES
    assert words(lookups["statuses"], "cases_value") == CASES_STATUSES
    assert words(lookups["departments"], "legacy_value") == LEGACY_OWNERS
    assert len(words(lookups["request_sources"], "legacy_value")) == 18


@pytest.mark.parametrize(
    ("lookup", "code", "codes"),
    [
        ("request_types", "request_type_code", "request_type_codes"),
        ("statuses", "status_code", "status_codes"),
        ("departments", "department_code", "department_codes"),
        ("department_prefixes", "department_code", "department_codes"),
    ],
)
def test_codes_exist_and_are_said_once(lookups: Lookups, lookup: str, code: str, codes: str) -> None:
    known = [row[code] for row in lookups[codes]]
    assert not [item for item, count in Counter(known).items() if count > 1]
    assert "unmapped" in known
    assert words(lookups[lookup], code) <= set(known) - {"unmapped"}


@pytest.mark.parametrize("lookup", ["request_types", "statuses", "request_sources", "departments"])
@pytest.mark.parametrize("column", ["legacy_value", "cases_value"])
def test_no_word_has_two_codes(lookups: Lookups, lookup: str, column: str) -> None:
    said = Counter(" ".join(row[column].upper().split()) for row in lookups[lookup] if row[column])
    assert not [word for word, count in said.items() if count > 1]


def test_one_channel_code_means_one_thing(lookups: Lookups) -> None:
    meanings = {(row["source_code"], row["source_name"], row["is_crew"]) for row in lookups["request_sources"]}
    assert len(meanings) == len({row["source_code"] for row in lookups["request_sources"]})


def test_open_and_closed_are_defined_once(lookups: Lookups) -> None:
    for row in lookups["status_codes"]:
        assert not (row["is_open"] == "true" and row["is_closed"] == "true")
    closed = [row["status_code"] for row in lookups["status_codes"] if row["is_closed"] == "true"]
    assert closed == ["closed"], "cancelled, referred, filed and duplicate requests are not closed work"


def test_datasets_are_listed_once_and_in_their_era(lookups: Lookups) -> None:
    rows = lookups["socrata_datasets"]
    assert len({row["dataset_id"] for row in rows}) == len({row["name"] for row in rows}) == len(rows)
    assert {int(row["year"]) for row in rows if row["era"] == "legacy"} == set(range(2015, 2026))
    assert {int(row["year"]) for row in rows if row["era"] == "cases"} == {2025, 2026}


def test_only_encampments_are_sensitive(lookups: Lookups) -> None:
    assert [r["request_type_code"] for r in lookups["request_type_codes"] if r["is_sensitive"] == "true"] == [
        "homeless_encampment"
    ]
