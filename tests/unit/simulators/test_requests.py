"""Generated requests: the published layouts, the answer key against an independent count, determinism, files."""

import json
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest

from simulators.socrata.portal import CASES_IDS, LEGACY_IDS
from simulators.world import vocabulary as vocab
from simulators.world.layout import columns_of
from simulators.world.requests import generate, main, write
from tests.duck import asked
from tests.unit.simulators import counting

DOCUMENTED_LEGACY = [
    "SRNumber",
    "CreatedDate",
    "UpdatedDate",
    "ActionTaken",
    "Owner",
    "RequestType",
    "Status",
    "RequestSource",
    "CreatedByUserOrganization",
    "MobileOS",
    "Anonymous",
    "AssignTo",
    "ServiceDate",
    "ClosedDate",
    "AddressVerified",
    "ApproximateAddress",
    "Address",
    "HouseNumber",
    "Direction",
    "StreetName",
    "Suffix",
    "ZipCode",
    "Latitude",
    "Longitude",
    "Location",
    "TBMPage",
    "TBMColumn",
    "TBMRow",
    "APC",
    "CD",
    "CDMember",
    "NC",
    "NCName",
    "PolicePrecinct",
]
CHECKED = [("legacy", 2015), ("legacy", 2017), ("legacy", 2020), ("legacy", 2025), ("cases", 2025), ("cases", 2026)]


def dataset_id(system: str, year: int) -> str:
    return (LEGACY_IDS if system == "legacy" else CASES_IDS)[year]


@pytest.mark.parametrize(("system", "year"), CHECKED)
def test_answer_key_equals_an_independent_count_of_what_is_served(client: httpx.Client, system: str, year: int) -> None:
    url = dataset_id(system, year)
    text = client.get(f"/api/views/{url}/rows.csv", params={"accessType": "DOWNLOAD"}).text
    councils = client.get("/api/geospatial/fu65-dz2f", params={"method": "export", "format": "GeoJSON"}).json()
    truth: dict[str, Any] = client.get("/_sim/truth", params={"dataset": url}).json()["datasets"][url]
    known = client.get("/_sim/vocabulary").json()[system]
    key = "SRNumber" if system == "legacy" else "CaseNumber"
    con = counting.load(text)

    assert counting.one(con, "SELECT count(*) FROM t") == truth["rows"] == 1500
    types = counting.LEGACY_TYPES if system == "legacy" else tuple(known["types"])
    conditions = counting.conditions(system, year, types, known)
    found = {
        k: con.execute(f"SELECT DISTINCT {key} FROM t WHERE {c} ORDER BY 1").fetchall() for k, c in conditions.items()
    }
    planted = {k: sorted(v) for k, v in truth["planted"].items() if not k.startswith("duplicate")}
    assert {k: [x for (x,) in v] for k, v in found.items()} == planted
    assert all(planted.values()), "a kind that plants nothing tests nothing"
    for kind, keys in counting.duplicates(con, key).items():
        assert keys == sorted(truth["planted"][kind])
        assert len(keys) >= 2
    counted = counting.facts(con, key, councils)
    assert counted == {k: truth["facts"][k] for k in counted}


def test_the_request_of_two_years_is_the_only_number_in_two_datasets() -> None:
    numbers: dict[str, set[int]] = {}
    for year in range(2015, 2026):
        for number in generate(7, year, 400).table["SRNumber"].to_pylist():
            numbers.setdefault(str(number), set()).add(year)
    shared = {k: v for k, v in numbers.items() if len(v) > 1}
    key = generate(7, 2017, 400).truth.planted["duplicate_across_years"]
    assert shared == {key[0]: {2017, 2018}}
    rows = [r for y in (2017, 2018) for r in generate(7, y, 400).table.to_pylist() if r["SRNumber"] == key[0]]
    assert len(rows) == 2
    assert rows[0] == rows[1], "the same request, word for word"


@pytest.mark.parametrize("year", range(2015, 2026))
def test_legacy_layout_is_the_documented_one(year: int) -> None:
    headers = [c.header for c in columns_of("legacy", year)]
    wanted = [h for h in DOCUMENTED_LEGACY if year >= 2019 or h != "CreatedByUserOrganization"]
    assert headers == wanted
    assert len(headers) == (34 if year >= 2019 else 33)
    assert [c.field for c in columns_of("legacy", year)] == [h.lower() for h in wanted]


def test_cases_layout_has_34_columns_and_no_dropped_ones() -> None:
    columns = columns_of("cases", 2026)
    assert len(columns) == 34
    assert not {"MobileOS", "AddressVerified", "ApproximateAddress"} & {c.header for c in columns}
    fields = {c.header: c.field for c in columns}
    assert fields["UpdatedDate"] == "systemmodstamp"
    assert fields["NCName"] == "locator_sr_neigborhood_council_1"


def test_shares_are_those_documented() -> None:
    old, recent, cases = generate(7, 2017, 20_000), generate(7, 2020, 20_000), generate(7, 2026, 20_000)
    assert old.truth.facts["coordinates_null"] / 20_000 == pytest.approx(0.17, abs=0.01)
    assert recent.truth.facts["coordinates_null"] / 20_000 < 0.004
    assert cases.truth.facts["coordinates_null"] / 20_000 == pytest.approx(0.055, abs=0.01)
    assert cases.truth.facts["information_only"] / 20_000 == pytest.approx(0.23, abs=0.01)
    for made in (old, recent, cases):
        assert 0.08 <= made.truth.facts["crew_logged"] / 20_000 <= 0.21
    owners = [set(generate(7, y, 2000).table["Owner"].to_pylist()) for y in (2017, 2023)]
    assert ("BOS" in owners[0], "LASAN" in owners[0]) == (True, False)
    assert ("BOS" in owners[1], "LASAN" in owners[1]) == (False, True)
    assert len(vocab.CASE_TYPES) == 62
    assert sum(k.share for k in vocab.CASE_TYPES) == pytest.approx(1.0)


def test_documented_rules_of_the_cases_system_hold() -> None:
    table = generate(7, 2026, 20_000).table
    (open_reported,) = asked("SELECT count(*) FROM t WHERE Status = 'Reported' AND ClosedDate IS NULL", t=table)
    (closed_orders,) = asked(
        "SELECT count(*) FROM t WHERE Status = 'Workorder Created' AND ClosedDate IS NOT NULL", t=table
    )
    (slow,) = asked(
        "SELECT count(*) FROM t WHERE RequestType = 'Information-Only' AND year(CreatedDate) = 2026 "
        "AND ClosedDate - CreatedDate > INTERVAL 1 MINUTE AND year(ClosedDate) < 3000",
        t=table,
    )
    assert (open_reported, closed_orders) == ((0,), (0,))
    assert slow == (0,)


def test_the_two_systems_of_2025_overlap_in_time_and_share_no_number() -> None:
    old, new = generate(7, 2025, 3000, "legacy"), generate(7, 2025, 3000, "cases")

    def span(table: Any) -> tuple[str, str]:
        sql = "SELECT min(CreatedDate)::DATE::VARCHAR, max(CreatedDate)::DATE::VARCHAR FROM t WHERE year(CreatedDate) = 2025"
        ((first, last),) = asked(sql, t=table)
        return first, last

    assert span(old.table)[0] < "2025-01-05"
    assert "2025-10-01" < span(old.table)[1] <= "2025-11-03"
    assert span(new.table)[0] >= "2025-03-28"
    assert not set(old.table["SRNumber"].to_pylist()) & set(new.table["CaseNumber"].to_pylist())
    assert all(len(str(x)) == 8 and str(x).startswith("0") for x in new.table["CaseNumber"].to_pylist())


def test_same_arguments_same_bytes_and_each_argument_matters(tmp_path: Path) -> None:
    def made(name: str, seed: int, year: int, rows: int) -> bytes:
        path = tmp_path / name
        write(generate(seed, year, rows), path)
        return path.read_bytes()

    base = made("a.csv", 7, 2019, 500)
    assert made("b.csv", 7, 2019, 500) == base
    assert made("c.csv", 8, 2019, 500) != base
    assert base.count(b"\n") == 501


def test_parquet_holds_the_same_texts_or_typed_values(tmp_path: Path) -> None:
    requests = generate(7, 2016, 400)
    for name, typed in (("x.csv", False), ("x.parquet", False), ("typed.parquet", True)):
        write(requests, tmp_path / name, typed=typed)
    with duckdb.connect() as con:
        con.execute(f"CREATE VIEW c AS FROM read_csv('{tmp_path}/x.csv', all_varchar = true, header = true)")
        con.execute(f"CREATE VIEW p AS FROM '{tmp_path}/x.parquet'")
        assert con.execute(
            "SELECT count(*) FROM ((FROM c EXCEPT ALL FROM p) UNION ALL (FROM p EXCEPT ALL FROM c))"
        ).fetchone() == (0,)
        kinds = con.execute(
            f"SELECT typeof(CreatedDate), typeof(Latitude) FROM '{tmp_path}/typed.parquet' LIMIT 1"
        ).fetchone()
    assert kinds == ("TIMESTAMP", "DOUBLE")
    with pytest.raises(ValueError, match=r"\.csv or \.parquet"):
        write(requests, tmp_path / "x.xlsx")


@pytest.mark.parametrize(
    ("year", "rows", "system", "words"),
    [
        (2014, 500, None, "2015 to 2027"),
        (2019, 10, None, "at least 200"),
        (2026, 500, "legacy", "ended"),
        (2019, 500, "cases", "began"),
    ],
)
def test_impossible_wishes_are_refused_in_words(year: int, rows: int, system: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        generate(7, year, rows, system)


def test_command_line_writes_file_and_answer_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, truth = tmp_path / "r.csv", tmp_path / "truth.json"
    code = main(["--year", "2026", "--rows", "300", "--out", str(out), "--truth", str(truth)])
    printed = json.loads(capsys.readouterr().out)
    assert (code, printed["rows"]) == (0, 300)
    assert out.read_text(encoding="utf-8").startswith("CaseNumber,CreatedDate,ClosedDate,UpdatedDate")
    assert json.loads(truth.read_text())["counts"] == printed["counts"]
    assert main(["--year", "1999", "--rows", "300", "--out", str(out)]) == 1
    assert "2015 to 2027" in capsys.readouterr().err
