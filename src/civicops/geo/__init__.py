"""Geometry: boundary files read strictly, and points placed in areas.

Belongs in this room: polygons, points, and what can be wrong with them. Does not belong here: any city, any dataset, or
what an area stands for; this room imports nothing of ours but the base error.
"""

from civicops.geo.boundaries import Boundary, BoundaryError, BoundaryFinding, BoundarySet, BoundarySpec
from civicops.geo.boundary_checks import CHECKS, area_m2, check_boundaries, read_boundaries
from civicops.geo.place import AllPlacements, Area, AreaError, PlaceIndex, Placement
from civicops.geo.repair import BoundaryChange, repair_boundaries

__all__ = [
    "CHECKS",
    "AllPlacements",
    "Area",
    "AreaError",
    "Boundary",
    "BoundaryChange",
    "BoundaryError",
    "BoundaryFinding",
    "BoundarySet",
    "BoundarySpec",
    "PlaceIndex",
    "Placement",
    "area_m2",
    "check_boundaries",
    "read_boundaries",
    "repair_boundaries",
]
