"""Ten defects of the existing project, each as a test that it is not one here. The number is that of the list in the issue's
domain file.

Defect 1 (no upload works) and 3 are also tested on the files people really imported (`tests/data/test_food_real.py`), 10 end
to end (`tests/flow/test_food_listings.py`).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from civicops.orchestrate.gathering import Gathering
from civicops.orchestrate.importing import take_in
from civicops.release.store import ReleaseStore
from civicops.workspace import Product
from products.food_listings.cleaning.hours_text import clean_hours
from products.food_listings.cleaning.lists import Lookups
from products.food_listings.cleaning.notes import Notes
from products.food_listings.cleaning.row import clean_row
from products.food_listings.hours import from_rows, open_now
from products.food_listings.outside.geocoding import _question
from products.food_listings.places import ServiceArea
from products.food_listings.workflow import Step, critical, fold

ZONE = "America/Los_Angeles"
TEMPLATE = "id,name,address1,city,state,zip,latitude,longitude,selectedCategoryIds,hoursWeek1,hoursWeekLast,hours,claimedDate,createdDate\n"


@pytest.fixture
def given(tmp_path: Path, product: Product) -> Gathering:
    return Gathering(
        tmp_path / "gathered",
        tmp_path,
        product,
        {},
        ReleaseStore(tmp_path / "releases"),
        datetime(2026, 11, 1, tzinfo=UTC),
    )


def imported(given: Gathering, product: Product, text: str, layout: str, list_code: str = "") -> list[dict[str, Any]]:
    path = given.root / f"{list_code or layout}.csv"
    path.write_text(text, encoding="utf-8")
    take_in(
        product, product.contract("source_listings"), path, layout=layout, list_code=list_code or layout, given=given
    )
    return [row for row in given.rows("lists") if row["source_code"] == (list_code or layout)]


def test_1_an_import_takes_in_what_it_is_given(given: Gathering, product: Product) -> None:
    rows = imported(
        given, product, TEMPLATE + '1,Alder,1 Mill Ln,Pomona,CA,91766,34.0,-117.7,"1,9",,,,,\n', "foodoasis"
    )
    assert [(row["name"], row["categories"]) for row in rows] == [("Alder", "1,9")]


def test_2_geocoders_are_asked_with_the_street_and_no_failure_is_a_point(lookups: Lookups) -> None:
    row = {
        "source_code": "x",
        "source_id": "1",
        "name": "Alder",
        "address_1": "12 Mill Lane",
        "city": "Pomona",
        "postal_code": "91766",
        "latitude": "-117.7",
        "longitude": "34.05",
    }
    done = clean_row(row, lookups)
    question = _question(done)
    assert (question.street, question.key) == ("12 Mill Ln", "12 mill ln, pomona, ca, 91766")
    assert (done.values["latitude"], done.values["longitude"]) == (34.05, -117.7), "swapped, and put right"
    assert clean_row({**row, "latitude": "0", "longitude": "0"}, lookups).values["latitude"] is None


def test_3_every_week_and_the_last_of_the_month_are_read(given: Gathering, product: Product, lookups: Lookups) -> None:
    text = (
        TEMPLATE
        + '1,Alder,1 Mill Ln,Pomona,CA,91766,,,1,"(Mon,10:00,15:00)","(Fri,9:00,11:00)","(0,Wed,08:00,09:00)",,\n'
    )
    rules = clean_row(imported(given, product, text, "foodoasis")[0], lookups).hours.rules
    assert {(rule["freq"], rule["byday"]) for rule in rules} == {
        ("WEEKLY", "WE"),
        ("MONTHLY", "1MO"),
        ("MONTHLY", "-1FR"),
    }


def test_4_replacing_one_list_leaves_the_others_alone(given: Gathering, product: Product) -> None:
    other = imported(
        given,
        product,
        TEMPLATE + '1,Alder,1 Mill Ln,Pomona,CA,91766,,,1,,,"(0,Wed,08:00,09:00)",,\n',
        "foodoasis",
        "first",
    )
    imported(given, product, TEMPLATE + "2,Birch,2 Mill Ln,Pomona,CA,91766,,,1,,,,,\n", "foodoasis", "second")
    replaced = imported(
        given, product, TEMPLATE + "3,Cedar,3 Mill Ln,Pomona,CA,91766,,,1,,,,,\n", "foodoasis", "second"
    )
    assert [row["source_id"] for row in replaced] == ["3"], "replaced, and not inserted twice"
    assert [row for row in given.rows("lists") if row["source_code"] == "first"] == other


def test_5_a_listing_that_moves_moves_to_another_area() -> None:
    def square(code: str, west: float) -> dict[str, str]:
        ring = [[west, 34.0], [west + 0.1, 34.0], [west + 0.1, 34.1], [west, 34.1], [west, 34.0]]
        return {
            "area_code": code,
            "area_name": code,
            "geometry": json.dumps({"type": "Polygon", "coordinates": [ring]}),
        }

    area = ServiceArea.of([square("west", -118.3), square("east", -118.2)], (0, 0, 0, 0), "US")
    assert (area.code(34.05, -118.25), area.code(34.05, -118.15), area.code(35.0, -118.15)) == ("west", "east", None)


def test_6_each_date_and_flag_is_read_from_its_own_column(given: Gathering, product: Product, lookups: Lookups) -> None:
    row = imported(
        given, product, TEMPLATE + "1,Alder,1 Mill Ln,Pomona,CA,91766,,,1,,,,2026-05-01,2020-01-01\n", "foodoasis"
    )[0]
    assert clean_row(row, lookups).dates == {
        "claimed": datetime(2026, 5, 1, tzinfo=UTC),
        "created": datetime(2020, 1, 1, tzinfo=UTC),
    }
    export = "ID,Name,Closed Permanently,Closed for COVID,Address,City,State,Zip,Category\n1,Alder,false,true,1 Mill Ln,Pomona,CA,91766,Food Pantry\n"
    assert (
        clean_row(imported(given, product, export, "foodoasis_export")[0], lookups).values["status_code"]
        == "temporarily_closed"
    )


def test_7_the_first_friday_is_the_first_friday() -> None:
    rules = clean_hours({"hours": "(1,Fri,09:00,11:00)"}, ZONE, Notes()).rules
    schedule = from_rows(rules)
    assert open_now(schedule, datetime(2026, 1, 2, 18, 0, tzinfo=UTC)), "10 in the morning of Friday 2 January 2026"
    assert not open_now(schedule, datetime(2026, 1, 9, 18, 0, tzinfo=UTC))


def test_8_points_of_the_library_are_kept(given: Gathering, product: Product, lookups: Lookups) -> None:
    text = 'name,addr,phone,population_served,resource_categories,general_resources,additional_offerings,lat,lon\nAlder,"1 Mill Lane, Pomona, CA 91766",,All,Food,Meals,,34.05,-117.7\n'
    values = clean_row(imported(given, product, text, "lapl")[0], lookups).values
    assert (values["latitude"], values["longitude"], values["city"]) == (34.05, -117.7, "Pomona")


def test_9_who_enters_does_not_approve_and_nobody_their_own() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    steps = [
        Step("1", "l", "submitted", now, "data_entry", "ana", {"name": "Alder"}),
        Step("2", "l", "approved", now, "data_entry", "ben"),
        Step("3", "l", "approved", now, "coordinator", "ana"),
    ]
    assert fold(steps)["l"].versions == []


def test_10_the_date_of_approval_stays() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    state = fold(
        [
            Step("1", "l", "approved", now, "coordinator", "ana", {"name": "Alder"}),
            Step("2", "l", "needs_verification", now, "coordinator", "ana"),
        ]
    )["l"]
    assert state.code == "needs_verification" and state.current is not None and state.current.approved_at == now


def test_the_share_of_critical_fields_has_one_denominator(lookups: Lookups) -> None:
    """The existing project divides by six when a listing is made and by seven when it is changed."""
    one = critical(lookups.critical, {"status_code": "active"}, ["name"])
    assert one.share == pytest.approx(1 / 8, abs=1e-4)
