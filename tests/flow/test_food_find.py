"""The page 'find food near me' from lists that came in: what the run published is what people are shown, and nothing private.

Belongs here: from lists to the page's files. Does not belong here: the page in a browser (`tests/browser/test_find_food.py`), the
lists (`test_food_listings.py`).
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from civicops.portal.drawing import find_page
from products.food_listings.hours import from_rows
from tests.flow.listings import NAME, Listings, made_up
from tests.hsds_schema import problems_of_page

pytestmark = pytest.mark.xdist_group("food_listings_find")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Listings:
    found, _ = made_up(tmp_path_factory.mktemp("food-find"), places=60)
    assert found.run().status == "succeeded"
    return found


@pytest.fixture(scope="module")
def files(here: Listings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    page, releases = find_page(here.workspace, here.workspace.product(NAME), "find")
    out = tmp_path_factory.mktemp("files")
    assert page.page.build is not None and "listing_contacts" not in releases, "a public page is given public releases"
    page.page.build(releases, out)
    return out


def test_every_public_listing_is_on_the_page_with_its_hours(here: Listings, files: Path) -> None:
    places = json.loads((files / "places.json").read_text(encoding="utf-8"))["places"]
    assert [one["id"] for one in places] == [
        row[0] for row in here.query("SELECT listing_id FROM {listings} ORDER BY 1")
    ]
    assert len(places) > 20
    with_rows = {row[0] for row in here.query("SELECT DISTINCT listing_id FROM {listing_schedules}")}
    assert {one["id"] for one in places if one.get("hours", {}).get("rules")} == with_rows
    assert all(one["fields"]["hours"][0] in ("confirmed", "confirmed_none", "unconfirmed", "unknown") for one in places)


def test_downloads_are_whole(here: Listings, files: Path) -> None:
    content = json.loads((files / "downloads" / "food_listings.json").read_text(encoding="utf-8"))
    count = here.query("SELECT COUNT(*) FROM {listing_schedules}")[0][0]
    assert sum(len(one["hours"]["schedules"]) for one in content["listings"]) == count > 0
    assert all(from_rows(one["hours"]["schedules"]).rules for one in content["listings"] if one["hours"]["schedules"])
    assert (
        problems_of_page(json.loads((files / "downloads" / "food_listings.hsds.json").read_text(encoding="utf-8")))
        == []
    )


def test_nothing_of_private_contacts_is_in_any_file(here: Listings, files: Path) -> None:
    columns = [
        row[0]
        for row in here.query(
            "SELECT column_name FROM (DESCRIBE SELECT * EXCLUDE (listing_id, email_all) FROM {listing_contacts})"
        )
    ]
    private = {
        value for column in columns for (value,) in here.query(f"SELECT DISTINCT {column} FROM {{listing_contacts}} WHERE {column} <> ''")
    }  # fmt: skip
    assert private, "there is something to hide"
    for path in files.rglob("*"):
        if path.is_file():
            content = path.read_text(encoding="utf-8")
            assert not [value for value in private if value in content], path
