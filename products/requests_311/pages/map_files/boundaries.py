"""Outlines of councils and districts as one small TopoJSON file in which neighbours share their edges.

Belongs here: simplifying, sharing edges, and how much may be lost by it. Does not belong here: mending outlines
(`civicops.geo`, before the release), which set is the newest (the release says it).

Corners are moved to a grid first, so that edges which two files drew a step apart become one; then edges are simplified, each
once, so that neighbours still meet. Councils and districts get edges of their own: their lines cross so often that shared ones
would be cut into crumbs. Overlaps and gaps wider than the grid stay.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import duckdb
from topojson.core.topology import Topology

from civicops.errors import CivicopsError

from .binary import Frame, Written, save

GRID = 0.00005
"""Degrees; about 5 meters."""
TOLERANCE = 0.0002
"""Degrees that a simplified edge may leave the true one by; about 20 meters."""
LAYERS = {"councils": "council", "districts": "district"}


def write_boundaries(con: duckdb.DuckDBPyConnection, folder: Path) -> Written:
    """Write the newest set of each layer of the view `areas`; each area has the properties `code` and `name`."""
    arcs: list[Any] = []
    objects: dict[str, Any] = {}
    origin = _corner(con)
    for name, layer in LAYERS.items():
        rows = con.execute(
            "SELECT area_code, COALESCE(area_name, 'District ' || area_code), geometry FROM areas "
            "WHERE layer = ? AND is_newest ORDER BY TRY_CAST(area_code AS INTEGER) NULLS LAST, area_code",
            [layer],
        ).fetchall()
        own, geometries = _topology(rows, origin) if rows else ([], [])
        objects[name] = {"type": "GeometryCollection", "geometries": [_moved(item, len(arcs)) for item in geometries]}
        arcs += own
    content = {
        "type": "Topology",
        "transform": {"scale": [GRID, GRID], "translate": origin},
        "objects": objects,
        "arcs": arcs,
    }
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return save(folder, "boundaries", "json", text.encode())


def frame_of(con: duckdb.DuckDBPyConnection) -> Frame:
    """The box around all areas and all points of the views `areas` and `requests`, outwards to hundredths of a degree.

    Outwards, so that another day's release nearly always has the same box, and its old months the same files.
    """
    lows, highs = [], []
    for (text,) in con.execute("SELECT geometry FROM areas").fetchall():
        for lon, lat in _corners(json.loads(text)["coordinates"]):
            lows.append((lon, lat))
            highs.append((lon, lat))
        lows, highs = [_least(lows)], [_greatest(highs)]
    low_lon, low_lat, high_lon, high_lat = (
        con.execute("SELECT min(longitude), min(latitude), max(longitude), max(latitude) FROM requests").fetchone()
        or (None,) * 4
    )
    if low_lon is not None:
        lows.append((low_lon, low_lat))
        highs.append((high_lon, high_lat))
    if not lows:
        return Frame(-180.0, -90.0, 180.0, 90.0)
    (west, south), (east, north) = _least(lows), _greatest(highs)
    return Frame(
        *(math.floor(v * 100) / 100 for v in (west, south)), *((math.floor(v * 100) + 1) / 100 for v in (east, north))
    )


def _topology(rows: list[tuple[str, str, str]], origin: list[float]) -> tuple[list[Any], list[Any]]:
    """Arcs and geometries of one layer, on the grid."""
    features = [
        {"type": "Feature", "properties": {"code": code, "name": name}, "geometry": json.loads(text)}
        for code, name, text in rows
    ]
    made = Topology(
        {"type": "FeatureCollection", "features": features},
        object_name="areas",
        prequantize={"scale": [GRID, GRID], "translate": origin},
        toposimplify=TOLERANCE,
        prevent_oversimplify=True,
    ).to_dict()
    geometries = made["objects"]["areas"]["geometries"]
    kept = [item["properties"]["code"] for item in geometries if item.get("arcs")]
    if kept != [code for code, _, _ in rows]:
        lost = sorted({code for code, _, _ in rows} - set(kept))
        raise CivicopsError(
            f"Areas {', '.join(lost)} would vanish from the map when their outlines are simplified.",
            hint="Look at them in the release 'areas'; an outline narrower than 20 meters cannot be drawn.",
        )
    return json.loads(json.dumps(made["arcs"], default=int)), geometries


def _moved(geometry: dict[str, Any], by: int) -> dict[str, Any]:
    """The geometry with the numbers of its arcs raised: they count over both layers. A negative number is an arc backwards."""
    return {
        "type": geometry["type"],
        "arcs": _raised(geometry["arcs"], by),
        "properties": {key: geometry["properties"][key] for key in ("code", "name")},
    }


def _raised(arcs: Any, by: int) -> Any:
    if isinstance(arcs, int):
        return arcs + by if arcs >= 0 else arcs - by
    return [_raised(item, by) for item in arcs]


def _corner(con: duckdb.DuckDBPyConnection) -> list[float]:
    """South-west of all areas, in hundredths of a degree."""
    frame = frame_of(con)
    return [frame.west, frame.south]


def _corners(coordinates: Any) -> list[tuple[float, float]]:
    if isinstance(coordinates[0], (int, float)):
        return [(coordinates[0], coordinates[1])]
    return [corner for part in coordinates for corner in _corners(part)]


def _least(corners: list[tuple[float, float]]) -> tuple[float, float]:
    return min(lon for lon, _ in corners), min(lat for _, lat in corners)


def _greatest(corners: list[tuple[float, float]]) -> tuple[float, float]:
    return max(lon for lon, _ in corners), max(lat for _, lat in corners)
