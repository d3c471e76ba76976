"""Boundary files: every kind of odd file made here, each read to exactly the findings it deserves; then repairs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Polygon, box, mapping
from shapely.geometry.base import BaseGeometry

from civicops.geo import (
    CHECKS,
    BoundaryError,
    BoundarySpec,
    PlaceIndex,
    area_m2,
    check_boundaries,
    read_boundaries,
    repair_boundaries,
)

SPEC = BoundarySpec("id", "name", (-10.0, -10.0, 10.0, 10.0))
BOW_TIE = Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])


def feature(geometry: BaseGeometry | dict[str, Any] | None, code: object = "1", **properties: object) -> dict[str, Any]:
    shape = mapping(geometry) if isinstance(geometry, BaseGeometry) else geometry
    return {"type": "Feature", "properties": {"id": code, "name": "Somewhere", **properties}, "geometry": shape}


def collection(*features: object, **members: object) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": features, **members}).encode()


def found(content: bytes, spec: BoundarySpec = SPEC) -> list[tuple[str, int | None]]:
    _, findings = read_boundaries(content, spec)
    assert all(finding.check_id in CHECKS for finding in findings)
    return [(finding.check_id, finding.feature_index) for finding in findings]


def test_a_sound_file_has_no_findings_and_becomes_an_index() -> None:
    content = collection(feature(box(0, 0, 1, 1), 7, region="R"), feature(box(1, 0, 2, 1), "8"))
    boundaries, findings = read_boundaries(content, replace(SPEC, features=2))
    assert findings == ()
    assert [(b.code, b.name, b.properties["region"]) for b in boundaries.boundaries[:1]] == [("7", "Somewhere", "R")]
    index = PlaceIndex.build(boundaries.areas(), cells=8, split=2)
    assert [index.codes[i] for i in index.place([0.5, 1.5], [0.5, 0.5]).area] == ["7", "8"]


SQUARE = box(0, 0, 1, 1)
OPEN_RING = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1]]]}
NO_NUMBER = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, "x"], [0, 0]]]}
BARE = {"type": "Feature", "properties": None, "geometry": mapping(SQUARE)}
FAR_SLIVER = box(20, 20, 20 + 1e-6, 20 + 1e-6)


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ([feature(BOW_TIE)], [("geometry_invalid", 0)]),
        ([feature(None)], [("geometry_missing", 0)]),
        ([feature(Polygon())], [("geometry_missing", 0)]),
        ([feature(shapely.Point(0, 0))], [("geometry_not_polygon", 0)]),
        ([feature({"type": "Polygon"})], [("geometry_unreadable", 0)]),
        ([feature(OPEN_RING)], [("geometry_unreadable", 0)]),
        ([feature(NO_NUMBER)], [("geometry_unreadable", 0)]),
        (["no feature"], [("code_property_missing", 0), ("name_missing", 0), ("feature_unreadable", 0)]),
        ([BARE], [("code_property_missing", 0), ("name_missing", 0)]),
        ([feature(SQUARE), feature(box(2, 2, 3, 3))], [("code_repeated", 0), ("code_repeated", 1)]),
        ([feature(SQUARE), feature(None)], [("geometry_missing", 1)]),
        ([feature(SQUARE, None)], [("code_null", 0)]),
        ([feature(SQUARE, "")], [("code_null", 0)]),
        ([feature(SQUARE, 0)], [("code_placeholder", 0)]),
        ([feature(SQUARE, "0")], [("code_placeholder", 0)]),
        ([feature(SQUARE, 1.5)], [("code_unreadable", 0)]),
        ([feature(SQUARE, True)], [("code_unreadable", 0)]),
        ([feature(SQUARE, [1])], [("code_unreadable", 0)]),
        ([feature(SQUARE, name=" ")], [("name_missing", 0)]),
        ([feature(box(20, 20, 21, 21))], [("part_outside_bbox", 0)]),
        ([feature(box(9, 9, 11, 11))], [("part_beyond_bbox", 0)]),
        ([feature(box(-13e6, 4e6, -12e6, 5e6))], [("coordinates_not_lon_lat", 0)]),
        ([feature(box(0, 0, 1e-6, 1e-6))], [("part_without_area", 0)]),
        ([feature(MultiPolygon([SQUARE, FAR_SLIVER]))], [("part_without_area", 0), ("part_outside_bbox", 0)]),
        ([feature(shapely.force_3d(SQUARE, 5.0))], [("third_coordinate", None)]),
    ],
)
def test_each_fault_is_found_and_nothing_else(case: list[Any], expected: list[tuple[str, int | None]]) -> None:
    assert found(collection(*case)) == expected


def test_a_wrong_number_of_features_is_found() -> None:
    content = collection(feature(box(0, 0, 1, 1)), feature(None, "2"))
    assert ("feature_count", None) not in found(content, replace(SPEC, features=2))
    assert ("feature_count", None) in found(content, replace(SPEC, features=3))


def test_heights_are_dropped_and_the_outline_is_not() -> None:
    boundaries, _ = read_boundaries(collection(feature(shapely.force_3d(box(0, 0, 1, 1), 5.0))), SPEC)
    assert not boundaries.boundaries[0].geometry.has_z
    assert boundaries.boundaries[0].geometry.equals(box(0, 0, 1, 1))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "not JSON"),
        (b"<html>Service unavailable</html>", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"type": "FeatureCollection", "features": [], "features": []}', "'features' occurs twice"),
        (b'{"type": "FeatureCollection", "features": [NaN]}', "NaN is not a JSON number"),
        (b"[]", "not a GeoJSON FeatureCollection"),
        (b'{"type": "Topology"}', "'Topology'"),
        (b'{"type": "FeatureCollection"}', "no list of features"),
        (collection(crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}), "EPSG::3857"),
        (collection(crs={"type": "link", "properties": {}}), "coordinate system"),
        (collection(crs="EPSG:2229"), "EPSG:2229"),
    ],
)
def test_files_that_cannot_be_read_are_refused_in_one_line(content: bytes, problem: str) -> None:
    with pytest.raises(BoundaryError, match=problem) as caught:
        read_boundaries(content, SPEC)
    assert "\n" not in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("name", ["urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:EPSG::4326", "EPSG:4326"])
def test_declared_longitude_and_latitude_is_accepted_and_so_is_a_byte_order_mark(name: str) -> None:
    content = collection(feature(box(0, 0, 1, 1)), crs={"type": "name", "properties": {"name": name}})
    assert found(b"\xef\xbb\xbf" + content) == []


def test_features_without_code_or_outline_must_be_left_out_on_purpose() -> None:
    content = collection(feature(box(0, 0, 1, 1)), feature(box(2, 2, 3, 3), None), feature(None, "3"))
    boundaries, _ = read_boundaries(content, SPEC)
    assert boundaries.left_out == (2,)
    with pytest.raises(BoundaryError, match="Features 1, 2"):
        boundaries.areas()
    assert [area.code for area in boundaries.without(1, 2).areas()] == ["1"]


def test_undeclared_projected_coordinates_never_become_areas() -> None:
    boundaries, _ = read_boundaries(collection(feature(box(-13e6, 4e6, -12e6, 5e6))), SPEC)
    with pytest.raises(BoundaryError, match="not degrees"):
        boundaries.areas()


def test_repairs_are_listed_and_leave_sound_boundaries_alone() -> None:
    sliver, far = box(3, 3, 3 + 1e-6, 3 + 1e-6), box(40, 40, 41, 41)
    content = collection(
        feature(BOW_TIE, "bow"),
        feature(MultiPolygon([box(0, 0, 1, 1), sliver, far]), "parts"),
        feature(box(5, 5, 6, 6), "ok"),
    )
    boundaries, _ = read_boundaries(content, SPEC)
    mended, changes = repair_boundaries(boundaries, SPEC)
    assert [(change.kind, change.area_code) for change in changes] == [
        ("made_valid", "bow"),
        ("dropped_part_without_area", "parts"),
        ("dropped_part_outside_bbox", "parts"),
    ]
    assert changes[1].area_change_m2 == pytest.approx(-area_m2(sliver))
    assert changes[2].area_change_m2 == pytest.approx(-area_m2(far))
    assert mended.boundaries[0].geometry.area == pytest.approx(2.0)
    assert mended.boundaries[1].geometry.equals(box(0, 0, 1, 1))
    assert mended.boundaries[2] is boundaries.boundaries[2]
    assert check_boundaries(mended, SPEC) == ()
    assert boundaries.boundaries[0].geometry.equals_exact(BOW_TIE)  # reading's values are untouched


def test_overlapping_parts_of_one_area_stay_inside_when_mended() -> None:
    boundaries, findings = read_boundaries(collection(feature(MultiPolygon([box(0, 0, 2, 2), box(1, 0, 3, 2)]))), SPEC)
    assert [finding.check_id for finding in findings] == ["geometry_invalid"]
    mended, _ = repair_boundaries(boundaries, SPEC)
    assert mended.boundaries[0].geometry.equals(box(0, 0, 3, 2))


@pytest.mark.parametrize(
    "shape", [box(40, 40, 41, 41), box(0, 0, 1e-6, 1e-6), Polygon([(0, 0), (1, 1), (0, 0), (0, 0)])]
)
def test_a_boundary_of_which_nothing_would_be_left_stays_with_its_findings(shape: BaseGeometry) -> None:
    boundaries, findings = read_boundaries(collection(feature(shape)), SPEC)
    mended, changes = repair_boundaries(boundaries, SPEC)
    assert (mended, changes) == (boundaries, ())
    assert check_boundaries(mended, SPEC) == findings != ()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(-12, 12), st.integers(-12, 12)), min_size=3, max_size=8), min_size=1, max_size=4
    )
)
def test_repairing_twice_changes_nothing_more(rings: list[list[tuple[int, int]]]) -> None:
    shape = {"type": "MultiPolygon", "coordinates": [[[*ring, ring[0]]] for ring in rings]}
    boundaries, _ = read_boundaries(collection(feature(shape)), SPEC)
    once, changes = repair_boundaries(boundaries, SPEC)
    if changes:
        assert once.boundaries[0].geometry.is_valid
    assert repair_boundaries(once, SPEC) == (once, ())


def test_area_in_square_metres_is_that_of_the_sphere() -> None:
    """One degree square on the equator of a sphere: R^2 * pi/180 * (sin 0.5 - sin -0.5)."""
    assert area_m2(box(0, -0.5, 1, 0.5)) == pytest.approx(1.23637e10, rel=1e-4)
    assert area_m2(box(0, 59.5, 1, 60.5)) == pytest.approx(1.23637e10 / 2, rel=1e-3)
