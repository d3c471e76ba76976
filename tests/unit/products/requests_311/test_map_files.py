"""The map's files from releases that are empty, odd or broken, and the parts that can be looked at by themselves.

Belongs here: small made releases. Does not belong here: the made-up city (`tests/flow/test_requests_311_map.py`).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from civicops.contracts import Contract
from civicops.errors import CivicopsError
from products.requests_311.pages.map_files import build
from products.requests_311.pages.map_files.binary import Frame, columns
from products.requests_311.pages.map_files.streets import read_words, street
from products.requests_311.pages.map_files.waits import EDGES_HOURS, EDGES_SECONDS, binned_quantile
from tests.map_files import MapFiles, meters, taken_apart
from tests.unit.products.requests_311.map_release import AREAS, KINDS, SQUARES, released, request

Contracts = Mapping[str, Contract]
ALWAYS = date(1900, 1, 1), date(2100, 1, 1)


def made(tmp_path: Path, contracts: Contracts, requests: list[dict[str, Any]], **tables: Any) -> MapFiles:
    out = tmp_path / "files"
    build(released(tmp_path / "releases", contracts, requests, **tables), out)
    files = MapFiles(out)
    assert set(files.files()) == files.named()
    return files


def everything(files: MapFiles) -> int:
    return files.count(*ALWAYS, lambda codes: True)


# Odd releases ------------------------------------------------------------------------------------------------------------


def test_an_empty_release_is_an_empty_map(tmp_path: Path, contracts: Contracts) -> None:
    files = made(tmp_path, contracts, [])
    manifest = files.manifest
    assert (manifest["total_rows"], manifest["months"], manifest["cubes"], manifest["waits"]) == (0, [], [], [])
    assert (manifest["first_day"], manifest["last_day"], manifest["newest_updated_at"]) == (None, None, None)
    assert manifest["addresses"]["count"] == 0 and files.index["shards"] == [] and files.index["zips"] == []
    assert set(files.outlines("councils")) == {"10", "20", "30"}
    assert everything(files) == 0


def test_a_single_day(tmp_path: Path, contracts: Contracts) -> None:
    files = made(tmp_path, contracts, [request(n, "2024-02-29T12:00:00") for n in range(5)])
    assert [(m["month"], m["days"], m["rows"]) for m in files.manifest["months"]] == [("2024-02", 29, 5)]
    day = date(2024, 2, 29)
    assert files.count(day, day, lambda codes: True) == 5
    assert files.count(date(2024, 2, 1), date(2024, 2, 28), lambda codes: True) == 0
    assert files.count(date(2024, 3, 1), date(2024, 3, 31), lambda codes: True) == 0


def test_a_month_without_requests_is_left_out(tmp_path: Path, contracts: Contracts) -> None:
    days = ("2022-12-31T23:00:00", "2024-02-01T00:00:00", "2024-04-30T12:00:00")
    files = made(tmp_path, contracts, [request(n, day) for n, day in enumerate(days)])
    assert [month["month"] for month in files.manifest["months"]] == ["2022-12", "2024-02", "2024-04"]
    assert [(cube["year"], cube["months"]) for cube in files.manifest["cubes"]] == [(2022, [12]), (2024, [2, 4])]
    assert everything(files) == 3


def test_requests_without_a_point_are_counted_and_come_last(tmp_path: Path, contracts: Contracts) -> None:
    nowhere = {"longitude": None, "latitude": None, "council_code": "unknown", "district_code": None}
    rows = [request(0, "2024-01-01T01:00:00", **nowhere), request(1, "2024-01-02T01:00:00")]
    rows.append(request(2, "2024-01-03T01:00:00", council_code="none", district_code=None))
    files = made(tmp_path, contracts, rows)
    (month,) = files.manifest["months"]
    assert (month["rows"], month["with_point"], files.manifest["rows_without_point"]) == (3, 2, 1)
    found = [(row[:3], files.codes(*row[3:6])[3:5]) for row in files.rows(month)]
    assert [codes for _, codes in found] == [("10", "1"), ("none", "none"), ("unknown", "unknown")]
    assert found[2][0] == (0, 0, 0)
    names = {entry["code"]: entry["name"] for entry in files.manifest["districts"]}
    assert names == {
        "1": "District 1",
        "2": "District 2",
        "none": "Outside every district",
        "unknown": "Place not known",
    }


def test_a_month_in_which_nothing_has_a_point(tmp_path: Path, contracts: Contracts) -> None:
    nowhere = {
        "longitude": None,
        "latitude": None,
        "council_code": "unknown",
        "district_code": None,
        "address": "1 A ST",
    }
    files = made(tmp_path, contracts, [request(n, "2024-01-01T01:00:00", **nowhere) for n in range(3)])
    assert [(m["rows"], m["with_point"]) for m in files.manifest["months"]] == [(3, 0)]
    assert files.manifest["addresses"]["count"] == 0


def test_codes_that_no_lookup_has_stand_under_their_own_name(tmp_path: Path, contracts: Contracts) -> None:
    rows = [
        request(0, "2024-01-01T01:00:00"),
        request(
            1, "2024-01-01T01:00:00", department_code="harbor_master", status_code="lost", is_open=None, is_closed=None
        ),
    ]
    files = made(tmp_path, contracts, rows)
    assert files.manifest["departments"][-1] == {"code": "harbor_master", "name": "harbor_master"}
    assert files.manifest["statuses"][-1] == {"code": "lost", "name": "lost", "group": "other"}
    assert files.count(*ALWAYS, lambda codes: codes[1] == "harbor_master" and codes[5] == "lost") == 1


@pytest.mark.parametrize(
    ("values", "source"),
    [
        ({"is_resident_demand": True}, "resident"),
        ({"is_resident_demand": False, "is_crew_logged": True}, "crew"),
        ({"is_resident_demand": False, "is_crew_logged": True, "is_information_only": True}, "crew"),
        ({"is_resident_demand": False, "is_information_only": True}, "information"),
        ({"is_resident_demand": False}, "other"),
        ({"is_resident_demand": None}, "other"),
    ],
)
def test_the_rule_of_sources(tmp_path: Path, contracts: Contracts, values: dict[str, Any], source: str) -> None:
    files = made(tmp_path, contracts, [request(0, "2024-01-01T01:00:00", **values)])
    ((_, codes, _),) = files.cells()
    assert codes[2] == source


def test_a_new_day_leaves_old_months_alone(tmp_path: Path, contracts: Contracts) -> None:
    """Its new kinds, places and points get numbers behind the old ones, so that a browser keeps what it has."""
    old = [
        request(
            n,
            f"2024-{1 + n % 2:02d}-{1 + n % 28:02d}T01:00:00",
            longitude=4.5 + n / 100,
            request_type_code=("graffiti", "bulky_items")[n % 2],
        )
        for n in range(60)
    ]
    new = request(
        99,
        "2024-03-01T01:00:00",
        council_code="20",
        district_code="2",
        longitude=15.0,
        latitude=9.0,
        request_type_code="homeless_encampment",
        department_code="sanitation",
        is_sensitive=True,
    )
    before = made(tmp_path / "a", contracts, old)
    after = made(tmp_path / "b", contracts, [*old, new])
    assert after.manifest["months"][:2] == before.manifest["months"]
    assert after.manifest["kinds"][: len(before.manifest["kinds"])] == before.manifest["kinds"]
    assert after.manifest["places"][: len(before.manifest["places"])] == before.manifest["places"]
    assert after.manifest["bounds"] == before.manifest["bounds"]


def test_requests_without_a_day_are_in_no_month(tmp_path: Path, contracts: Contracts) -> None:
    files = made(
        tmp_path, contracts, [request(0, "2024-01-01T01:00:00"), request(1, "2024-01-01T02:00:00", created_on=None)]
    )
    assert (files.manifest["total_rows"], files.manifest["undated_rows"]) == (2, 1)
    assert sum(month["rows"] for month in files.manifest["months"]) == everything(files) == 1


def test_more_codes_than_a_file_can_hold_are_refused(tmp_path: Path, contracts: Contracts) -> None:
    rows = [request(n, "2024-01-01T01:00:00", status_code=f"s{n}") for n in range(257)]
    with pytest.raises(CivicopsError, match="statuses"):
        made(tmp_path, contracts, rows)


def test_a_new_build_takes_the_place_of_an_older_one(tmp_path: Path, contracts: Contracts) -> None:
    before = made(tmp_path / "a", contracts, [request(0, "2024-01-01T01:00:00")])
    build(released(tmp_path / "more", contracts, [request(n, "2024-02-01T01:00:00") for n in range(2)]), before.folder)
    after = MapFiles(before.folder)
    assert after.manifest["total_rows"] == 2 and set(after.files()) == after.named()


def test_a_missing_release_is_named(tmp_path: Path, contracts: Contracts) -> None:
    snapshot = released(tmp_path, contracts, [])
    del snapshot["areas"]
    with pytest.raises(CivicopsError, match="'areas'"):
        build(snapshot, tmp_path / "files")
    assert not (tmp_path / "files").exists()


def test_a_failed_build_leaves_nothing(tmp_path: Path, contracts: Contracts) -> None:
    snapshot = released(tmp_path / "releases", contracts, [request(0, "2024-01-01T01:00:00")])
    snapshot["requests"].data.chmod(0o600)
    snapshot["requests"].data.write_bytes(b"not Parquet")
    with pytest.raises(Exception, match=r"[Pp]arquet"):
        build(snapshot, tmp_path / "files")
    assert [path.name for path in tmp_path.iterdir()] == ["releases"]


def test_an_outline_too_small_to_draw_is_named(tmp_path: Path, contracts: Contracts) -> None:
    speck = {
        "layer": "council",
        "set_id": "now",
        "area_code": "40",
        "area_name": "SPECK",
        "is_newest": True,
        "geometry": shapely.to_geojson(shapely.box(5, 5, 5.00001, 5.00001)),
    }
    with pytest.raises(CivicopsError, match="40"):
        made(tmp_path, contracts, [], areas=[*AREAS, speck])


def test_overlaps_of_councils_stay(tmp_path: Path, contracts: Contracts) -> None:
    files = made(tmp_path, contracts, [])
    for layer, one in (("councils", "council"), ("districts", "district")):
        for code, geometry in files.outlines(layer).items():
            drawn = shapely.from_geojson(json.dumps(geometry))
            assert drawn.symmetric_difference(shapely.box(*SQUARES[one, code])).area < 1e-9


def test_an_older_map_is_not_drawn(tmp_path: Path, contracts: Contracts) -> None:
    older = [
        area | {"set_id": "then", "is_newest": False, "area_code": "77"}
        for area in AREAS
        if area["layer"] == "district"
    ][:1]
    files = made(tmp_path, contracts, [request(0, "2024-01-01T01:00:00", district_code="77")], areas=[*AREAS, *older])
    assert set(files.outlines("districts")) == {"1", "2"}
    assert files.manifest["districts"][-1] == {"code": "77", "name": "77"}, "but its requests are counted"


# Addresses ---------------------------------------------------------------------------------------------------------------


def test_addresses_of_one_house_are_one_place(tmp_path: Path, contracts: Contracts) -> None:
    spelled = [
        ("16815 W VANOWEN ST, 91406", 4.0), ("16815 West Vanowen Street, 91406", 5.0), ("16815 W. VANOWEN ST., 91406", 6.0),
        ("16815 W VANOWEN ST, 91335", 7.0), ("16817 1/2 W VANOWEN ST, 91406", 4.0), ("AVENUE 26 AT N FIGUEROA ST, 90031", 3.0),
        ("GRIFFITH PARK, 90027", 2.0), ("120 WEST BLVD, 90019", 1.0), ("9 E FIRST ST", 2.0), ("?", 2.0), ("12 O'FARRELL ST, 90731", 2.0),
    ]  # fmt: skip
    rows = [
        request(
            n,
            "2024-01-01T01:00:00",
            address=address,
            longitude=lon,
            zip_code=address[-5:] if address[-5:].isdigit() else None,
        )
        for n, (address, lon) in enumerate(spelled)
    ]
    rows.append(
        request(
            90,
            "2024-01-01T01:00:00",
            address="1 HIDDEN LN, 90001",
            is_sensitive=True,
            request_type_code="homeless_encampment",
        )
    )
    files = made(tmp_path, contracts, rows)

    def names(query: str) -> list[str]:
        return [label for label, *_ in files.find(query)]

    (one,) = files.find("16815 w vanowen street 91406")
    assert one[0] == "16815|W VANOWEN ST|91406" and one[3] == 3 and meters(one[1], (5.0, 5.0)) < 20
    assert names("16815 Vanowen") == ["16815|W VANOWEN ST|91335", "16815|W VANOWEN ST|91406"]
    assert names("16817 1/2 vanowen") == ["16817 1/2|W VANOWEN ST|91406"]
    assert names("figueroa & ave 26") == ["AT AVE 26|N FIGUEROA ST|90031"] and names("Avenue 26 and Figueroa St")
    assert names("griffith park") == ["|GRIFFITH PARK|90027"]
    assert names("120 west blvd") == ["120|WEST BLVD|90019"]
    assert names("9 1st st") == ["9|E 1ST ST|"]
    assert names("12 ofarrell") == ["12|OFARRELL ST|90731"]
    assert names("1 hidden lane") == []
    assert [entry["zip"] for entry in files.index["zips"]] == ["90019", "90027", "90031", "90731", "91335", "91406"]


def test_long_streets_are_cut_between_numbers(
    tmp_path: Path, contracts: Contracts, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        request(
            n,
            "2024-01-01T01:00:00",
            address=f"{1 + n // 3} MAIN ST, {90001 + n % 3}",
            zip_code=str(90001 + n % 3),
            longitude=1 + n / 1000,
        )
        for n in range(5_000)
    ]
    rows += [request(9_000 + n, "2024-01-01T01:00:00", address=f"MAIN ST AT {n} AVE") for n in range(10)]
    files = made(tmp_path, contracts, rows)
    shards = files.index["shards"]
    assert [shard["key"] for shard in shards] == ["0", "MAIN", "MAIN", "MAIN"]
    assert [shard["number"] for shard in shards[1:]] == sorted({shard["number"] for shard in shards[1:]}), (
        "never within a number"
    )
    for n in (1, 500, 501, 999, 1_000, 1_001, 1_600):
        assert [label for label, *_ in files.find(f"{n} main st 90002")] == [f"{n}|MAIN ST|90002"]
        assert len(files._shards("MAIN", n)) <= 2
    sizes = [sum(len(street["places"]) for street in files.shard(n)) for n in range(len(shards))]
    assert max(sizes) <= 1_510


def test_the_writer_and_the_reader_take_streets_apart_alike() -> None:
    words = read_words()
    for text in (
        "W VANOWEN ST",
        "WEST BLVD",
        "N ST",
        "EAST",
        "AVENUE 26",
        "LA CIENEGA BLVD",
        "S SAINT ANDREWS PL",
        "NORTH AVENUE 50",
        "AVENUE OF THE STARS",
    ):
        _, direction, key, suffix, _, _ = taken_apart(text, words)
        found = street(text.split(), words)
        assert (found.key, found.name) == (key, " ".join(part for part in (direction, key, suffix) if part)), text


# Parts -------------------------------------------------------------------------------------------------------------------


def test_columns_begin_at_multiples_of_four() -> None:
    raw = columns([np.array([1, 2, 3], "<u1"), np.array([4], "<u2"), np.array([5], "<u4")])
    assert raw == bytes([1, 2, 3, 0, 4, 0, 0, 0, 5, 0, 0, 0])
    with pytest.raises(ValueError, match="big-endian"):
        columns([np.array([1], ">u4")])


@given(st.floats(-118.67, -118.15), st.floats(33.70, 34.34))
def test_quantised_places_are_within_a_meter_in_a_city_of_seventy_kilometers(lon: float, lat: float) -> None:
    frame = Frame(-118.67, 33.70, -118.15, 34.34)
    x, y = frame.quantised(np.array([lon]), np.array([lat]))
    back = (frame.west + float(x[0]) / 65_535 * 0.52, frame.south + float(y[0]) / 65_535 * 0.64)
    assert meters(back, (lon, lat)) < 1.0


def test_edges_of_waits_are_quarter_octaves_of_whole_seconds() -> None:
    assert EDGES_SECONDS[0] == 900 and all(np.diff(EDGES_SECONDS) > 0)
    assert np.allclose(EDGES_SECONDS[1:] / EDGES_SECONDS[:-1], 2**0.25, rtol=1e-3)
    assert EDGES_HOURS[-1] > 175_320, "twenty years, the longest time to close that a contract allows"
    assert len(EDGES_SECONDS) < 255


def test_a_quantile_by_hand() -> None:
    """Bins 0, 4 and 8 end at 0.25, 0.5 and 1 hours. Four requests: two closed in bin 4, one in bin 8, one watched until bin 8."""
    closed, censored = [0] * 80, [0] * 80
    closed[4], closed[8], censored[8] = 2, 1, 1
    assert binned_quantile(closed, censored, 0.5) == pytest.approx(0.5, rel=1e-3)
    assert binned_quantile(closed, censored, 0.25) == pytest.approx(0.5 / 2 ** (1 / 8), rel=1e-3)
    # In bin 8 one of 2 - 1/2 is closed: 1/2 * 1/3 = 1/6 are left, so three in four were closed within it and nine in ten were not.
    assert EDGES_HOURS[7] < (binned_quantile(closed, censored, 0.75) or 0) < EDGES_HOURS[8]
    assert binned_quantile(closed, censored, 0.9) is None
    assert binned_quantile([0] * 80, [0] * 80, 0.5) is None


# By hand and in the portal -----------------------------------------------------------------------------------------------


def test_the_command_says_what_it_wrote(tmp_path: Path, contracts: Contracts) -> None:
    (tmp_path / "civicops.toml").write_text('[workspace]\ndata = "."\n', encoding="utf-8")
    released(tmp_path / "releases", contracts, [request(0, "2024-01-01T01:00:00")])
    root = Path(__file__).parents[4]
    command = [sys.executable, "-m", "products.requests_311.pages.map_files", "--workspace", str(tmp_path), "--out"]
    done = subprocess.run([*command, str(tmp_path / "out")], cwd=root, check=True, capture_output=True, text=True)
    assert done.stdout.endswith(" s.\n") and (tmp_path / "out" / "manifest.json").is_file()
    (tmp_path / "releases" / "requests_311" / "current.json").unlink()
    failed = subprocess.run([*command, str(tmp_path / "no")], cwd=root, check=False, capture_output=True, text=True)
    assert failed.returncode == 1 and "no release" in failed.stderr and "civicops run" in failed.stderr


def test_details_hold_every_public_column(tmp_path: Path, contracts: Contracts) -> None:
    files = made(tmp_path, contracts, [request(0, "2024-01-01T01:00:00", flags=["a", "b"])])
    table = pq.read_table(files.folder / files.manifest["months"][0]["details_file"])
    assert table.column_names == list(contracts["requests"].column_names)
    assert table.to_pylist()[0]["flags"] == ["a", "b"]
    assert {entry["code"] for entry in files.manifest["types"]} == {kind["request_type_code"] for kind in KINDS}
