"""The 311 product when time passes: what is asked for again, what changes, and that it ends where a fresh fetch ends.

Belongs here: runs on a portal that moves on, one of them with every fault that passes by itself. Does not belong here: faults that
stay (`test_requests_311_faults`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

import simulators
from civicops.release.diff import diff
from civicops.runs import RunRecord
from tests.flow.city import KEYS, NAME, NEWEST, PUBLISHED, ROWS, Base, City, Portal, is_page, lookup, make_city

pytestmark = pytest.mark.xdist_group("requests_311")

# One for each dataset, in the middle of its pages.
PASSING: dict[str, tuple[str, dict[str, Any]]] = {
    "ms7h-a45h": ("429", {"retry_after": 1}),
    "ndkd-k878": ("500", {}),
    "d4vt-q4t5": ("timeout", {"seconds": 0.3}),
    "h65r-yf5i": ("truncated", {"how": "length"}),
    "pvft-t768": ("truncated", {"how": "gzip"}),
    "rq3b-xjk8": ("reset", {}),
    "97z7-y5bt": ("page_twice", {}),
    "i5ke-k6by": ("empty_page", {}),
    "4a4x-mna2": ("html_200", {}),
    "b7dx-7gc3": ("503", {"retry_after": None}),
    NEWEST: ("rows_updated_between_pages", {"rows": 7}),
}


def listed() -> dict[str, dict[str, str]]:
    """The product's own list of datasets, by dataset id."""
    return {row["dataset_id"]: row for row in lookup("socrata_datasets")}


@dataclass(frozen=True)
class Moved:
    """Before and after some days: what the portal served, a workspace that went along, one made afresh, one made meanwhile."""

    before: dict[str, dict[str, dict[str, str]]]
    """Dataset id -> request number -> row."""
    after: dict[str, dict[str, dict[str, str]]]
    inserted: set[str]
    early: City
    record: RunRecord
    asked: list[dict[str, Any]]
    """What the workspace that went along asked the portal for."""
    fresh: City
    fresh_record: RunRecord
    shaken: City
    shaken_record: RunRecord
    struck: dict[str, int]


@pytest.fixture(scope="module")
def moved(base: Base, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moved]:
    root = tmp_path_factory.mktemp("moved")
    with simulators.serve(rows_per_year=ROWS, anonymous_limit=None) as server:
        portal = Portal(server.url)

        def served() -> dict[str, dict[str, dict[str, str]]]:
            found = {}
            for dataset_id, row in listed().items():
                key = KEYS[row["era"]]
                # Of rows that stand there twice, the later version; the copies themselves are never touched.
                rows = sorted(
                    portal.rows(dataset_id),
                    key=lambda row: datetime.strptime(row["UpdatedDate"], "%m/%d/%Y %I:%M:%S %p"),
                )
                found[dataset_id] = {row[key]: row for row in rows}
            return found

        before = served()
        report = portal.advance(days=2, rows=40, updates=30)
        for dataset_id, (kind, how) in PASSING.items():
            portal.fault(kind, dataset_id, contains=".csv", nth=2, **how)
        portal.fault("502", "h73f-gn57", contains="count(*)")
        shaken = make_city(root / "shaken", portal.url)
        shaken_record = shaken.run()
        struck = portal.struck()
        portal.mend()
        after = served()
        mark = len(portal.log())
        early = base.city.copy(root / "early").point(portal.url)
        record = early.run()
        asked = portal.log(mark)
        fresh = make_city(root / "fresh", portal.url)
        fresh_record = fresh.run()
        inserted = set(report[NEWEST]["inserted_keys"])
        yield Moved(before, after, inserted, early, record, asked, fresh, fresh_record, shaken, shaken_record, struck)


def changed(moved: Moved) -> dict[str, set[str]]:
    """Dataset id -> numbers of requests that the portal now describes otherwise."""
    return {
        dataset_id: {key for key, row in rows.items() if row != moved.after[dataset_id][key]}
        for dataset_id, rows in moved.before.items()
    }


def test_a_second_run_asks_only_how_many_rows_there_are(base: Base, portal: Portal, tmp_path: Path) -> None:
    city = base.city.copy(tmp_path)
    mark = len(portal.log())
    record = city.run()
    asked = portal.log(mark)
    assert record.status == "unchanged" and set(record.steps) == {"fetch"}
    assert [entry["query"] for entry in asked if is_page(entry)] == []
    probes = [entry for entry in asked if entry["route"] == "resource"]
    assert {entry["dataset"] for entry in probes} == set(listed())
    assert all("count(*)" in entry["query"]["$select"] for entry in probes)
    # One question per dataset, and one more where a placeholder date lies in the future.
    assert len(probes) <= 2 * len(listed())
    assert city.hashes() == base.city.hashes()


def test_only_what_changed_is_fetched(moved: Moved) -> None:
    today = datetime.now(UTC).date()
    touched = {dataset_id for dataset_id, keys in changed(moved).items() if keys} | {NEWEST}
    assert len(touched) == 4
    pages: dict[str, list[dict[str, Any]]] = {}
    for entry in moved.asked:
        if is_page(entry):
            pages.setdefault(entry["dataset"], []).append(entry)
    assert set(pages) == touched
    for dataset_id, entries in pages.items():
        row = listed()[dataset_id]
        # A year that should stand still by now is not trusted with an increment when it does not.
        is_frozen = today > date(int(row["year"]) + 2, 6, 30)
        assert all(("$where" in entry["query"]) != is_frozen for entry in entries), row["name"]
        if not is_frozen:
            needed = changed(moved)[dataset_id] | (moved.inserted if dataset_id == NEWEST else set())
            assert len(needed) <= sum(entry["rows"] for entry in entries) < len(moved.after[dataset_id])
    frozen = [finding for finding in moved.record.findings if finding["check_id"] == "frozen_changed"]
    assert len(frozen) == sum(today > date(int(listed()[dataset_id]["year"]) + 2, 6, 30) for dataset_id in touched)


def test_the_diff_of_the_releases_is_what_the_portal_changed(moved: Moved) -> None:
    old, new = moved.early.releases.versions(NAME, "requests")
    with duckdb.connect() as con:
        found = diff(con, old, new, sample=100_000)
    keys = {
        kind: {dict(row.key)["request_id"] for row in found.samples if row.kind == kind}
        for kind in ("added", "removed", "changed")
    }
    expected = {key for numbers in changed(moved).values() for key in numbers}
    assert len(moved.inserted) == 40 and len(expected) > 30
    assert keys == {"added": moved.inserted, "removed": set(), "changed": expected}
    assert (found.added, found.removed, found.changed) == (len(moved.inserted), 0, len(expected))
    assert {item.column for item in found.columns} >= {"updated_at"}


def test_going_along_ends_in_the_same_bytes_as_fetching_everything(moved: Moved, base: Base) -> None:
    assert set(moved.fresh.hashes()) == PUBLISHED
    assert moved.early.hashes() == moved.fresh.hashes()
    assert moved.fresh.hashes()["requests"] != base.city.hashes()["requests"]


def test_faults_that_pass_leave_no_trace(moved: Moved) -> None:
    """A run in which each dataset failed once, and rows already fetched changed meanwhile, ends in the same bytes."""
    assert set(moved.struck.values()) == {1} and len(moved.struck) == len(PASSING) + 1
    assert moved.shaken.hashes() == moved.fresh.hashes()
    found = {finding["check_id"] for finding in moved.shaken_record.findings}
    assert found - {finding["check_id"] for finding in moved.fresh_record.findings} == {"changed_during_fetch"}
