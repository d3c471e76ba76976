"""The Socrata connector when the portal fails, over real HTTP: what passes leaves no trace, what stays is one line or a finding."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from civicops.ingest.fetch import fetch
from civicops.ingest.landing import Landing
from civicops.ingest.values import FetchError
from tests.unit.ingest.conftest import CASES, PRODUCT, QUICK, Portal, Rows, make_contract
from tests.unit.ingest.socrata_kit import CASE_FIELDS, checks, get, keys


@pytest.mark.parametrize("nth", [1, 3])
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "429", "retry_after": 0},
        {"kind": "429", "retry_after": "Wed, 21 Oct 2015 07:28:00 GMT"},
        {"kind": "500"},
        {"kind": "502"},
        {"kind": "503", "retry_after": None},
        {"kind": "timeout", "seconds": 2.0},
        {"kind": "truncated", "how": "length"},
        {"kind": "truncated", "how": "chunked"},
        {"kind": "truncated", "how": "gzip"},
        {"kind": "truncated", "how": "gzip", "keep": 0.0},
        {"kind": "reset"},
        {"kind": "html_200"},
        {"kind": "empty_page"},
    ],
    ids=lambda fault: "-".join(str(value) for value in fault.values()),
)
def test_a_passing_fault_changes_nothing(fault: dict[str, Any], nth: int, portal: Portal, landing: Landing) -> None:
    portal.keys()  # the portal makes its rows when they are first asked for; that is not what times out here
    portal.fault(nth=nth, **fault)
    patience = replace(QUICK, read=1.0) if fault["kind"] == "timeout" else QUICK
    delivery = fetch(portal.source(), landing, PRODUCT, patience=patience).delivery
    assert portal.struck() == 1
    assert delivery is not None and checks(delivery) == []
    assert sorted(keys(landing)) == sorted(portal.keys())


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("429", "429"),
        ("500", "500"),
        ("html_200", "a web page instead of data"),
        ("reset", "breaks the connection off"),
        ("truncated", "breaks the connection off"),
    ],
)
def test_a_fault_that_stays_is_one_line(kind: str, words: str, portal: Portal, landing: Landing) -> None:
    portal.fault(kind, nth=2, times=None, retry_after=0)
    with pytest.raises(FetchError) as caught:
        get(portal.source(), landing)
    assert words in str(caught.value) and "\n" not in str(caught.value) and caught.value.hint
    assert len(portal.pages()) == 1 + QUICK.attempts
    assert landing.live(PRODUCT, "cases") == ()
    portal.mend()
    assert get(portal.source(), landing).delivery is not None
    assert portal.pages().count(0) == 1, "the page that had landed is not fetched again"


def test_a_page_served_twice_is_asked_for_again(portal: Portal, landing: Landing) -> None:
    portal.fault("page_twice", nth=2)
    assert checks(get(portal.source(), landing).delivery) == []
    assert sorted(keys(landing)) == sorted(portal.keys())
    assert portal.pages() == [0, 100, 100, 200]


def test_a_page_served_twice_for_good_stops_and_is_fetched_afresh_next_time(portal: Portal, landing: Landing) -> None:
    portal.fault("page_twice", contains="$offset=100", times=None)
    delivery = get(portal.source(), landing).delivery
    assert delivery is not None and delivery.is_stopped
    assert checks(delivery) == [("page_repeated", "stop")]
    assert len(portal.pages()) <= 4 * QUICK.attempts, "a portal that is stuck is not asked for ever"
    portal.mend()
    result = get(portal.source(), landing)
    assert [item.kind for item in result.live] == ["full"] and checks(result.delivery) == []
    assert sorted(keys(landing)) == sorted(portal.keys())


def test_rows_that_stay_away_stop(portal: Portal, landing: Landing) -> None:
    portal.fault("empty_page", nth=2, times=None)
    delivery = get(portal.source(), landing).delivery
    assert checks(delivery) == [("count_mismatch", "stop")]
    assert delivery is not None and "says it has 300 rows" in delivery.findings[0].message


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_rows_updated_between_pages_are_fetched_after(nth: int, portal: Portal, landing: Landing) -> None:
    portal.fault("rows_updated_between_pages", nth=nth, rows=9)
    result = get(portal.source(), landing)
    assert [delivery.kind for delivery in result.live] == ["full", "increment"]
    assert checks(result.live[0]) == [("changed_during_fetch", "flag")]
    truth = httpx.get(f"{portal.url}/resource/{CASES}.csv", params={"$limit": "5000"}).text
    found = Rows(landing, CASE_FIELDS, "cases")
    newest: dict[str, Any] = {}
    for row in sorted(found.rows, key=lambda row: row["_delivery"]):
        newest[row["casenumber"]] = row["systemmodstamp"]
    assert {line for line in newest.values() if line not in truth} == set()
    assert set(newest) == set(portal.keys())


def test_rows_that_never_hold_still_end_in_a_delivery_to_go_on_from(portal: Portal, landing: Landing) -> None:
    portal.fault("rows_updated_between_pages", times=None, rows=3)
    result = get(portal.source(), landing)
    assert not any(delivery.is_stopped for delivery in result.live)
    portal.mend()
    get(portal.source(), landing)
    truth = httpx.get(f"{portal.url}/resource/{CASES}.json", params={"$limit": "5000"}).json()
    landed = {(row["casenumber"], row["systemmodstamp"]) for row in Rows(landing, CASE_FIELDS, "cases").rows}
    assert {(row["casenumber"], row["systemmodstamp"]) for row in truth} <= landed


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"kind": "column_renamed", "column": "status", "to": "state"}, {"column_unknown", "column_missing_required"}),
        ({"kind": "column_dropped", "column": "status"}, {"column_missing_required"}),
        ({"kind": "column_added", "column": "mood"}, {"column_unknown"}),
        ({"kind": "bom"}, set()),
    ],
    ids=lambda value: value.get("kind") if isinstance(value, dict) else "",
)
def test_layout_drift_is_counted(fault: dict[str, Any], expected: set[str], portal: Portal, landing: Landing) -> None:
    get(portal.source("before"), landing)
    names = {name: [name] for name in landing.live(PRODUCT, "before")[0].objects[0].shape.fields}
    portal.fault(times=None, **fault)
    get(portal.source("after"), landing)
    found = Rows(landing, make_contract(names, critical=["status"]), "after")
    assert {finding.check_id for finding in found.raw.findings} == expected
    assert {finding.count for finding in found.raw.findings} <= {300}
    assert {f.check_id for f in found.raw.findings if f.severity == "stop"} <= {"column_missing_required"}
    assert landing.live(PRODUCT, "after")[0].objects[0].shape.bom == (fault["kind"] == "bom")
    assert len(found.rows) == 300


def test_a_value_nobody_has_seen_lands_as_it_is(portal: Portal, landing: Landing) -> None:
    portal.fault("enum_grows", column="status", value="Teleported", share=0.2, times=None)
    get(portal.source(), landing)
    statuses = [row["status"] for row in Rows(landing, CASE_FIELDS, "cases").rows]
    assert 0 < statuses.count("Teleported") < 300


def test_latin1_pages_lose_no_row(portal: Portal, landing: Landing, tmp_path: Path) -> None:
    given = tmp_path / "names.csv"
    given.write_text("SRNumber,UpdatedDate,Owner\n1,01/01/2020 01:00:00 AM,Peña\n2,01/02/2020 01:00:00 AM,Smith\n")
    import simulators

    with simulators.serve(rows_per_year=20, files={"abcd-1234": given}) as server:
        other = Portal(server.url)
        other.fault("latin1", times=None)
        get(other.source(dataset_id="abcd-1234", update_column="updateddate"), landing)
    found = Rows(landing, make_contract({"n": ["srnumber"], "u": ["updateddate"], "o": ["owner"]}), "cases")
    assert [row["owner"] for row in found.rows] == ["Smith"]
    assert ["Pe\\xf1a" in text for _, _, _, text, _ in found.rejects] == [True]
    assert found.findings == {"text_not_utf8": 1}
    found.assert_conserved()
