"""The 311 product when the portal fails or changes, and runs are killed.

Belongs here: whole runs over HTTP, each held against an undisturbed one, byte by byte. Does not belong here: what an undisturbed run
finds (`test_requests_311`), time that passes and faults that pass (`test_requests_311_time`), the connector by itself (`tests/unit/ingest`).
"""

from __future__ import annotations

import csv
import io
import os
import random
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest

import simulators
from civicops.errors import CivicopsError
from civicops.ingest.values import FetchError
from civicops.orchestrate.quarantine import held_rows
from civicops.orchestrate.steps import StoppedError
from civicops.runs import RunRecord
from tests.flow.city import (
    ERAS,
    NAME,
    NEWEST,
    PUBLISHED,
    ROWS,
    TOKEN,
    Base,
    City,
    Portal,
    counts,
    dataset,
    findings,
    is_page,
    make_city,
)

pytestmark = pytest.mark.xdist_group("requests_311")
CANARY = "canary-token-8d1f"


# Faults that stay -----------------------------------------------------------------------------------------------------


def test_a_portal_that_is_down_or_only_talks_to_people_is_one_line(base: Base, portal: Portal, tmp_path: Path) -> None:
    """Both at once, because each is asked patiently before it is given up."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{free.getsockname()[1]}"
    portal.fault("html_200", NEWEST, route="resource", times=None)
    cities = {
        "a web page instead of data": base.city.copy(tmp_path / "html"),
        "cannot be reached": base.city.copy(tmp_path / "down").point(nowhere, only=["requests_2018", "cases_2026"]),
    }

    def fails(city: City) -> CivicopsError:
        with pytest.raises(CivicopsError) as caught:
            city.run()
        return caught.value

    with ThreadPoolExecutor(2) as pool:
        errors = dict(zip(cities, pool.map(fails, cities.values()), strict=True))
    for words, error in errors.items():
        assert words in error.message and "\n" not in error.message and error.hint
        city = cities[words]
        assert city.hashes() == base.city.hashes()
        newest = next(city.log.runs(NAME))
        assert (newest.status, newest.message) == ("failed", error.message)


def test_a_wrong_token_is_named_by_its_variable_and_never_shown(
    base: Base, portal: Portal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    city = base.city.copy(tmp_path)
    monkeypatch.setenv("SOCRATA_APP_TOKEN", CANARY)
    mark = len(portal.log())
    with pytest.raises(CivicopsError, match="SOCRATA_APP_TOKEN") as caught:
        city.run()
    assert {entry["token"] for entry in portal.log(mark) if entry["route"] == "resource"} == {"unknown"}
    assert caught.value.hint and CANARY not in f"{caught.value!r} {caught.value} {caught.value.hint}"
    assert files_with(city.var, CANARY) == []
    assert city.hashes() == base.city.hashes()


def test_a_good_token_is_used_and_stands_in_no_file(base: Base, portal: Portal) -> None:
    used = {entry["token"] for entry in portal.log() if is_page(entry)}
    assert "known" in used
    assert files_with(base.city.var, TOKEN) == []
    assert files_with(base.city.var, "createdbyuserorganization"), (
        "what lies packed in the landing zone is looked through"
    )


def files_with(folder: Path, text: str) -> list[Path]:
    """The files under a folder that hold a text, as they are or unpacked."""
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if path.suffix == ".zst":
            with pa.input_stream(str(path), compression="zstd") as stream:
                content += stream.read()
        if text.encode() in content:
            found.append(path)
    return found


# The portal changes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "dataset_id", "fault", "words"),
    [
        ("requests_2018", "h65r-yf5i", {"kind": "column_dropped", "column": "status"}, "status"),
        ("requests_2018", "h65r-yf5i", {"kind": "column_dropped", "column": "srnumber"}, "sr_number"),
        ("cases_2026", NEWEST, {"kind": "column_renamed", "column": "type", "to": "kind"}, "request_type"),
        ("cases_2026", NEWEST, {"kind": "column_dropped", "column": "systemmodstamp"}, "systemmodstamp"),
    ],
    ids=["status-dropped", "key-dropped", "type-renamed", "update-time-dropped"],
)
def test_a_column_that_is_needed_and_gone_stops_the_run(
    base: Base, portal: Portal, tmp_path: Path, source: str, dataset_id: str, fault: dict[str, Any], words: str
) -> None:
    city = base.city.copy(tmp_path).point(portal.url, only=[source])
    portal.fault(dataset=dataset_id, times=None, **fault)
    with pytest.raises((StoppedError, FetchError), match=words) as caught:
        city.run(full=True)
    assert caught.value.hint
    assert city.hashes() == base.city.hashes()
    assert next(city.log.runs(NAME)).status == "failed"


def test_after_the_column_came_back_a_full_run_goes_on(base: Base, portal: Portal, tmp_path: Path) -> None:
    """The page without it has landed and is not forgotten; a whole delivery takes its place."""
    city = base.city.copy(tmp_path)
    portal.fault("column_dropped", "h65r-yf5i", column="status", times=None)
    with pytest.raises(StoppedError, match="status"):
        city.run(full=True)
    portal.mend()
    assert city.run(full=True).status == "succeeded"
    assert city.hashes() == base.city.hashes()


@dataclass(frozen=True)
class Drifted:
    """A portal whose datasets have changed in ways that must not stop anything, and a run on it."""

    record: RunRecord
    city: City
    teleported: int
    accented: list[str]
    """Numbers of the requests of 2020 with letters beyond ASCII, one per row."""
    copied: str
    original: str


@pytest.fixture(scope="module")
def drifted(base: Base, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drifted]:
    root = tmp_path_factory.mktemp("drifted")
    accented = [row["SRNumber"] for row in base.served["rq3b-xjk8"] if not "".join(row.values()).isascii()]
    # A record of the old system that the new one holds as well.
    last = [dict(row) for row in base.served["h73f-gn57"]]
    planted = {key for keys in base.truth["73a2-6ar5"]["planted"].values() for key in keys}
    case = next(
        row
        for row in base.served["73a2-6ar5"]
        if row["RequestType"] == "Graffiti Removal" and row["Latitude"] and row["CaseNumber"] not in planted
        and datetime.strptime(row["CreatedDate"], "%m/%d/%Y %I:%M:%S %p") < datetime(2025, 9, 1)
    )  # fmt: skip
    copied = "1-9999999999"
    shared = ("CreatedDate", "UpdatedDate", "ClosedDate", "RequestType", "Address", "ZipCode", "Latitude", "Longitude")
    last.append(
        dict.fromkeys(last[0], "")
        | {name: case[name] for name in shared}
        | {"SRNumber": copied, "Status": "Closed", "RequestSource": "Mobile App", "Owner": "OCB"}
    )
    files = {"h73f-gn57": write_csv(root / "2025.csv", last)}
    with simulators.serve(rows_per_year=ROWS, anonymous_limit=None, files=files) as server:
        portal = Portal(server.url)
        for kind, dataset_id, how in (
            ("column_added", "ndkd-k878", {"column": "mood", "value": "fine"}),
            ("column_renamed", "d4vt-q4t5", {"column": "policeprecinct", "to": "precinct"}),
            ("enum_grows", "h65r-yf5i", {"column": "status", "value": "Teleported", "share": 0.05}),
            ("bom", "pvft-t768", {}),
            ("latin1", "rq3b-xjk8", {}),
        ):
            portal.fault(kind, dataset_id, contains=".csv", times=None, **how)
        page = httpx.get(f"{portal.url}/resource/h65r-yf5i.csv", params={"$limit": "5000"}).text
        teleported = sum(row["status"] == "Teleported" for row in csv.DictReader(io.StringIO(page)))
        only = [f"requests_{year}" for year in (2016, 2017, 2018, 2019, 2020, 2025)] + ["cases_2025"]
        city = make_city(root / "city", portal.url, only=only)
        record = city.run()
        yield Drifted(record, city, teleported, accented, copied, case["CaseNumber"])


def write_csv(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_drift_that_does_no_harm_is_counted_and_published(drifted: Drifted) -> None:
    found = findings(drifted.record, "legacy_requests")
    assert drifted.record.status == "succeeded"
    assert found["column_unknown", "requests_2016"] == ROWS
    assert found["column_unknown", "requests_2017"] == ROWS
    assert found["text_not_utf8", "requests_2020"] == len(drifted.accented)
    assert {source for check, source in found if check == "column_unknown"} == {"requests_2016", "requests_2017"}
    assert drifted.city.query(
        "SELECT DISTINCT source_dataset FROM {requests} WHERE era = 'legacy' GROUP BY 1 HAVING count(police_precinct) = 0"
    ) == [("requests_2017",)]


def test_a_status_nobody_has_seen_is_counted_and_neither_open_nor_closed(drifted: Drifted) -> None:
    assert drifted.teleported > 5
    found = drifted.city.query(
        "SELECT count(*) > 5, count(*) FILTER (status_code <> 'unmapped'), count(is_open), count(is_closed) "
        "FROM {requests} WHERE source_status = 'Teleported'"
    )
    assert found == [(True, 0, 0, 0)]
    flagged = drifted.city.query(
        "SELECT count(*) FROM {requests} WHERE source_status = 'Teleported' AND NOT list_contains(flags, 'status_known')"
    )
    assert flagged == [(0,)]
    assert counts(drifted.record, "legacy_requests")["status_known"] >= drifted.teleported


def test_a_byte_order_mark_changes_nothing(drifted: Drifted, base: Base) -> None:
    sql = "SELECT * FROM {requests} WHERE source_dataset = 'requests_2019' ORDER BY request_id"
    assert drifted.city.query(sql) == base.city.query(sql) != []


def test_rows_in_the_wrong_encoding_are_held_back_with_their_bytes(drifted: Drifted, base: Base) -> None:
    held = held_rows(drifted.city.workspace, NAME, "legacy_requests", check="row_readable", limit=1000)
    assert sorted(row.raw["text"].split('"')[1] for row in held) == sorted(drifted.accented) != []
    assert all("\\x" in row.raw["text"] and row.source == "requests_2020" for row in held)
    sql = "SELECT * FROM {requests} WHERE source_dataset = 'requests_2020' ORDER BY request_id"
    others = [row for row in base.city.query(sql) if row[0] not in drifted.accented]
    assert drifted.city.query(sql) == others


def test_of_a_request_that_both_systems_hold_the_case_stays(drifted: Drifted) -> None:
    numbers = drifted.city.query(
        f"SELECT request_id FROM {{requests}} WHERE request_id IN ('{drifted.copied}', '{drifted.original}')"
    )
    assert numbers == [(drifted.original,)]
    accepted = sum(dataset(drifted.record, name)["accepted"] for name in ERAS.values())
    assert drifted.city.query("SELECT count(*) FROM {requests}") == [(accepted - 1,)]


# Kills --------------------------------------------------------------------------------------------------------------------


def test_killed_at_random_moments_a_run_ends_in_the_same_bytes(base: Base, portal: Portal, tmp_path: Path) -> None:
    """Five kills, one after the other, on one workspace; CIVICOPS_KILLS raises them as elsewhere."""
    dice = random.Random(2026)
    city = make_city(tmp_path, portal.url)
    kills = 0
    seconds = sum(base.record.steps.values())
    for _ in range(max(5, int(os.environ.get("CIVICOPS_KILLS", "25")) // 5)):
        child = city.process()
        child.start()
        child.join(dice.uniform(0.1, seconds))
        if child.is_alive():
            os.kill(child.pid, signal.SIGKILL)
            kills += 1
        child.join()
        assert set(city.releases.snapshot(NAME)) in (set(), PUBLISHED)
    city.run()
    assert kills >= 3
    assert city.hashes() == base.city.hashes()
