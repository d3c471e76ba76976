"""The Socrata connector against the simulated portal, over real HTTP: nothing missing, nothing twice, whatever goes wrong."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from civicops.ingest.fetch import fetch_all
from civicops.ingest.landing import Landing
from civicops.ingest.socrata import Probe, catalogue, parse_moment, probe, reach_back
from civicops.ingest.values import FetchError, SourceError
from tests.unit.ingest.conftest import CASES, PRODUCT, QUICK, Portal, Rows, make_contract
from tests.unit.ingest.socrata_kit import CASE_FIELDS, checks, get, keys


def test_all_rows_come_in_ordered_pages(portal: Portal, landing: Landing) -> None:
    result = get(portal.source(), landing)
    delivery = result.delivery
    assert delivery is not None and result.live == (delivery,)
    assert (delivery.kind, delivery.rows, delivery.source_count_before, delivery.source_count_after) == (
        "full",
        300,
        300,
        300,
    )
    assert [landed.rows for landed in delivery.objects] == [100, 100, 100]
    assert portal.pages() == [0, 100, 200]
    assert {item["query"]["$order"] for item in portal.log() if "$offset" in item["query"]} == {":id"}
    assert sorted(keys(landing)) == sorted(portal.keys())
    assert "x-soda2-fields" in delivery.objects[0].headers


def test_nothing_new_asks_one_small_question(portal: Portal, landing: Landing) -> None:
    get(portal.source(), landing)
    before = len(portal.log())
    result = get(portal.source(), landing)
    assert result.delivery is None and len(result.live) == 1
    assert [item["query"] for item in portal.log()[before:]] == [
        {"$select": "count(*) as n, max(systemmodstamp) as newest"}
    ]


def test_changes_come_as_an_increment_that_overlaps(portal: Portal, landing: Landing) -> None:
    first = get(portal.source(), landing).delivery
    day = portal.advance(rows=30, updates=10)
    result = get(portal.source(), landing)
    assert first is not None and first.high_water is not None and result.delivery is not None
    assert (result.delivery.kind, [delivery.kind for delivery in result.live]) == ("increment", ["full", "increment"])
    assert result.delivery.source_count_after == 330
    arrived = {row["casenumber"] for row in Rows(landing, CASE_FIELDS, "cases").rows if row["_delivery"] == 2}
    assert arrived >= set(day["inserted_keys"]) | set(day["updated_keys"])
    page = next(item for item in reversed(portal.log()) if "$offset" in item["query"])
    assert page["query"]["$where"] == f"systemmodstamp >= '{reach_back(first.high_water, portal.source().overlap)}'"
    assert page["query"]["$order"] == "systemmodstamp,:id"
    assert set(keys(landing)) == set(portal.keys())
    assert get(portal.source(), landing).delivery is None


def test_full_on_demand_supersedes_what_was(portal: Portal, landing: Landing) -> None:
    get(portal.source(), landing)
    portal.advance(rows=5, updates=0)
    get(portal.source(), landing)
    result = get(portal.source(), landing, full=True)
    assert [delivery.kind for delivery in result.live] == ["full"]
    assert result.live[0].rows == 305


def test_a_renamed_update_column_is_named(portal: Portal, landing: Landing) -> None:
    portal.fault("column_renamed", column="systemmodstamp", to="modified", times=None, lacks=None)
    with pytest.raises(FetchError, match="no column 'systemmodstamp' any more") as caught:
        get(portal.source(), landing)
    assert "update_column" in caught.value.hint


def test_fewer_rows_at_the_source_mean_everything_again(portal: Portal, landing: Landing, tmp_path: Path) -> None:
    import simulators

    def serve_rows(numbers: range) -> Any:
        given = tmp_path / "rows.csv"
        lines = [f"{number},01/{number:02d}/2020 01:00:00 AM" for number in numbers]
        given.write_text("\n".join(["SRNumber,UpdatedDate", *lines]) + "\n")
        return simulators.serve(rows_per_year=20, files={"abcd-1234": given})

    contract = make_contract({"n": ["srnumber"], "u": ["updateddate"]})
    with serve_rows(range(1, 21)) as server:
        get(Portal(server.url).source(dataset_id="abcd-1234", update_column="updateddate"), landing)
    with serve_rows(range(1, 15)) as server:
        result = get(Portal(server.url).source(dataset_id="abcd-1234", update_column="updateddate"), landing)
    assert checks(result.delivery) == [("count_shrank", "flag")]
    assert result.delivery is not None and result.delivery.findings[0].count == 6
    assert sorted(int(row["srnumber"]) for row in Rows(landing, contract, "cases").rows) == list(range(1, 15))


def test_rows_added_with_old_dates_are_not_missed(portal: Portal, landing: Landing, tmp_path: Path) -> None:
    import simulators

    contract = make_contract({"n": ["srnumber"], "u": ["updateddate"]})
    for days in ([20, 21], [1, 2, 3, 20, 21, 22]):
        given = tmp_path / "rows.csv"
        given.write_text("SRNumber,UpdatedDate\n" + "".join(f"{day},01/{day:02d}/2020 01:00:00 AM\n" for day in days))
        with simulators.serve(rows_per_year=20, files={"abcd-1234": given}) as server:
            get(Portal(server.url).source(dataset_id="abcd-1234", update_column="updateddate"), landing)
    assert {row["srnumber"] for row in Rows(landing, contract, "cases").rows} == {"1", "2", "3", "20", "21", "22"}
    assert [delivery.kind for delivery in landing.live(PRODUCT, "cases")] == ["full"]


def test_a_date_in_the_far_future_does_not_hide_changes(landing: Landing, tmp_path: Path) -> None:
    import simulators

    seen = []
    for last in (10, 12):
        given = tmp_path / "rows.csv"
        lines = [f"{day},01/{day:02d}/2020 01:00:00 AM" for day in (*range(1, 10), last)]
        given.write_text("\n".join(["SRNumber,UpdatedDate", "99,01/01/3020 12:00:00 AM", *lines]) + "\n")
        with simulators.serve(rows_per_year=20, files={"abcd-1234": given}) as server:
            source = Portal(server.url).source(dataset_id="abcd-1234", update_column="updateddate")
            result = get(source, landing)
            assert get(source, landing).delivery is None
        assert result.delivery is not None
        seen.append((result.delivery.kind, result.delivery.newest, result.delivery.high_water))
    assert seen == [
        ("full", "3020-01-01T00:00:00.000", "2020-01-10T01:00:00.000"),
        ("increment", "3020-01-01T00:00:00.000", "2020-01-12T01:00:00.000"),
    ]


def test_a_frozen_year_is_checked_and_fetched_whole_when_it_changed(portal: Portal, landing: Landing) -> None:
    source = portal.source(frozen_after=date(2026, 1, 1))
    now = datetime(2026, 8, 1, tzinfo=UTC)
    get(source, landing, now=now)
    assert get(source, landing, now=now).delivery is None
    portal.advance(rows=2, updates=1)
    result = get(source, landing, now=now)
    assert [delivery.kind for delivery in result.live] == ["full"]
    assert checks(result.delivery) == [("frozen_changed", "flag")]


def test_the_same_batch_three_times_in_any_order_changes_nothing(portal: Portal, landing: Landing) -> None:
    get(portal.source(), landing)
    day = portal.advance(rows=3, updates=3)
    get(portal.source(), landing)
    once = {(row["casenumber"], row["systemmodstamp"]) for row in Rows(landing, CASE_FIELDS, "cases").rows}
    stored = {path.name for path in landing.root.rglob("*.zst")}
    full, increment = landing.live(PRODUCT, "cases")
    for objects, kind in (
        (increment.objects, "increment"),
        (full.objects, "increment"),
        (increment.objects, "increment"),
    ):
        part = landing.begin(PRODUCT, "cases", {})
        for landed in objects:
            with landing.open_bytes(PRODUCT, "cases", landed) as stream:
                again = landing.put(PRODUCT, "cases", stream.read(), "csv", url=landed.url)
            assert (again.sha256, again.first_seen) == (landed.sha256, False)
            part = landing.add(part, again)
        landing.complete(part, part.delivery(kind=kind))  # type: ignore[arg-type]
    assert {path.name for path in landing.root.rglob("*.zst")} == stored
    assert {(row["casenumber"], row["systemmodstamp"]) for row in Rows(landing, CASE_FIELDS, "cases").rows} == once
    assert set(day["inserted_keys"]) <= {key for key, _ in once}


def test_a_portal_that_is_down_is_one_line(landing: Landing) -> None:
    with pytest.raises(FetchError) as caught:
        get(Portal("http://127.0.0.1:9").source(), landing)
    assert "cannot be reached" in str(caught.value) and "\n" not in str(caught.value)


def test_an_unknown_dataset_and_wrong_names_say_what_to_correct(portal: Portal, landing: Landing) -> None:
    with pytest.raises(FetchError, match="has no dataset zzzz-9999"):
        get(portal.source(dataset_id="zzzz-9999"), landing)
    for wrong in (
        {"dataset_id": "../admin"},
        {"update_column": "a; drop"},
        {"base_url": "ftp://x"},
        {"base_url": "http://u:p@h"},
    ):
        with pytest.raises(SourceError):
            get(portal.source(**wrong), landing)


def test_several_sources_are_asked_at_once(portal: Portal, landing: Landing) -> None:
    sources = [portal.source("cases"), portal.source("old", dataset_id="pvft-t768", update_column="updateddate")]
    said = probe([*sources, portal.source("gone", dataset_id="zzzz-9999")], patience=QUICK)
    assert isinstance(said["cases"], Probe) and said["cases"].count == 300
    assert isinstance(said["gone"], FetchError)
    results = fetch_all(sources, landing, PRODUCT, patience=QUICK)
    assert [result.delivery.rows for result in results.values() if result.delivery] == [300, 300]
    before = len(portal.log())
    again = fetch_all(sources, landing, PRODUCT, patience=QUICK)
    assert [result.delivery for result in again.values()] == [None, None]
    assert len(portal.log()) - before == 2


def test_the_catalogue_is_searched(portal: Portal) -> None:
    found = {entry.id: entry for entry in catalogue(portal.url, "MyLA311 Cases 2026", patience=QUICK)}
    assert found[CASES].name == "MyLA311 Cases 2026"
    assert parse_moment(found[CASES].updated_at) is not None


def test_progress_counts_rows(portal: Portal, landing: Landing) -> None:
    told: list[tuple[str, object]] = []

    class Told:
        def start(self, label: str, total: int | None) -> None:
            told.append((label, total))

        def advance(self, rows: int) -> None:
            told.append(("rows", rows))

        def done(self) -> None:
            told.append(("done", None))

    get(portal.source(), landing, progress=Told())
    assert told == [("cases", 300), ("rows", 0), ("rows", 100), ("rows", 100), ("rows", 100), ("done", None)]


def test_manifests_are_plain_json_that_people_can_read(portal: Portal, landing: Landing) -> None:
    delivery = get(portal.source(), landing).delivery
    (path,) = landing.root.rglob("*.json")
    found = json.loads(path.read_text())
    assert delivery is not None and path.name == f"00000001-{delivery.id}.json"
    assert found["objects"][1]["url"].startswith(f"{portal.url}/resource/{CASES}.csv?")
    assert [item["rows"] for item in found["objects"]] == [100, 100, 100]
    assert landing.deliveries(PRODUCT, "cases") == (delivery,)
