"""`grounds.json`: neighborhoods, to search by and to see on the map where one is.

Belongs here: names, middles and plain outlines. Does not belong here: which neighborhood a listing is in (the models say it).

They come from the release `requests_311.areas` where the workspace has one; without it the page works by ZIP code and city.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import duckdb
import shapely

from civicops.release.sql import literal
from civicops.release.values import Release

AREAS = "requests_311.areas"
TOLERANCE = 0.0004
"""Degrees that an outline may leave the true one by; about 40 meters."""
_SQL = """
SELECT area_code, area_name, geometry FROM read_parquet({data})
WHERE layer = 'council' AND is_newest AND area_name IS NOT NULL ORDER BY area_name, area_code
"""


def grounds(releases: Mapping[str, Release]) -> list[dict[str, Any]]:
    """One entry per neighborhood: name, a point inside, outer outlines of its parts as lists of longitude and latitude."""
    release = releases.get(AREAS)
    if release is None:
        return []
    with duckdb.connect() as con:
        rows = con.execute(_SQL.format(data=literal(str(release.data)))).fetchall()
    return [_ground(code, name, geometry) for code, name, geometry in rows]


def _ground(code: str, name: str, geometry: str) -> dict[str, Any]:
    shape = shapely.from_geojson(geometry if isinstance(geometry, str) else json.dumps(geometry))
    simple = shapely.simplify(shape, TOLERANCE, preserve_topology=True)
    inside = shapely.point_on_surface(shape)
    parts = [part for part in getattr(simple, "geoms", [simple]) if part.geom_type == "Polygon"]
    rings = [[[round(x, 4), round(y, 4)] for x, y in part.exterior.coords] for part in parts]
    return {"code": code, "name": name, "at": [round(inside.x, 4), round(inside.y, 4)], "rings": rings}
