"""What the 311 product publishes, keeps to itself and takes from elsewhere, over HTTP from the made-up city's portal.

Belongs here: privacy, provenance, diagnosis, a new year, files instead of the portal. Does not belong here: what is found in the
rows (`test_requests_311`), portals that fail (`test_requests_311_faults`).
"""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from civicops.orchestrate.diagnosing import diagnose_product
from civicops.orchestrate.quarantine import held_rows
from tests.duck import asked
from tests.flow.city import ERAS, NAME, PUBLISHED, ROWS, TOKEN, Base, dataset, lookup, make_city

pytestmark = pytest.mark.xdist_group("requests_311")

# Privacy ----------------------------------------------------------------------------------------------------------------


def test_no_exact_place_of_an_encampment_is_in_a_public_release(base: Base) -> None:
    sensitive: set[tuple[str, str]] = set()
    addresses: set[str] = set()
    others: set[str] = set()
    for era in ERAS:
        for row in base.rows(era):
            if " ".join(row["RequestType"].split()).lower() == "homeless encampment":
                sensitive.add((row["Longitude"], row["Latitude"]))
                addresses.add(row["Address"])
            else:
                others |= {row["Address"]}
    addresses -= others | {""}
    sensitive.discard(("", ""))
    assert len(addresses) > 50 and len(sensitive) > 50
    public = [release for name, release in base.city.releases.snapshot(NAME).items() if name != "sensitive_locations"]
    assert len(public) == len(PUBLISHED) - 1
    for release in public:
        said = asked(f"SELECT CAST(to_json(t) AS VARCHAR) FROM '{release.data}' AS t")
        text = "\n".join(line for (line,) in said) + "".join(
            path.read_text(encoding="utf-8") for path in release.path.iterdir() if path.suffix != ".parquet"
        )
        assert not [address for address in addresses if address in text], release.dataset
        if release.dataset == "requests":
            points = set(asked(f"SELECT longitude, latitude FROM '{release.data}' WHERE is_sensitive"))
            assert not points & {(float(x), float(y)) for x, y in sensitive}
            assert all(x is None or (round(x, 2), round(y, 2)) == (x, y) for x, y in points) and len(points) > 20
    records = "".join(path.read_text(encoding="utf-8") for path in (base.city.var / "runs").rglob("*.json"))
    assert not [address for address in addresses if address in records]


def test_exact_places_are_kept_where_only_their_owner_may_look(base: Base) -> None:
    exact = base.city.releases.find(NAME, "sensitive_locations")
    assert exact.path.stat().st_mode & 0o777 == 0o700
    expected = base.city.query("SELECT request_id, council_code FROM {requests} WHERE is_sensitive ORDER BY 1")
    assert base.city.query("SELECT request_id, council_code FROM {sensitive_locations} ORDER BY 1") == expected
    assert base.city.query("SELECT count(address) > 50, count(longitude) > 50 FROM {sensitive_locations}") == [
        (True, True)
    ]
    assert base.city.releases.find(NAME, "requests").path.stat().st_mode & 0o777 != 0o700


def test_names_of_staff_are_not_published(base: Base) -> None:
    known = {row["cases_value"] for row in lookup("departments") if row["cases_value"]}
    said = {row["Owner"] for row in base.rows("cases") if row["Owner"]}
    assert said - known, "the city has written no name into a case's department"
    published = {
        owner for (owner,) in base.city.query("SELECT DISTINCT source_owner FROM {requests} WHERE era = 'cases'")
    }
    assert not {name for name in said - known if " " in name and "-" not in name.split()[0]} & published


# Other ways in ----------------------------------------------------------------------------------------------------------


def test_diagnose_names_the_dataset_that_is_not_listed_and_no_other(base: Base) -> None:
    found = [item for item in diagnose_product(base.city.workspace, NAME) if item.what == "catalogue"]
    assert ["MyLA311 Cases 2027" in item.text and "n7q4-w2xk" in item.text for item in found] == [True]
    assert found[0].mark == "note" and found[0].hint
    bad = [item for item in diagnose_product(base.city.workspace, NAME) if item.mark == "bad"]
    assert bad == []


def test_a_new_year_is_one_line(base: Base, tmp_path: Path) -> None:
    city = base.city.copy(tmp_path)
    listed = city.product / "lookups" / "socrata_datasets.csv"
    listed.write_text(listed.read_text(encoding="utf-8") + "cases_2027,2027,cases,n7q4-w2xk,\n", encoding="utf-8")
    record = city.run()
    assert record.status == "succeeded"
    assert {item["source"] for item in record.sources if item["new"]} == {"cases_2027"}
    rows = {row["CaseNumber"]: row for row in base.portal.rows("n7q4-w2xk")}
    held = {row.raw["casenumber"] for row in held_rows(city.workspace, NAME, "cases", limit=1000)}
    found = {
        number for (number,) in city.query("SELECT request_id FROM {requests} WHERE source_dataset = 'cases_2027'")
    }
    assert found == set(rows) - held and len(found) > 200
    before = base.city.query("SELECT * FROM {requests} ORDER BY request_id")
    assert city.query("SELECT * FROM {requests} WHERE source_dataset <> 'cases_2027' ORDER BY request_id") == before
    assert [item.what for item in diagnose_product(city.workspace, NAME) if item.what == "catalogue"] == []


def test_the_same_batches_three_times_in_any_order_change_nothing(base: Base, tmp_path: Path) -> None:
    """Files downloaded by hand instead of the portal: two halves of two years, given again and again."""
    ids = {"requests_2017": "d4vt-q4t5", "requests_2018": "h65r-yf5i"}
    batches: dict[str, dict[str, str]] = {}
    for name, dataset_id in ids.items():
        header, *lines = csv_lines(base.served[dataset_id])
        batches[name] = {
            "a": "\n".join([header, *lines[:180]]) + "\n",
            "b": "\n".join([header, *lines[120:]]) + "\n",  # 60 lines stand in both
        }
    dice = random.Random(311)
    seen: dict[str, dict[str, str]] = {}
    for turn in ("one by one", "shuffled"):
        folders = {name: tmp_path / turn / name for name in ids}
        city = make_city(tmp_path / turn / "city", base.portal.url, only=list(ids), paths=folders)
        orders = {name: ["a", "b"] if turn == "one by one" else dice.sample(["a", "b"] * 3, 6) for name in ids}
        for name, folder in folders.items():
            folder.mkdir()
            for number, part in enumerate(orders[name]):
                (folder / f"{number}.csv").write_text(batches[name][part], encoding="utf-8")
        record = city.run()
        assert dataset(record, "legacy_requests")["missing"] == 0
        seen[turn] = city.hashes()
        if turn == "one by one":
            # Both come again under other names, in the other order, one of them twice.
            for name, folder in folders.items():
                for number, part in enumerate(["b", "a", "a"], start=7):
                    (folder / f"{number}.csv").write_text(batches[name][part], encoding="utf-8")
            again = city.run()
            said = dataset(again, "legacy_requests")
            assert (again.status, said["missing"]) == ("succeeded", 0)
            assert said["accepted"] == dataset(record, "legacy_requests")["accepted"]
            seen["again"] = city.hashes()
    assert seen["again"] == seen["one by one"]
    assert seen["shuffled"] == seen["one by one"]


def csv_lines(rows: list[dict[str, str]]) -> list[str]:
    """Rows as a portal's CSV, line by line; no value of the made-up city holds a line break."""
    quoted = [",".join('"' + value.replace('"', '""') + '"' for value in row.values()) for row in rows]
    return [",".join(rows[0]), *quoted]


def test_the_releases_say_where_they_come_from(base: Base) -> None:
    package = base.city.releases.find(NAME, "requests").package()
    assert base.record.run_id in json.dumps(package)
    inputs = {item["source"]: item["rows"] for item in package["civicops"]["inputs"]}
    listed = [row["name"] for row in lookup("socrata_datasets")]
    assert {name: inputs[name] for name in listed} == dict.fromkeys(listed, ROWS)
    kept = package["civicops"]["conservation"]
    assert kept["rows_in"] == kept["accepted"] + kept["quarantined"] + sum(kept["ignored"].values())
    assert TOKEN not in json.dumps(package)
