"""The 311 product on the real samples: every row accounted for, and the facts measured about them found again.

Belongs here: the whole pipeline on real files, read in place. Does not belong here: made-up requests (`tests/flow`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from civicops.orchestrate.running import run_product
from civicops.release.store import ReleaseStore
from civicops.runs import RunRecord
from civicops.workspace import Workspace
from tests.conftest import REALDATA
from tests.duck import asked

SAMPLES = REALDATA / "311"
pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"no real samples in {SAMPLES}"),
    pytest.mark.xdist_group("requests_311_real"),
]
PRODUCTS = Path(__file__).parents[2] / "products"
YEARS = {
    "requests_2017": "myla311_2017_raw33_9999.csv",
    "requests_2018": "myla311_2018a_raw33_10000.csv",
    "requests_2020": "myla311_2020_db35_10000.csv",
}


class Ran:
    """A workspace on some samples, run once."""

    def __init__(self, root: Path, years: dict[str, str]) -> None:
        files = {name: f"requests/{file}" for name, file in years.items()} | {
            "council_boundaries": "geo/nc_current_99.geojson",
            "district_boundaries_2012": "geo/city_council_districts_2012_15.geojson",
        }
        lines = [
            "[workspace]",
            f"products = {json.dumps(str(PRODUCTS))}",
            "[products.requests_311]",
            f"only = {json.dumps(list(files))}",
        ]
        for name, file in files.items():
            lines += [f"[products.requests_311.sources.{name}]", f"path = {json.dumps(str(SAMPLES / file))}"]
        (root / "civicops.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.workspace = Workspace.find(root)
        self.record: RunRecord = run_product(self.workspace, "requests_311")
        self.releases = ReleaseStore(self.workspace.folder("releases"))

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query in which `{name}` stands for the current release of that dataset."""
        tables = {name: f"'{release.data}'" for name, release in self.releases.snapshot("requests_311").items()}
        return asked(sql.format(**tables))

    def dataset(self, name: str) -> Any:
        return next(item for item in self.record.datasets if item["dataset"] == name)

    def counts(self) -> dict[str, int]:
        return {check["check_id"]: check["broken"] for check in self.dataset("legacy_requests")["checks"]}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return Ran(tmp_path_factory.mktemp("real"), YEARS)


@pytest.fixture(scope="module")
def soda(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The same requests of 2020 as the portal's API gave them: 24 fields, other date and number texts."""
    return Ran(tmp_path_factory.mktemp("soda"), {"requests_2020": "myla311_2020_soda24_10000.csv"})


def test_every_row_is_accounted_for_and_none_had_to_be_held_back(ran: Ran) -> None:
    legacy = ran.dataset("legacy_requests")
    assert ran.record.status == "succeeded"
    assert (legacy["rows_in"], legacy["accepted"], legacy["quarantined"], legacy["missing"]) == (29_999, 29_999, 0, 0)
    assert ran.query("SELECT count(*), count(DISTINCT request_id) FROM {requests}") == [(29_999, 29_999)]


def test_placing_finds_the_measured_facts_again(ran: Ran) -> None:
    """The table of measured facts in the samples' README: with a place, outside all councils, in several, agreeing."""
    found = ran.query(
        "SELECT source_dataset, count(council_matches), count(*) FILTER (council_matches = 0), "
        "count(*) FILTER (council_matches > 1), count(*) FILTER (is_council_agreed), count(*) FILTER (NOT is_council_agreed) "
        "FROM {requests} GROUP BY 1 ORDER BY 1"
    )
    assert found == [
        ("requests_2017", 8_246, 93, 14, 8_035, 111),
        ("requests_2018", 8_898, 110, 8, 8_636, 134),
        ("requests_2020", 9_989, 124, 11, 9_771, 89),
    ]


def test_requests_without_a_place_are_counted_and_kept(ran: Ran) -> None:
    found = ran.query(
        "SELECT source_dataset, count(*) FILTER (council_code = 'unknown'), count(*) FILTER (council_code = 'none') "
        "FROM {requests} GROUP BY 1 ORDER BY 1"
    )
    assert found == [("requests_2017", 1_753, 93), ("requests_2018", 1_102, 110), ("requests_2020", 11, 124)]


def test_known_faults_are_found_and_do_no_harm(ran: Ran) -> None:
    counts = ran.counts()
    assert counts["closed_after_created"] == 12 + 13 + 0
    assert counts["closed_with_closed_date"] == 18
    # A closing time before the request was made is unknown, not negative and not zero.
    assert ran.query("SELECT count(*) FROM {requests} WHERE hours_to_close <= 0 OR closed_at < created_at") == [(0,)]
    assert ran.query("SELECT count(*) FROM {requests} WHERE NOT is_closed AND hours_to_close IS NOT NULL") == [(0,)]


def test_nothing_of_the_vocabularies_is_unmapped(ran: Ran) -> None:
    found = ran.query(
        "SELECT count(*) FROM {requests} WHERE 'unmapped' IN (request_type_code, status_code, source_code, department_code)"
    )
    assert found == [(0,)]
    counts = ran.counts()
    assert {name: counts[name] for name in ("status_known", "request_source_known", "owner_known")} == {
        "status_known": 0, "request_source_known": 0, "owner_known": 0,
    }  # fmt: skip


def test_times_are_moments_of_los_angeles(ran: Ran) -> None:
    row = ran.query(
        "SELECT CAST(created_at AT TIME ZONE 'UTC' AS VARCHAR), CAST(created_on AS VARCHAR), council_code, district_code, "
        "request_type_code, department_code FROM {requests} WHERE request_id = '1-1523590121'"
    )
    assert row == [("2020-01-01 08:05:00", "2020-01-01", "19", "6", "illegal_dumping", "sanitation")]


def test_the_daily_table_adds_up_to_the_requests(ran: Ran) -> None:
    assert ran.query("SELECT sum(request_count) FROM {requests_daily}") == [(29_999,)]


def test_exact_places_of_sensitive_requests_are_only_in_the_restricted_release(ran: Ran) -> None:
    exact, known = ran.query("SELECT count(*), count(address) FROM {sensitive_locations}")[0]
    assert exact == ran.query("SELECT count(*) FROM {requests} WHERE is_sensitive")[0][0] > 500
    assert known > 0
    assert ran.query("SELECT count(*) FROM {requests} WHERE is_sensitive AND address IS NOT NULL") == [(0,)]
    closest = ran.query(
        "SELECT count(*) FROM {requests} r JOIN {sensitive_locations} s USING (request_id) "
        "WHERE r.longitude = s.longitude AND r.latitude = s.latitude"
    )
    assert closest == [(0,)]
    folder = ran.releases.find("requests_311", "sensitive_locations").path
    assert folder.stat().st_mode & 0o077 == 0


def test_the_api_layout_gives_the_same_requests_as_the_database_dump(ran: Ran, soda: Ran) -> None:
    assert soda.dataset("legacy_requests")["rows_in"] == soda.dataset("legacy_requests")["accepted"] == 10_000
    columns = "request_id, request_type_code, status_code, source_code, department_code, council_code, source_council_code, address"
    ours = set(soda.query(f"SELECT {columns} FROM {{requests}}"))
    theirs = set(ran.query(f"SELECT {columns} FROM {{requests}} WHERE source_dataset = 'requests_2020'"))
    # Two spreadsheet programs rounded the coordinates differently; a point on a border may change sides.
    assert len(ours ^ theirs) <= 4
    minutes = "SELECT request_id, date_trunc('minute', created_at), date_trunc('minute', closed_at) FROM {requests}"
    assert set(soda.query(minutes)) == set(ran.query(minutes + " WHERE source_dataset = 'requests_2020'"))


def test_types_sources_and_dates_agree_with_the_old_projects_own_table(ran: Ran) -> None:
    """`myla311_2020_dim13_9989.csv` is what the old project's database made of the same rows, by ids of its own."""
    golden = str(SAMPLES / "requests" / "myla311_2020_dim13_9989.csv")
    joined = f"'{golden}' g JOIN {{requests}} r ON r.request_id = g.srnumber"
    assert ran.query(f"SELECT count(*) FROM {joined}") == [(9_989,)]
    for theirs, ours in (("type_id", "request_type_code"), ("source_id", "source_code")):
        pairs = ran.query(
            f"SELECT {theirs}, count(DISTINCT {ours}) FROM {joined} GROUP BY 1 HAVING count(DISTINCT {ours}) > 1"
        )
        assert pairs == []
    other_day = f"SELECT count(*) FROM {joined} WHERE CAST(g.created_date AS DATE) <> r.created_on"
    assert ran.query(other_day) == [(0,)]


def test_the_one_number_known_in_two_years_is_counted_once(ran: Ran) -> None:
    assert ran.query("SELECT count(*) FROM {requests} WHERE request_id = '1-870704814'") == [(1,)]
