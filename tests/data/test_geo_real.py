"""The real boundary files and the real requests: facts measured once by other means, reproduced by `civicops.geo`.

The samples are not part of the repository (README, "real samples"); without them this file is skipped.
"""

from __future__ import annotations

import csv
import json
import math
import os
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from civicops.geo import (
    BoundaryError,
    BoundaryFinding,
    BoundarySet,
    BoundarySpec,
    PlaceIndex,
    check_boundaries,
    read_boundaries,
    repair_boundaries,
)

ROOT = Path(os.environ.get("CIVICOPS_REALDATA", Path(__file__).parents[3] / "shared" / "realdata")) / "311"
pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not ROOT.is_dir(), reason="the real samples are absent; set CIVICOPS_REALDATA to their folder"),
]

CITY = (-118.67, 33.70, -118.15, 34.34)
COUNTY = (-119.0, 32.75, -117.4, 34.9)


@cache
def read(name: str, code: str, label: str, features: int) -> tuple[BoundarySet, tuple[BoundaryFinding, ...]]:
    spec = BoundarySpec(code, label, COUNTY if "county" in name else CITY, features)
    return read_boundaries((ROOT / "geo" / f"{name}.geojson").read_bytes(), spec)


def counts(findings: tuple[BoundaryFinding, ...]) -> Counter[str]:
    return Counter(finding.check_id for finding in findings)


@cache
def current() -> PlaceIndex:
    boundaries, _ = read("nc_current_99", "NC_ID", "NAME", 99)
    mended, _ = repair_boundaries(boundaries, BoundarySpec("NC_ID", "NAME", CITY, 99))
    return PlaceIndex.build(mended.areas())


def test_current_councils_have_four_outlines_that_touch_themselves_and_two_remnants() -> None:
    boundaries, findings = read("nc_current_99", "NC_ID", "NAME", 99)
    assert len(boundaries.boundaries) == 99
    assert sum(len(shapely.get_coordinates(b.geometry)) for b in boundaries.boundaries) == 62_839
    assert counts(findings) == {"geometry_invalid": 4, "part_without_area": 2}
    assert {f.area_code for f in findings if f.check_id == "geometry_invalid"} == {"79", "44", "29", "48"}
    spec = BoundarySpec("NC_ID", "NAME", CITY, 99)
    mended, changes = repair_boundaries(boundaries, spec)
    assert check_boundaries(mended, spec) == ()
    assert Counter(change.kind for change in changes) == {"made_valid": 4, "dropped_part_without_area": 2}
    assert all(abs(change.area_change_m2) < 0.2 for change in changes)


@pytest.mark.parametrize(
    ("name", "code", "label", "features", "expected"),
    [
        ("nc_2019_modified_99", "nc_id", "name", 99, {}),
        ("city_council_districts_2012_15", "name", "name", 15, {}),
        ("la_county_neighborhoods_v6_318", "external_id", "name", 318, {"geometry_invalid": 4}),
        ("la_county_municipal_regions_7", "external_id", "name", 7, {"geometry_invalid": 1}),
    ],
)
def test_other_files_in_degrees(name: str, code: str, label: str, features: int, expected: dict[str, int]) -> None:
    boundaries, findings = read(name, code, label, features)
    assert counts(findings) == expected
    assert boundaries.left_out == ()
    mended, _ = repair_boundaries(boundaries, BoundarySpec(code, label, COUNTY if "county" in name else CITY))
    assert len(PlaceIndex.build(mended.areas(), cells=64, split=4).codes) == features


def test_a_declared_number_of_features_that_is_not_there_is_found() -> None:
    _, findings = read("nc_2019_modified_99", "nc_id", "name", 97)
    assert [finding.message for finding in findings] == ["There are 99 features where 97 were expected."]


def test_the_2020_file_has_repeated_empty_and_placeholder_codes_heights_and_remnants() -> None:
    boundaries, findings = read("nc_2020_geohub_100", "nc_id", "Name", 100)
    assert counts(findings) == {
        "code_placeholder": 2,
        "code_null": 2,
        "code_repeated": 4,
        "part_without_area": 7,
        "third_coordinate": 1,
    }
    by_code = Counter(f.area_code for f in findings if f.check_id == "code_repeated")
    assert by_code == {"0": 2, "63": 2}
    named = {b.feature_index: (b.name or "").casefold() for b in boundaries.boundaries}
    remnants = {
        named[f.feature_index] for f in findings if f.check_id == "part_without_area" and f.feature_index is not None
    }
    assert remnants == {"historic cultural north", "westwood"}
    assert not any(b.geometry.has_z for b in boundaries.boundaries)
    with pytest.raises(BoundaryError, match="Features 98, 99"):
        boundaries.areas()


def test_the_projected_file_is_refused_and_so_it_is_when_it_does_not_say_so() -> None:
    content = (ROOT / "geo" / "nc_2020_geohub_100_EPSG3857.geojson").read_bytes()
    spec = BoundarySpec("nc_id", "Name", CITY, 100)
    with pytest.raises(BoundaryError, match="EPSG::3857"):
        read_boundaries(content, spec)
    document = json.loads(content)
    del document["crs"]
    boundaries, findings = read_boundaries(json.dumps(document).encode(), spec)
    assert counts(findings)["coordinates_not_lon_lat"] == 100
    with pytest.raises(BoundaryError, match="not degrees"):
        boundaries.without(98, 99).areas()


def test_eight_slivers_of_one_council_lie_seventy_kilometres_outside_the_city() -> None:
    """They are in the projected file only; brought to degrees (spherical Mercator) they are found and dropped."""
    document = json.loads((ROOT / "geo" / "nc_2020_geohub_100_EPSG3857.geojson").read_bytes())
    radius = 6_378_137.0

    def degrees(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        latitude = np.degrees(2 * np.arctan(np.exp(xy[:, 1] / radius)) - math.pi / 2)
        return np.column_stack([np.degrees(xy[:, 0] / radius), latitude])

    del document["crs"]
    for feature in document["features"]:
        shape = shapely.transform(shapely.from_geojson(json.dumps(feature["geometry"])), degrees)
        feature["geometry"] = json.loads(shapely.to_geojson(shape))
    spec = BoundarySpec("nc_id", "Name", CITY, 100)
    boundaries, findings = read_boundaries(json.dumps(document).encode(), spec)
    outside = [f for f in findings if f.check_id == "part_outside_bbox"]
    assert len(outside) == 8
    assert {f.feature_index for f in outside} == {8}
    assert boundaries.boundaries[8].name == "Sunland-Tujunga"
    assert all("(-117.6574, 34.91" in f.message for f in outside)
    mended, changes = repair_boundaries(boundaries, spec)
    assert Counter(change.kind for change in changes)["dropped_part_outside_bbox"] == 8
    assert mended.boundaries[8].geometry.bounds[2] < -118.2
    assert "part_outside_bbox" not in counts(check_boundaries(mended, spec))


@dataclass(frozen=True)
class Requests:
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    council: list[str]


def requests(name: str) -> Requests:
    with (ROOT / "requests" / name).open(newline="", encoding="utf-8-sig") as file:
        rows = [{key.lower(): value for key, value in row.items()} for row in csv.DictReader(file)]
    rows = [row for row in rows if row["latitude"] and row["longitude"]]
    return Requests(
        np.array([float(row["longitude"]) for row in rows]),
        np.array([float(row["latitude"]) for row in rows]),
        [row["nc"].strip().removesuffix(".0") for row in rows],
    )


@pytest.mark.parametrize(
    ("sample", "points", "outside", "in_several", "agree", "disagree", "chosen_agrees"),
    [
        ("myla311_2017_raw33_9999.csv", 8_246, 93, 14, 8_035, 111, 8_026),
        ("myla311_2018a_raw33_10000.csv", 8_898, 110, 8, 8_636, 134, 8_632),
        ("myla311_2020_db35_10000.csv", 9_989, 124, 11, 9_771, 89, 9_766),
    ],
)
def test_measured_facts_of_the_samples(
    sample: str, points: int, outside: int, in_several: int, agree: int, disagree: int, chosen_agrees: int
) -> None:
    """Agreement: the city's own council is one of those that hold the point. Rows it gives no council, and points
    outside all councils, neither agree nor disagree. `chosen_agrees` is stricter: the council our rule chooses is the
    city's; it is pinned so that a change of the rule shows."""
    data, index = requests(sample), current()
    placed = index.place(data.lon, data.lat)
    assert len(data.lon) == points
    assert int((placed.area == -1).sum()) == outside
    assert int((placed.matches > 1).sum()) == in_several
    every = index.place_all(data.lon, data.lat)
    codes = np.array(index.codes)
    stated = np.array(data.council)
    agreeing = every.point[codes[every.area] == stated[every.point]]
    assert len(agreeing) == len(set(agreeing.tolist())) == agree
    assert int(((placed.area >= 0) & (stated != "")).sum()) - agree == disagree
    assert int(((placed.area >= 0) & (codes[placed.area] == stated)).sum()) == chosen_agrees


def test_geocode_facts() -> None:
    """The old API placed the first point in its council 44, which is the city's 19, and the second in none."""
    with (ROOT / "dims" / "councils.csv").open(newline="", encoding="utf-8") as file:
        city_code = {row["council_id"]: row["data_code"] for row in csv.DictReader(file)}
    index = current()
    placed = index.place([-118.483917, -118.48], [34.195059, 35.19])
    assert index.codes[placed.area[0]] == city_code["44"] == "19"
    assert placed.area[1] == -1


def test_equal_to_shapely_on_the_real_councils() -> None:
    """Requests, corners, points on edges and beside corners, points all over: all of them asked about every area."""
    boundaries, _ = read("nc_current_99", "NC_ID", "NAME", 99)
    mended, _ = repair_boundaries(boundaries, BoundarySpec("NC_ID", "NAME", CITY, 99))
    areas, rng = mended.areas(), np.random.default_rng(11)
    shapes = np.array([area.geometry for area in areas], dtype=object)
    corners = shapely.get_coordinates(shapes)
    data = requests("myla311_2017_raw33_9999.csv")
    points = np.concatenate(
        [
            np.column_stack([data.lon, data.lat]),
            corners[::3],
            (corners[:-1] + corners[1:])[::3] / 2,
            np.nextafter(corners[::5], 0.0),
            corners[::5] + rng.normal(0, 1e-6, (len(corners[::5]), 2)),
            rng.uniform(CITY[:2], CITY[2:], (20_000, 2)),
        ]
    )
    tree = shapely.STRtree(shapes)
    point, area = tree.query(shapely.points(points), predicate="intersects")
    expected = sorted(zip(point.tolist(), area.tolist(), strict=True))
    placed = current().place(points[:, 0], points[:, 1])
    every = current().place_all(points[:, 0], points[:, 1])
    assert sorted(zip(every.point.tolist(), every.area.tolist(), strict=True)) == expected
    assert placed.matches.tolist() == np.bincount(point, minlength=len(points)).tolist()
    size = {i: (a.geometry.area, a.code) for i, a in enumerate(areas)}
    best: dict[int, int] = {}
    for p, a in expected:
        best[p] = a if p not in best else min(best[p], a, key=size.__getitem__)
    assert placed.area.tolist() == [best.get(p, -1) for p in range(len(points))]
