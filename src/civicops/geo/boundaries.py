"""Boundary files: a GeoJSON FeatureCollection read strictly into values, and everything odd about it as findings.

Belongs here: reading bytes, the values that hold boundaries, turning them into areas for `PlaceIndex`. Does not belong
here: what is checked on the geometry (`boundary_checks.py`), mending it (`repair.py`), where files come from, which
properties a city uses (the caller says so in a `BoundarySpec`).

Nothing is mended while reading: a boundary that reaches `BoundarySet` is the file's own, save that a third
coordinate is dropped (and counted in a finding). A feature that cannot be read at all is left out, listed in
`left_out`, and has a finding; features in the file = boundaries + left out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import shapely
from shapely.errors import ShapelyError
from shapely.geometry.base import BaseGeometry

from civicops.errors import CivicopsError
from civicops.geo.place import Area

# RFC 7946 has no other system than this one; older writers still declare it, in one of these spellings. An axis order
# turned round by such a declaration shows as parts outside the bounding box.
LON_LAT_NAMES = frozenset(
    {
        "urn:ogc:def:crs:OGC:1.3:CRS84",
        "urn:ogc:def:crs:OGC::CRS84",
        "urn:ogc:def:crs:EPSG::4326",
        "OGC:CRS84",
        "EPSG:4326",
    }
)


class BoundaryError(CivicopsError):
    """A boundary file that cannot be used as it is."""


@dataclass(frozen=True)
class BoundarySpec:
    """What the caller expects of a file.

    `bbox` is (west, south, east, north) in degrees: no part of any boundary should leave it. `features` is the expected
    number of features. `placeholder_codes` are codes that stand for "no area" and may not name one. A part smaller than
    `least_part_m2` square metres is a digitising remnant, not a place.
    """

    code_property: str
    name_property: str
    bbox: tuple[float, float, float, float]
    features: int | None = None
    placeholder_codes: frozenset[str] = frozenset({"0"})
    least_part_m2: float = 1.0


@dataclass(frozen=True)
class Boundary:
    """One feature: its place in the file (from 0), its code and name as text (None where absent), its 2-D geometry."""

    feature_index: int
    code: str | None
    name: str | None
    geometry: BaseGeometry
    properties: Mapping[str, Any]


@dataclass(frozen=True)
class BoundaryFinding:
    """Something odd. `check_id` is a key of `boundary_checks.CHECKS`; what concerns the file has no feature index."""

    check_id: str
    feature_index: int | None
    area_code: str | None
    message: str


@dataclass(frozen=True)
class BoundarySet:
    """The boundaries of one file, in its order; `left_out` are features that have no readable polygon."""

    boundaries: tuple[Boundary, ...]
    left_out: tuple[int, ...]
    sha256: str  # of the bytes that were read

    def without(self, *feature_indexes: int) -> BoundarySet:
        """The same set after a decision to do without these features (read or left out)."""
        dropped = frozenset(feature_indexes)
        return replace(
            self,
            boundaries=tuple(b for b in self.boundaries if b.feature_index not in dropped),
            left_out=tuple(i for i in self.left_out if i not in dropped),
        )

    def areas(self) -> tuple[Area, ...]:
        """Areas for `PlaceIndex.build`, which itself refuses broken geometry and repeated codes.

        Raises `BoundaryError` while a feature was left out or has no code (an index that lacks a place is decided on,
        see `without`, not slipped into), and for coordinates that are not degrees.
        """
        if not all(is_lon_lat(b.geometry) for b in self.boundaries):
            raise BoundaryError(
                "The boundary file has coordinates that are not degrees of longitude and latitude.",
                hint="Export it again in WGS 84 (EPSG:4326, CRS84).",
            )
        lost = [*self.left_out, *(b.feature_index for b in self.boundaries if b.code is None)]
        if lost:
            raise BoundaryError(
                f"Features {', '.join(map(str, sorted(lost)))} of the boundary file have no polygon or no code.",
                hint="Mend the file, or leave them out on purpose with BoundarySet.without().",
            )
        return tuple(Area(b.code, b.geometry) for b in self.boundaries if b.code is not None)


def is_lon_lat(geometry: BaseGeometry) -> bool:
    """Whether all coordinates lie within 180 degrees of longitude and 90 of latitude."""
    west, south, east, north = geometry.bounds
    return bool(west >= -180 and east <= 180 and south >= -90 and north <= 90)


def parse_boundaries(content: bytes, spec: BoundarySpec) -> tuple[BoundarySet, tuple[BoundaryFinding, ...]]:
    """Parse a FeatureCollection; see `boundary_checks.read_boundaries` for parsing and checking in one.

    The findings are those that only the file can show (codes, properties, unreadable features, dropped coordinates).
    Raises `BoundaryError` when the bytes are not a GeoJSON FeatureCollection in longitude and latitude.
    """
    features = _features(content)
    boundaries: list[Boundary] = []
    left_out: list[int] = []
    findings: list[BoundaryFinding] = []
    raised: list[int] = []
    for index, feature in enumerate(features):
        properties = feature.get("properties") if isinstance(feature, dict) else None
        properties = properties if isinstance(properties, dict) else {}
        code, code_findings = _code(index, properties, spec)
        name, name_findings = _name(index, code, properties, spec)
        findings += [*code_findings, *name_findings]
        geometry, problem = _geometry(feature)
        if geometry is None:
            left_out.append(index)
            findings.append(BoundaryFinding(problem[0], index, code, problem[1]))
            continue
        if geometry.has_z:
            raised.append(index)
            geometry = shapely.force_2d(geometry)
        boundaries.append(Boundary(index, code, name, geometry, MappingProxyType(properties)))
    if raised:
        message = f"{len(raised)} of {len(features)} features carry a third coordinate; it was dropped."
        findings.append(BoundaryFinding("third_coordinate", None, None, message))
    digest = hashlib.sha256(content).hexdigest()
    return BoundarySet(tuple(boundaries), tuple(left_out), digest), tuple(findings)


def _features(content: bytes) -> list[Any]:
    try:
        document = json.loads(
            content.decode("utf-8-sig"), object_pairs_hook=_closed_object, parse_constant=_no_constant
        )
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise BoundaryError(f"The boundary file is not JSON: {error}.", hint="Download it again as GeoJSON.") from error
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        found = document.get("type") if isinstance(document, dict) else type(document).__name__
        raise BoundaryError(
            f"The boundary file is not a GeoJSON FeatureCollection (it is {found!r}).",
            hint="Export all features of the layer as one GeoJSON file.",
        )
    _refuse_projection(document.get("crs"))
    features = document.get("features")
    if not isinstance(features, list):
        raise BoundaryError("The boundary file has no list of features.", hint="Download it again as GeoJSON.")
    return features


def _closed_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON leaves open which of two equal keys counts, so a file with both is not readable one way only."""
    made = dict(pairs)
    if len(made) != len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"key {next(k for k in keys if keys.count(k) > 1)!r} occurs twice in one object")
    return made


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is not a JSON number")


def _refuse_projection(crs: Any) -> None:
    if crs is None:
        return  # RFC 7946: longitude and latitude on WGS 84
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    if name not in LON_LAT_NAMES:
        raise BoundaryError(
            f"The boundary file declares the coordinate system {name or crs!r}, not longitude and latitude.",
            hint="Export it again in WGS 84 (EPSG:4326, CRS84).",
        )


def _code(index: int, properties: Mapping[str, Any], spec: BoundarySpec) -> tuple[str | None, list[BoundaryFinding]]:
    if spec.code_property not in properties:
        message = f"There is no property {spec.code_property!r}."
        return None, [BoundaryFinding("code_property_missing", index, None, message)]
    value = properties[spec.code_property]
    if value is None or value == "":
        message = f"Property {spec.code_property!r} is empty."
        return None, [BoundaryFinding("code_null", index, None, message)]
    whole = value.is_integer() if isinstance(value, float) else isinstance(value, int | str)
    if not whole or isinstance(value, bool):
        message = f"Property {spec.code_property!r} is {value!r}, which cannot be a code."
        return None, [BoundaryFinding("code_unreadable", index, None, message)]
    code = str(int(value)) if isinstance(value, float) else str(value)
    if code in spec.placeholder_codes:
        message = f"The code {code!r} means no area, but this feature is one."
        return code, [BoundaryFinding("code_placeholder", index, code, message)]
    return code, []


def _name(
    index: int, code: str | None, properties: Mapping[str, Any], spec: BoundarySpec
) -> tuple[str | None, list[BoundaryFinding]]:
    value = properties.get(spec.name_property)
    if isinstance(value, str) and value.strip():
        return value, []
    message = f"Property {spec.name_property!r} is {value!r}; people will have no name for this area."
    return None, [BoundaryFinding("name_missing", index, code, message)]


def _geometry(feature: Any) -> tuple[BaseGeometry | None, tuple[str, str]]:
    """The polygon of a feature, or None and why not."""
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        return None, ("feature_unreadable", "This entry is not a GeoJSON feature.")
    shape = feature.get("geometry")
    if shape is None:
        return None, ("geometry_missing", "This feature has no geometry.")
    kind = shape.get("type") if isinstance(shape, dict) else None
    if kind not in {"Polygon", "MultiPolygon"}:
        return None, ("geometry_not_polygon", f"The geometry is {kind!r}, not a polygon.")
    try:
        geometry = shapely.from_geojson(json.dumps(shape))
    except ShapelyError as error:
        return None, ("geometry_unreadable", f"The geometry cannot be read: {error}")
    if geometry.is_empty:
        return None, ("geometry_missing", "The geometry has no coordinates.")
    return geometry, ("", "")
