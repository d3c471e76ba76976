"""Mending boundaries, only when asked to, and with a list of what was changed.

Belongs here: the three repairs that cannot change which place a person lives in by more than a remnant of digitising.
Does not belong here: anything that needs a decision (a repeated or missing code, a feature without outline).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import shapely
from shapely.geometry import MultiPolygon
from shapely.geometry.base import BaseGeometry

from civicops.geo.boundaries import Boundary, BoundarySet, BoundarySpec
from civicops.geo.boundary_checks import (
    area_m2,
    make_valid,
    part_is_outside,
    part_is_without_area,
    part_place,
)


@dataclass(frozen=True)
class BoundaryChange:
    """One repair: `kind` is made_valid, dropped_part_outside_bbox or dropped_part_without_area.

    `area_change_m2` is how much the area grew (negative: shrank) in square metres.
    """

    kind: str
    feature_index: int
    area_code: str | None
    area_change_m2: float
    message: str


def repair_boundaries(boundaries: BoundarySet, spec: BoundarySpec) -> tuple[BoundarySet, tuple[BoundaryChange, ...]]:
    """Mend geometry and say what changed; what was sound is the same object as before.

    1. An invalid outline is made valid (`boundary_checks.make_valid`): what any part of the outline encloses stays
       inside, holes stay holes, and spikes without area go.
    2. Parts wholly outside `spec.bbox` are dropped.
    3. Parts smaller than `spec.least_part_m2` are dropped.

    A boundary of which nothing would be left is kept as it was, so its findings stay and someone has to decide.
    Repairing twice changes nothing more.
    """
    mended, changes = [], []
    for boundary in boundaries.boundaries:
        result, made = _repair(boundary, spec)
        mended.append(result)
        changes += made
    return replace(boundaries, boundaries=tuple(mended)), tuple(changes)


def _repair(boundary: Boundary, spec: BoundarySpec) -> tuple[Boundary, list[BoundaryChange]]:
    geometry, changes = boundary.geometry, []

    def change(kind: str, before: BaseGeometry | None, after: BaseGeometry | None, message: str) -> None:
        grown = (area_m2(after) if after else 0.0) - (area_m2(before) if before else 0.0)
        changes.append(BoundaryChange(kind, boundary.feature_index, boundary.code, grown, message))

    if not geometry.is_valid:
        reason = shapely.is_valid_reason(geometry)
        valid = make_valid(geometry)
        change("made_valid", geometry, valid, f"{reason}.")
        geometry = valid
    parts = shapely.get_parts(geometry)
    kept = []
    for part in parts:
        kind = ""
        if part_is_outside(part, spec):
            kind = "dropped_part_outside_bbox"
        elif part_is_without_area(part, spec):
            kind = "dropped_part_without_area"
        if kind:
            change(kind, part, None, f"Dropped the part at {part_place(part)}.")
        else:
            kept.append(part)
    if not changes or not kept:
        return boundary, []
    if len(kept) < len(parts):
        geometry = kept[0] if len(kept) == 1 else MultiPolygon(kept)
    return replace(boundary, geometry=geometry), changes
