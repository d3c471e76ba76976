"""The real lists of 2020: every row is read, what is found is what was measured, the labels are what they say.

Belongs here: figures on the samples, read in place. Does not belong here: made-up lists (`tests/flow/test_food_listings.py`).
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from bench import food_data, food_measures
from tests.conftest import REALDATA
from tests.flow.listings import Listings

SAMPLES = REALDATA / "foodoasis"
pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"no real samples in {SAMPLES}"),
    pytest.mark.xdist_group("food_real"),
]
ROWS = {"larfb": 1447, "lapl": 66, "open_la": 327, "info_211": 141}


def test_every_row_of_every_list_is_read() -> None:
    for code, count in ROWS.items():
        assert len(food_data.read_list(code, food_data.FILES[code])) == count, code
    assert len(food_data.april()) == 1742
    assert len(food_data.read_list("foodoasis", food_data.JUNE, "stakeholder_schedule_2020-06-01.csv")) == 301


@pytest.mark.parametrize(
    ("file", "layout", "rows"),
    [
        ("hi_stakeholder_agencies_raw.csv", "foodoasis", 67),
        ("hi_stakeholder_agencies_final.csv", "foodoasis", 67),
        ("hi_foodoasis_export.csv", "foodoasis_export", 67),
        ("_SAMPLE_new_stakeholder_entries.csv", "foodoasis", 40),
        ("template.csv", "foodoasis", 1),
    ],
)
def test_the_files_that_people_really_imported(file: str, layout: str, rows: int) -> None:
    """Defect 1 of the existing project: every upload failed and said nothing."""
    assert len(food_data.read_list(layout, f"hawaii_import/{file}")) == rows


def test_hours_of_every_week_and_by_column_are_not_lost() -> None:
    """Defect 3: rows of week 0 vanished."""
    every = sum(
        row["week_of_month"] == "0" and row["open"] != "" and row["open"] < row["close"]
        for row in food_data.table("stakeholder_schedule_2020-04-25.csv")
    )
    read = sum(
        len((rule["byday"] or "").split(","))
        for row in food_data.april()
        for rule in row.hours.rules
        if rule["freq"] == "WEEKLY"
    )
    assert every > 5_000 and read >= 0.97 * every


def test_no_point_is_at_zero_and_those_elsewhere_are_found() -> None:
    points = [
        (row.values["latitude"], row.values["longitude"])
        for row in food_data.april()
        if row.values["latitude"] is not None
    ]
    assert all(abs(lat) > 20 and lon < -100 for lat, lon in points)


def test_parse_rates_are_those_that_were_measured() -> None:
    rates = food_measures.parse_rates()
    assert rates["phones"].value > 0.99 and rates["streets"].value > 0.99
    assert rates["hours in rows"].value > 0.97 and rates["hours in words"].value > 0.80


def test_at_least_two_hundred_candidate_pairs_are_labelled_with_reasons() -> None:
    rows = food_data.labels()
    candidates = {
        (row["id_a"], row["id_b"]) for row in food_data.table("candidate_duplicates_2020-04-25_UNLABELLED.csv")
    }
    labelled = {(row["id_a"], row["id_b"]) for row in rows if row["stratum"] == "candidates"}
    assert labelled == candidates and len(labelled) >= 200
    assert Counter(row["label"] for row in rows).keys() == {"same", "different", "unsure"}
    assert all(len(row["reason"]) > 10 for row in rows)
    assert len({frozenset((row["id_a"], row["id_b"])) for row in rows}) == len(rows)


def test_duplicates_are_found_as_well_as_was_measured() -> None:
    found = food_measures.duplicates(0.8)
    assert found.recall.value > 0.85 and found.precision.value > 0.6
    assert found.recall.value > food_measures.equal_keys().recall.interval[1], (
        "better than equal name, address and zip code"
    )
    assert found.sampled.hits == 0


def test_changes_were_pointed_at_better_than_by_chance_and_by_the_plain_rule() -> None:
    assert food_measures.older_than_a_year().hits == 0, "the plain rule points at nothing: no listing was a year old"
    seen = food_measures.foresight(("phone", "hours", "inactive", "address_1", "zip", "email", "website", "name"))
    third = {name: shares[1].value for name, shares in seen.in_order.items()}
    assert third["risk"] > third["random"] and third["risk"] >= third["oldest first"]
    assert seen.any_field.value > 0.4


def test_the_real_lists_run_end_to_end(tmp_path: Path) -> None:
    here = Listings.at(tmp_path / "w")
    here.add(SAMPLES / food_data.JUNE, "foodoasis")
    for code, file in food_data.FILES.items():
        here.add(SAMPLES / file, code)
    record = here.run()
    assert record.status == "succeeded"
    accepted = {item["dataset"]: item for item in record.datasets if item["layer"] == "accepted"}["source_listings"]
    assert (accepted["rows_in"], accepted["accepted"], accepted["quarantined"]) == (
        sum(ROWS.values()) + 301,
        sum(ROWS.values()) + 301,
        0,
    )
    # All approvals are of 2020: they are in the history, and none is public any more.
    versions, public = (
        here.query("SELECT count(*) FROM {listing_versions}")[0][0],
        here.query("SELECT count(*) FROM {listings}")[0][0],
    )
    assert (
        versions == sum(row["verification_status_id"] == "4" for row in food_data.table(food_data.JUNE)) and public == 0
    )
    assert here.query("SELECT count(*) FROM {findings} WHERE check_code = 'name_test'")[0][0] >= 0
    states = dict(here.query("SELECT state_code, count(*) FROM {listing_states} GROUP BY 1"))
    assert states["expired"] == versions
