"""The service area: given polygons, or the box of lookups/policies.csv.

Belongs here: whether a point is served, and by which area. Does not belong here: points to polygons (`civicops.geo`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from civicops.geo import Area, PlaceIndex

BOX = "box"


@dataclass(frozen=True)
class ServiceArea:
    """Polygons with codes, or a box (west, south, east, north; degrees) where none are given; `country` in two letters."""

    box: tuple[float, float, float, float]
    index: PlaceIndex | None
    country: str

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Any]], box: tuple[float, float, float, float], country: str) -> ServiceArea:
        """From rows of `service_areas` (area_code, area_name, geometry as GeoJSON text)."""
        if not rows:
            return cls(box, None, country)
        areas = [Area(row["area_code"], shapely.make_valid(shapely.from_geojson(row["geometry"]))) for row in rows]
        return cls(box, PlaceIndex.build(areas, cells=256), country)

    def code(self, latitude: float, longitude: float) -> str | None:
        """The code of the area that holds the point; `box` for the box; None outside."""
        if self.index is None:
            west, south, east, north = self.box
            return BOX if west <= longitude <= east and south <= latitude <= north else None
        placed = self.index.place(np.array([longitude]), np.array([latitude]))
        number = int(placed.area[0])
        return self.index.codes[number] if number >= 0 else None

    def holds(self, latitude: float, longitude: float) -> bool:
        """Whether the point is served."""
        return self.code(latitude, longitude) is not None
