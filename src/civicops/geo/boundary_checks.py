"""What is checked on boundaries: one id and one sentence per check, one function that runs them all.

Belongs here: looking. Does not belong here: deciding what a finding leads to (the caller's contract), mending
(`repair.py`), reading (`boundaries.py`).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from types import MappingProxyType

import shapely
from shapely.geometry.base import BaseGeometry

from civicops.geo.boundaries import (
    Boundary,
    BoundaryFinding,
    BoundarySet,
    BoundarySpec,
    is_lon_lat,
    parse_boundaries,
)

CHECKS = MappingProxyType(
    {
        "code_null": "Every area needs a code; this one's is empty.",
        "code_placeholder": "A code that stands for 'no area' names an area.",
        "code_property_missing": "The property that should hold the code is absent.",
        "code_repeated": "Two features carry the same code, so a point in either could not be told apart.",
        "code_unreadable": "The code is neither text nor a whole number.",
        "coordinates_not_lon_lat": "Coordinates lie beyond 180 degrees of longitude or 90 of latitude.",
        "feature_count": "The file has more or fewer features than the caller declared.",
        "feature_unreadable": "An entry in the list of features is not a feature.",
        "geometry_invalid": "The outline crosses or touches itself, so inside and outside are not well defined.",
        "geometry_missing": "The feature has no outline.",
        "geometry_not_polygon": "The feature is a point, a line or a collection, not an area.",
        "geometry_unreadable": "The outline's coordinates do not make closed rings.",
        "name_missing": "The area has no name to show to people.",
        "part_beyond_bbox": "A part of the area reaches beyond the expected bounding box.",
        "part_outside_bbox": "A part of the area lies wholly outside the expected bounding box.",
        "part_without_area": "A part of the area is so small that it is a remnant of digitising.",
        "third_coordinate": "Coordinates carry a height, which is not used.",
    }
)

EARTH_RADIUS_M = 6_371_008.8  # mean radius, IUGG


def read_boundaries(content: bytes, spec: BoundarySpec) -> tuple[BoundarySet, tuple[BoundaryFinding, ...]]:
    """Read a GeoJSON FeatureCollection strictly: its boundaries as they are, and everything found wrong with them.

    Findings come in the order of the file, those on the file as a whole last. Raises `BoundaryError` for bytes that are
    not a FeatureCollection in longitude and latitude (a declared projection is refused, never guessed at).
    """
    boundaries, findings = parse_boundaries(content, spec)
    found = [*findings, *check_boundaries(boundaries, spec)]
    last = len(boundaries.boundaries) + len(boundaries.left_out)
    return boundaries, tuple(sorted(found, key=lambda f: last if f.feature_index is None else f.feature_index))


def check_boundaries(boundaries: BoundarySet, spec: BoundarySpec) -> tuple[BoundaryFinding, ...]:
    """Check boundaries that were read, or mended since: codes against each other, and every geometry."""
    found: list[BoundaryFinding] = [*_codes(boundaries), *_count(boundaries, spec)]
    for boundary in boundaries.boundaries:
        for check_id, message in _geometry(boundary, spec):
            found.append(BoundaryFinding(check_id, boundary.feature_index, boundary.code, message))
    return tuple(found)


def area_m2(geometry: BaseGeometry) -> float:
    """Approximate area in square metres of a small geometry in degrees (plate carree at its middle latitude)."""
    if geometry.is_empty:
        return 0.0
    _, south, _, north = geometry.bounds
    metres = math.radians(1.0) * EARTH_RADIUS_M
    return float(geometry.area) * metres * metres * math.cos(math.radians((south + north) / 2))


def _codes(boundaries: BoundarySet) -> Iterator[BoundaryFinding]:
    where: defaultdict[str, list[int]] = defaultdict(list)
    for boundary in boundaries.boundaries:
        if boundary.code is not None:
            where[boundary.code].append(boundary.feature_index)
    for code, indexes in where.items():
        for index in indexes if len(indexes) > 1 else []:
            others = ", ".join(str(i) for i in indexes if i != index)
            yield BoundaryFinding("code_repeated", index, code, f"The code {code!r} is also that of feature {others}.")


def _count(boundaries: BoundarySet, spec: BoundarySpec) -> Iterator[BoundaryFinding]:
    number = len(boundaries.boundaries) + len(boundaries.left_out)
    if spec.features is not None and number != spec.features:
        message = f"There are {number} features where {spec.features} were expected."
        yield BoundaryFinding("feature_count", None, None, message)


def _geometry(boundary: Boundary, spec: BoundarySpec) -> Iterator[tuple[str, str]]:
    geometry = boundary.geometry
    if not is_lon_lat(geometry):
        west, south, east, north = geometry.bounds
        yield (
            "coordinates_not_lon_lat",
            f"Its coordinates reach from ({west:g}, {south:g}) to ({east:g}, {north:g}).",
        )
        return  # sizes and places would be nonsense
    if not geometry.is_valid:
        yield "geometry_invalid", f"{shapely.is_valid_reason(geometry)}."
    for part in shapely.get_parts(geometry):
        yield from _part(part, spec)


def _part(part: BaseGeometry, spec: BoundarySpec) -> Iterator[tuple[str, str]]:
    where = part_place(part)
    if part_is_without_area(part, spec):
        yield "part_without_area", f"The part at {where} covers {area_m2(part):.3g} square metres."
    west, south, east, north = part.bounds
    if part_is_outside(part, spec):
        yield "part_outside_bbox", f"The part at {where} lies wholly outside {_box(spec)}."
    elif west < spec.bbox[0] or south < spec.bbox[1] or east > spec.bbox[2] or north > spec.bbox[3]:
        yield "part_beyond_bbox", f"The part at {where} reaches beyond {_box(spec)}."


def part_place(part: BaseGeometry) -> str:
    """Where to look for a part on a map: its first corner."""
    corners = shapely.get_coordinates(part)
    return "({:.4f}, {:.4f})".format(*corners[0]) if len(corners) else "no coordinates"


def make_valid(geometry: BaseGeometry) -> BaseGeometry:
    """The valid polygons an invalid outline encloses: overlapping loops are joined, spikes without area go."""
    return shapely.make_valid(geometry, method="structure", keep_collapsed=False)


def part_is_without_area(part: BaseGeometry, spec: BoundarySpec) -> bool:
    """Whether a part is a remnant of digitising, smaller than `spec.least_part_m2`.

    An outline that crosses itself is measured by what it encloses, for the signed areas of its loops cancel out.
    """
    if not part.is_valid:
        part = make_valid(part)
    return area_m2(part) < spec.least_part_m2


def part_is_outside(part: BaseGeometry, spec: BoundarySpec) -> bool:
    """Whether no point of a part can lie in the expected bounding box."""
    west, south, east, north = part.bounds
    return bool(east < spec.bbox[0] or west > spec.bbox[2] or north < spec.bbox[1] or south > spec.bbox[3])


def _box(spec: BoundarySpec) -> str:
    return "the box ({:g}, {:g}) to ({:g}, {:g})".format(*spec.bbox)
