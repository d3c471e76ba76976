"""The map's files, made from what the 311 product released of the made-up city, against SQL on the same releases.

Belongs here: that the files say what the releases say. Does not belong here: releases that look odd
(`tests/unit/products/requests_311/test_map_files.py`).
"""

from __future__ import annotations

import json
import math
import multiprocessing
import random
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from products.requests_311.pages.map_files import build
from products.requests_311.pages.map_files.waits import EDGES_SECONDS, binned_quantile
from tests.flow.city import NAME, Base
from tests.map_files import MapFiles, meters
from tests.unit.products.requests_311.test_models import kaplan_meier

pytestmark = pytest.mark.xdist_group("requests_311")
DIMENSIONS = ("type", "department", "source", "council", "district", "status")
# Written once more, apart from the code: what each dimension is of a row of the release.
SQL = {
    "type": "request_type_code",
    "department": "department_code",
    "source": "CASE WHEN is_resident_demand THEN 'resident' WHEN is_crew_logged THEN 'crew' WHEN is_information_only THEN 'information' "
    "ELSE 'other' END",
    "council": "council_code",
    "district": "CASE WHEN longitude IS NULL THEN 'unknown' WHEN district_code IS NULL THEN 'none' ELSE district_code END",
    "status": "status_code",
}
VOCABULARY = {
    "type": "types", "department": "departments", "source": "sources", "council": "councils", "district": "districts", "status": "statuses",
}  # fmt: skip


@dataclass(frozen=True)
class Made:
    base: Base
    files: MapFiles
    facts: list[tuple[date, tuple[str, ...]]]
    """Day and codes of every request of the release."""


@pytest.fixture(scope="module")
def made(base: Base, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    out = tmp_path_factory.mktemp("map") / "files"
    build(base.city.releases.snapshot(NAME), out)
    rows = base.city.query(f"SELECT created_on, {', '.join(SQL[name] for name in DIMENSIONS)} FROM {{requests}}")
    yield Made(base, MapFiles(out), [(row[0], row[1:]) for row in rows])


# Counts ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_counts_of_a_dimension_are_those_of_the_release(made: Made, dimension: str) -> None:
    place = DIMENSIONS.index(dimension)
    found: Counter[tuple[str, str]] = Counter()
    for month, codes, count in made.files.cells():
        found[month, codes[place]] += count
    expected = made.base.city.query(
        f"SELECT strftime(created_on, '%Y-%m'), {SQL[dimension]}, count(*) FROM {{requests}} GROUP BY ALL"
    )
    assert dict(found) == {(month, code): count for month, code, count in expected}
    assert len({code for _, code in found}) > 2


def test_any_filters_over_any_days_count_what_the_release_counts(made: Made) -> None:
    manifest = made.files.manifest
    first, last = (date.fromisoformat(manifest[name]) for name in ("first_day", "last_day"))
    length = (last - first).days
    seen = Counter[str]()

    def choice(name: str) -> st.SearchStrategy[frozenset[str] | None]:
        codes = [entry["code"] for entry in manifest[VOCABULARY[name]]]
        return st.none() | st.frozensets(st.sampled_from(codes), min_size=1)

    @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(
        st.tuples(*(choice(name) for name in DIMENSIONS)),
        st.integers(-40, length + 40),
        st.one_of(st.integers(0, 70), st.integers(0, length)),
    )
    def check(chosen: tuple[frozenset[str] | None, ...], begin: int, days: int) -> None:
        start = first + timedelta(days=begin)
        end = start + timedelta(days=days)

        def wanted(codes: tuple[str, ...]) -> bool:
            return all(some is None or code in some for some, code in zip(chosen, codes, strict=True))

        expected = sum(start <= day <= end and wanted(codes) for day, codes in made.facts)
        assert made.files.count(start, end, wanted) == expected
        seen["some" if expected else "none"] += 1

    check()
    assert seen["some"] > 20 and seen["none"] > 5, seen


def test_the_manifest_says_what_the_release_is(made: Made) -> None:
    manifest = made.files.manifest
    ((total, pointless, first, last, updated),) = made.base.city.query(
        "SELECT count(*), count(*) - count(longitude), min(created_on), max(created_on), "
        "strftime(max(updated_at) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') FROM {requests}"
    )
    assert (manifest["total_rows"], manifest["rows_without_point"], manifest["undated_rows"]) == (total, pointless, 0)
    assert (manifest["first_day"], manifest["last_day"], manifest["newest_created_on"]) == (
        f"{first}",
        f"{last}",
        f"{last}",
    )
    assert manifest["newest_updated_at"] == updated
    assert manifest["versions"]["requests"] == made.base.city.releases.find(NAME, "requests").version
    assert manifest["timezone"] == "America/Los_Angeles"
    assert set(made.files.files()) == made.files.named(), "every file is named, every named file is there"
    assert sum(month["rows"] for month in manifest["months"]) == total
    assert sum(month["with_point"] for month in manifest["months"]) == total - pointless
    notes = {note["id"]: note["text"] for note in manifest["notes"]}
    assert "not problems" in notes["requests_gaps"] and "kilometre" in notes["sensitive_places_coarse"]
    councils = made.base.city.query(
        "SELECT council_code, council_name, region_name, population, area_km2 FROM {councils}"
    )
    found = {(c["code"], c["name"], c["region"], c["population"], c["area_km2"]) for c in manifest["councils"]}
    assert found == set(councils) and len(councils) > 10
    groups = {entry["code"]: entry["group"] for entry in manifest["statuses"]}
    for code, is_open, is_closed in made.base.city.query(
        "SELECT DISTINCT status_code, is_open, is_closed FROM {requests}"
    ):
        assert groups[code] == ("open" if is_open else "closed" if is_closed else "other")


# Rows and details --------------------------------------------------------------------------------------------------------


def test_rows_and_details_are_the_same_requests_in_the_same_order(made: Made) -> None:
    release = made.base.city.releases.find(NAME, "requests").data
    whole = {row["request_id"]: row for row in pq.read_table(release).to_pylist()}
    district = dict(made.base.city.query(f"SELECT request_id, {SQL['district']} FROM {{requests}}"))
    source = dict(made.base.city.query(f"SELECT request_id, {SQL['source']} FROM {{requests}}"))
    seen: set[str] = set()
    farthest = 0.0
    for month in made.files.manifest["months"]:
        details = pq.read_table(made.files.folder / month["details_file"])
        assert details.column_names == pq.read_schema(release).names
        rows = made.files.rows(month)
        begin = date(1970, 1, 1) + timedelta(days=month["first_day"])
        days = []
        for number, (row, said) in enumerate(zip(rows, details.to_pylist(), strict=True)):
            x, y, day, kind, place, status, hours = row
            assert said == whole[said["request_id"]], "what the details say is what the release says"
            assert begin + timedelta(days=day) == said["created_on"]
            codes = made.files.codes(kind, place, status)
            key = said["request_id"]
            assert codes == (
                said["request_type_code"], said["department_code"], source[key], said["council_code"], district[key], said["status_code"],
            )  # fmt: skip
            wait = said["hours_to_close"]
            assert math.isnan(hours) if wait is None else hours == pytest.approx(wait, rel=1e-6)
            if number < month["with_point"]:
                farthest = max(farthest, meters(made.files.place(x, y), (said["longitude"], said["latitude"])))
            else:
                assert (x, y, said["longitude"]) == (0, 0, None)
            days.append((number >= month["with_point"], day))
            seen.add(key)
        assert days == sorted(days)
    assert seen == set(whole)
    assert 0.05 < farthest < 1.5


def test_within_a_day_rows_follow_the_z_curve(made: Made) -> None:
    """So that what lies together stands together: the bits of x and y in turn, written as text, rise."""
    pairs = 0
    for month in made.files.manifest["months"]:
        rows = made.files.rows(month)[: month["with_point"]]
        keys = [(day, "".join(b + a for a, b in zip(f"{x:016b}", f"{y:016b}", strict=True))) for x, y, day, *_ in rows]
        assert keys == sorted(keys)
        pairs += sum(one[0] == other[0] for one, other in pairwise(keys))
    assert pairs > 100


def test_details_can_be_read_by_row_group(made: Made) -> None:
    month = max(made.files.manifest["months"], key=lambda entry: int(entry["rows"]))
    meta = pq.read_metadata(made.files.folder / month["details_file"])
    assert meta.num_row_groups == -(-month["rows"] // 4096)
    kinds = {meta.row_group(0).column(n).compression for n in range(meta.num_columns)}
    assert kinds <= {"SNAPPY", "UNCOMPRESSED"}


# Privacy -----------------------------------------------------------------------------------------------------------------


def test_sensitive_places_are_no_more_exact_than_in_the_release(made: Made) -> None:
    exact = made.base.city.query(
        "SELECT s.request_id, s.address, s.longitude, s.latitude FROM {sensitive_locations} AS s WHERE s.longitude IS NOT NULL"
    )
    places = {key: (lon, lat) for key, _, lon, lat in exact}
    found, off = 0, []
    for month in made.files.manifest["months"]:
        table = pq.read_table(
            made.files.folder / month["details_file"], columns=["request_id", "address", "is_sensitive"]
        )
        for row, said in zip(made.files.rows(month), table.to_pylist(), strict=True):
            if said["is_sensitive"] and said["request_id"] in places:
                lon, lat = places[said["request_id"]]
                coarse = (round(lon, 2), round(lat, 2))
                assert said["address"] is None
                assert meters(made.files.place(row[0], row[1]), coarse) < 1.5
                off.append(meters(made.files.place(row[0], row[1]), (lon, lat)))
                found += 1
    assert found == len(places) > 20
    assert sorted(off)[found // 2] > 100
    # An address that is known only from such requests is nowhere in the search index.
    others = {address for (address,) in made.base.city.query("SELECT DISTINCT address FROM {requests}")}
    hidden = {address for _, address, _, _ in exact} - others - {None}
    assert len(hidden) > 20
    assert not [address for address in hidden if made.files.find(address.replace(",", " "))]


# Addresses ---------------------------------------------------------------------------------------------------------------


def test_every_public_address_is_found_where_its_requests_are(made: Made) -> None:
    asked = made.base.city.query(
        "SELECT address, zip_code, list(longitude ORDER BY longitude), list(latitude ORDER BY latitude), list(council_code), count(*) "
        "FROM {requests} WHERE NOT is_sensitive AND trim(address) <> '' AND longitude IS NOT NULL GROUP BY ALL"
    )
    alone = Counter(address.split(",")[0] for address, *_ in asked)
    found = 0
    for address, zip_code, lons, lats, councils, count in random.Random(3).sample(asked, 400):
        places = made.files.find(f"{address.split(',')[0]} {zip_code or ''}")
        assert places, address
        if len(places) == 1 and alone[address.split(",")[0]] == 1 and places[0][3] == count:
            middle = (lons[(len(lons) - 1) // 2], lats[(len(lats) - 1) // 2])
            assert meters(places[0][1], middle) < 1.5, address
            assert places[0][2] in councils
            found += 1
    assert found > 200
    crossings = [address for address, *_ in asked if " AT " in address]
    one, other = crossings[0].split(",")[0].split(" AT ")
    assert made.files.find(f"{one} at {other}") and made.files.find(f"{other} & {one}"), "either way round"


def test_requests_are_counted_once_per_street_and_zip_code(made: Made) -> None:
    where = "WHERE NOT is_sensitive AND trim(address) <> '' AND longitude IS NOT NULL"
    ((expected,),) = made.base.city.query(f"SELECT sum(1 + (address LIKE '% AT %')::INT) FROM {{requests}} {where}")
    streets = [street for n in range(len(made.files.index["shards"])) for street in made.files.shard(n)]
    assert sum(sum(street["counts"]) for street in streets) == expected
    zips = made.base.city.query(
        f"SELECT zip_code, count(*) FROM {{requests}} {where} AND zip_code IS NOT NULL GROUP BY 1 ORDER BY 1"
    )
    assert [(entry["zip"], entry["count"]) for entry in made.files.index["zips"]] == zips


# Waits -------------------------------------------------------------------------------------------------------------------


def test_waits_count_the_requests_of_time_to_close(made: Made) -> None:
    found = {
        key: (sum(closed.values()), sum(closed.values()) + sum(censored.values()))
        for key, (closed, censored) in made.files.waits().items()
    }
    rows = made.base.city.query(
        "SELECT request_type_code, council_code, CAST(created_month AS VARCHAR), closed_count, request_count - unknown_count FROM "
        "{time_to_close} WHERE request_count > unknown_count"
    )
    assert found == {(kind, council, month): (closed, known) for kind, council, month, closed, known in rows}


def is_near(estimate: float | None, exact: float | None) -> bool:
    """Whether both are in one bin or in two that touch."""
    if estimate is None or exact is None:
        return estimate is exact
    one, other = (bisect_left(EDGES_SECONDS.tolist(), round(hours * 3600)) for hours in (estimate, exact))
    return abs(one - other) <= 1


def test_the_binned_median_is_within_one_bin_of_the_exact_one(made: Made) -> None:
    """Of single series of the release: nearly always. Where five requests make a median, it may hang on the order inside a bin."""
    waits = made.files.waits()
    rows = made.base.city.query(
        "SELECT request_type_code, council_code, CAST(created_month AS VARCHAR), median_hours FROM {time_to_close} "
        "WHERE request_count > unknown_count"
    )
    far = []
    for kind, council, month, exact in rows:
        closed, censored = (
            [counts[n] for n in range(len(EDGES_SECONDS) + 1)] for counts in waits[kind, council, month]
        )
        if not is_near(binned_quantile(closed, censored, 0.5), exact):
            far.append((kind, council, month, exact))
    assert len(far) <= 0.002 * len(rows), far
    assert sum(exact is None for *_, exact in rows) > 20


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75, 0.9])
def test_pooled_waits_give_the_quantiles_of_the_pooled_requests(made: Made, share: float) -> None:
    """Over all months, by type, by council and in all, against Kaplan-Meier in exact fractions."""
    rows = made.base.city.query(
        "SELECT request_type_code, council_code, is_closed, CAST(date_diff('second', created_at, CASE WHEN is_open THEN until_at ELSE "
        "closed_at END) AS BIGINT) FROM {requests} JOIN (SELECT source_dataset, max(greatest(created_at, COALESCE(updated_at, created_at), "
        "COALESCE(closed_at, created_at))) AS until_at FROM {requests} GROUP BY 1) USING (source_dataset) WHERE is_resident_demand AND "
        "(NOT is_closed OR hours_to_close IS NOT NULL) AND (is_open OR closed_at >= created_at)"
    )
    times: dict[tuple[str, str], list[tuple[int, bool]]] = defaultdict(list)
    pooled: dict[tuple[str, str], tuple[Counter[int], Counter[int]]] = defaultdict(lambda: (Counter(), Counter()))
    for kind, council, is_closed, seconds in rows:
        for key in ((kind, "all"), ("all", council), ("all", "all")):
            times[key].append((seconds, is_closed))
    for (kind, council, _), counts in made.files.waits().items():
        if council == "all":
            continue
        for key in ((kind, "all"), ("all", council), ("all", "all")):
            for into, more in zip(pooled[key], counts, strict=True):
                into.update(more)
    assert set(times) == set(pooled) and len(times) > 20
    for key, waited in times.items():
        closed, censored = ([counts[n] for n in range(len(EDGES_SECONDS) + 1)] for counts in pooled[key])
        assert sum(closed) + sum(censored) == len(waited)
        if len(waited) >= 30:
            exact = kaplan_meier(waited, Fraction(str(1 - share)).limit_denominator(100))
            assert is_near(binned_quantile(closed, censored, share), None if exact is None else exact / 3600), key


# Outlines ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("layer", "released"), [("councils", "council"), ("districts", "district")])
def test_outlines_keep_their_shape(made: Made, layer: str, released: str) -> None:
    rows = made.base.city.query(f"SELECT area_code, geometry FROM {{areas}} WHERE layer = '{released}' AND is_newest")
    found = made.files.outlines(layer)
    assert set(found) == {code for code, _ in rows}
    for code, text in rows:
        true, drawn = shapely.from_geojson(text), shapely.from_geojson(json.dumps(found[code]))
        assert drawn.is_valid
        assert true.symmetric_difference(drawn).area < 0.02 * true.area
        assert shapely.hausdorff_distance(true, drawn) < 0.0005


def test_neighbours_share_their_edges(made: Made) -> None:
    used: Counter[int] = Counter()

    def walk(arcs: object) -> None:
        if isinstance(arcs, int):
            used[arcs if arcs >= 0 else ~arcs] += 1
        else:
            for item in arcs:  # type: ignore[attr-defined]
                walk(item)

    for item in made.files.topology["objects"]["councils"]["geometries"]:
        walk(item["arcs"])
    assert sum(count >= 2 for count in used.values()) > 0.4 * len(used)


# The folder --------------------------------------------------------------------------------------------------------------


def test_the_same_releases_give_the_same_bytes(made: Made, tmp_path: Path) -> None:
    build(made.base.city.releases.snapshot(NAME), tmp_path / "again")
    assert MapFiles(tmp_path / "again").files() == made.files.files()
    assert [path.name for path in tmp_path.iterdir()] == ["again"]


def test_a_killed_build_leaves_what_was_there(made: Made, tmp_path: Path) -> None:
    """At any moment the manifest is the old or the new one, and all that it names is there and whole."""
    snapshot = made.base.city.releases.snapshot(NAME)
    out = tmp_path / "files"
    out.mkdir()
    for name, content in (("manifest.json", b"of before"), ("rows-of-before.bin", b"rows"), ("page.html", b"by hand")):
        (out / name).write_bytes(content)
    fork = multiprocessing.get_context("fork")
    began = time.monotonic()
    build(snapshot, tmp_path / "timed")
    whole = time.monotonic() - began
    dice = random.Random(5)
    killed = 0
    for _ in range(10):
        child = fork.Process(target=build, args=(snapshot, out))
        child.start()
        time.sleep(dice.uniform(0.02, 1.0) * whole)
        if child.is_alive():
            child.kill()
            killed += 1
        child.join()
        now = MapFiles(out).files()
        if now["manifest.json"] == b"of before":
            assert now["rows-of-before.bin"] == b"rows"
        else:
            assert now.items() >= made.files.files().items()
    assert killed > 2
    build(snapshot, out)
    assert MapFiles(out).files() == made.files.files() | {"page.html": b"by hand"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["files", "timed"], "what the killed ones left is gone"
