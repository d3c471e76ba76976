"""The files of the page 'find food near me': what is in them, and what never is.

Belongs here: files from made-up releases. Does not belong here: the page in a browser (`tests/browser/test_find_food.py`).
"""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from civicops.errors import CivicopsError
from products.food_listings.hours import from_hsds, from_rows
from products.food_listings.pages.find_files import build
from products.food_listings.pages.find_files.listings import COLUMNS, FIELD_COLUMNS, NOT_SHOWN, SCHEDULE_COLUMNS
from tests.food_made import CANARIES, MOMENT, NAMED, areas, contracts, released
from tests.hsds_schema import problems_of_page

EXPECTED = {
    "places.json", "grounds.json", "downloads/food_listings.json", "downloads/food_listings.csv", "downloads/food_listings.hsds.json",
}  # fmt: skip


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("find")
    releases = {**released(folder / "releases"), "requests_311.areas": areas(folder / "others")}
    out = folder / "files"
    out.mkdir()
    build(releases, out)
    return out


def load(files: Path, name: str) -> Any:
    return json.loads((files / name).read_text(encoding="utf-8"))


def place(files: Path, number: int) -> dict[str, Any]:
    found: list[dict[str, Any]] = [one for one in load(files, "places.json")["places"] if one["id"] == f"made:{number}"]
    return found[0]


def test_all_files_are_there_and_the_same_every_time(files: Path, tmp_path: Path) -> None:
    assert {str(path.relative_to(files)) for path in files.rglob("*") if path.is_file()} == EXPECTED
    releases = {**released(tmp_path / "releases"), "requests_311.areas": areas(tmp_path / "others")}
    (tmp_path / "again").mkdir()
    build(releases, tmp_path / "again")
    for name in EXPECTED:
        assert (files / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


def test_no_private_contact_is_in_any_file(files: Path) -> None:
    for path in files.rglob("*"):
        if path.is_file():
            content = path.read_text(encoding="utf-8")
            assert not [canary for canary in CANARIES if canary in content], path


def test_every_public_column_is_shown_or_left_out_on_purpose_and_no_other_is_named() -> None:
    found = contracts()
    names = {dataset: {column.name for column in found[dataset].columns} for dataset in found}
    assert names["listings"] == {*COLUMNS, *NOT_SHOWN}
    assert set(FIELD_COLUMNS) == names["listing_fields"] - {"value_text"}
    assert set(SCHEDULE_COLUMNS) == names["listing_schedules"] - {"source_text"}
    private = names["listing_contacts"] - {"listing_id"}
    assert not private & {*COLUMNS, *FIELD_COLUMNS, *SCHEDULE_COLUMNS}
    assert all(found[name].access == "public" for name in ("listings", "listing_fields", "listing_schedules"))
    assert found["listing_contacts"].access == "restricted"


def test_a_missing_release_is_named(tmp_path: Path) -> None:
    releases = dict(released(tmp_path / "releases"))
    del releases["listing_fields"]
    with pytest.raises(CivicopsError, match="'listing_fields', which has no release") as raised:
        build(releases, tmp_path / "out")
    assert "civicops run food_listings" in (raised.value.hint or "")


def test_without_neighborhoods_the_page_has_none(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    build(released(tmp_path / "releases"), tmp_path / "out")
    assert load(tmp_path / "out", "grounds.json") == []


# What the page reads -----------------------------------------------------------------------------------------------------


def test_places(files: Path) -> None:
    content = load(files, "places.json")
    assert (content["format"], content["zone"], len(content["places"])) == (1, "America/Los_Angeles", len(NAMED))
    assert content["holidays"]["2026-11-26"] == ["Thanksgiving Day"]
    one = place(files, 1)
    assert one["name"] == "Juniper Street Pantry" and one["at"] == [-118.3, 34.02] and one["isPointSure"]
    assert one["hours"]["rules"] == [{"on": {"days": [[n, 0] for n in range(5)]}, "times": [540, 1020]}]
    assert one["foods"] == ["dry_goods", "produce"] and one["walkin"] is True and "appointment" not in one
    assert (one["fresh"], one["confirmed"]) == ("fresh", (MOMENT - timedelta(days=14)).date().isoformat())


def test_confirmed_that_there_is_none_is_not_unknown(files: Path) -> None:
    assert place(files, 2)["fields"]["email"][0] == "confirmed_none"
    assert place(files, 2)["fields"]["food_types"] == ["unknown", None, None, True]
    assert place(files, 7)["fields"]["hours"][0] == "unconfirmed" and place(files, 7)["fresh"] == "never"
    assert place(files, 9)["fields"]["hours"][0] == "confirmed_none" and "hours" not in place(files, 9)


def test_closed_places_say_so_and_a_place_without_a_point_is_listed(files: Path) -> None:
    assert (place(files, 5)["status"], place(files, 6)["status"]) == ("temporarily_closed", "closed")
    assert "status" not in place(files, 1)
    assert "at" not in place(files, 10) and place(files, 10)["reverifying"] is True


def test_neighborhoods(files: Path) -> None:
    grounds = load(files, "grounds.json")
    assert [one["name"] for one in grounds] == ["Harbor Hill", "Peña Park"]
    west, south = grounds[1]["at"]
    assert -118.26 < west < -118.2 and 34.0 < south < 34.06 and len(grounds[1]["rings"][0]) == 5


# Downloads ---------------------------------------------------------------------------------------------------------------


def test_json(files: Path) -> None:
    content = load(files, "downloads/food_listings.json")
    assert (content["listing_count"], content["licence"]) == (len(NAMED), "CC0-1.0")
    for listing, (row, schedule, _) in zip(
        content["listings"], sorted(NAMED, key=lambda one: one[0]["listing_id"]), strict=True
    ):
        assert listing["listing_id"] == row["listing_id"] and set(listing) == {*COLUMNS, "hours", "fields"}
        rows = listing["hours"]["schedules"]
        assert (from_rows(rows, schedule.text) if rows and schedule else None) == (schedule if rows else None)
    first = content["listings"][0]
    assert (
        first["hours"]["in_words"].startswith("Monday–Friday 9 am–5 pm")
        and "lunes" in first["hours"]["in_words_es"].lower()
    )
    assert set(first["fields"]["hours"]) == {
        "state_code",
        "confirmed_at",
        "role_code",
        "evidence_code",
        "is_stale",
        "is_critical",
    }


def test_csv_is_a_table_and_runs_no_formula(files: Path) -> None:
    raw = (files / "downloads" / "food_listings.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    assert len(rows) == len(NAMED)
    found = {row["listing_id"]: row for row in rows}
    assert found["made:11"]["name"] == "'=2+5+cmd|' /C calc'!A0"
    assert float(found["made:1"]["longitude"]) == -118.3, "a number with a sign stays a number"
    assert (
        found["made:2"]["email_state"] == "confirmed_none"
        and found["made:7"]["hours_in_words"] == "Hours vary, call first"
    )
    assert (
        found["made:3"]["opening_hours"] == "Sa[2,4] 10:00-12:00"
        and found["made:1"]["language_names"] == "English | Spanish"
    )
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "@", "+", "\t"))]


def test_hsds_is_valid(files: Path) -> None:
    page = load(files, "downloads/food_listings.hsds.json")
    assert problems_of_page(page) == []
    assert page["total_items"] == len(NAMED)


def test_hsds_says_what_the_listing_says(files: Path) -> None:
    services = {one["service_at_locations"][0]["location"]["external_identifier"]: one
                for one in load(files, "downloads/food_listings.hsds.json")["contents"]}  # fmt: skip
    one = services["made:1"]
    assert one["organization"]["name"] == "Juniper Neighbors" and one["organization_id"] == one["organization"]["id"]
    assert [(phone["number"], phone.get("extension")) for phone in one["phones"]] == [
        ("(213) 555-0001", 12),
        ("(213) 555-7001", None),
    ]
    assert one["assured_date"] == "2026-04-17" and one["status"] == "active"
    assert one["attributes"][0]["taxonomy_term"]["code"] == "food_pantry"
    assert "contacts" not in json.dumps(one)
    link = one["service_at_locations"][0]
    assert link["location"]["addresses"][0]["postal_code"] == "90012"
    assert all(schedule["service_at_location_id"] == link["id"] for schedule in link["schedules"])
    back, findings = from_hsds(link["schedules"], "America/Los_Angeles")
    assert not findings and [rule.times for rule in back.rules] == [rule.times for rule in (NAMED[0][1] or back).rules]
    assert (services["made:5"]["status"], services["made:6"]["status"]) == ("temporarily closed", "defunct")
    assert services["made:5"]["alert"] == "The roof is being mended until June."
    assert services["made:7"]["service_at_locations"][0]["schedules"][0]["description"] == "Hours vary, call first"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"id": "x"}, "page.contents[0].id is 'x', which is no uuid"), ({"status": "open"}, "page.contents[0].status is 'open'"),
        ({"name": ""}, "page.contents[0].name is missing"), ({"contact_name": "N"}, "page.contents[0].contact_name is no field of service"),
        ({"assured_date": "May"}, "page.contents[0].assured_date is 'May'"), ({"phones": [{}]}, "page.contents[0].phones[0].number is missing"),
    ],
)  # fmt: skip
def test_the_check_of_hsds_finds_what_is_wrong(files: Path, change: dict[str, Any], problem: str) -> None:
    page = load(files, "downloads/food_listings.hsds.json")
    page["contents"][0] |= change
    assert any(found.startswith(problem) for found in problems_of_page(page))
