"""Boundary layers: from accepted boundary rows to the table `geo.area` that models and the placing functions read.

Belongs here: which boundary sets a product has (its lookup `boundary_sets`), reading and mending them, and the table.
Does not belong here: polygons (`civicops.geo`), the functions that models call (`plugin`).

The lookup `boundary_sets` has one line per set: `layer` (what models ask for), `set_id`, `source` and `dataset` (which
accepted rows), `valid_from` and `valid_to` (days in force, both included, empty for open), `policy` (`current`: the
newest set places everything; `as_of`: the set in force on the day places it), `west`, `south`, `east`, `north` (degrees
that no part may lie outside of), `features` (how many areas, or empty). The dataset has the columns `area_code`,
`area_name` and `geometry` (GeoJSON text).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path

import duckdb
import shapely

from civicops.geo import BoundarySet, BoundarySpec, area_m2, check_boundaries, read_boundaries, repair_boundaries
from civicops.transform.values import LayerFinding, TransformError

LOOKUP = "boundary_sets"
COLUMNS = (
    "layer", "set_id", "source", "dataset", "valid_from", "valid_to", "policy", "west", "south", "east", "north", "features",
)  # fmt: skip
CREATE = (
    "CREATE OR REPLACE TABLE geo.area (layer VARCHAR, set_id VARCHAR, policy VARCHAR, valid_from DATE, valid_to DATE, "
    "is_newest BOOLEAN, area_code VARCHAR, area_name VARCHAR, area_km2 DOUBLE, geometry BLOB, geojson VARCHAR)"
)
# The outline is kept twice: as WKB for placing, and as GeoJSON text, which models of any engine can publish.
# What no repair and no rule can mend: somebody has to decide.
FATAL = frozenset({
    "code_null", "code_placeholder", "code_property_missing", "code_repeated", "code_unreadable", "coordinates_not_lon_lat",
    "geometry_invalid", "geometry_missing", "geometry_not_polygon", "geometry_unreadable", "feature_unreadable",
})  # fmt: skip


@dataclass(frozen=True)
class LayerSet:
    """One line of the lookup `boundary_sets`; `spec` holds its box and the expected number of areas."""

    layer: str
    set_id: str
    source: str
    dataset: str
    valid_from: date | None
    valid_to: date | None
    policy: str
    spec: BoundarySpec


def read_layer_sets(path: Path) -> tuple[LayerSet, ...]:
    """Read the lookup; raises `TransformError` for a missing column, a bad value or sets that do not go together."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise TransformError(
                f"{path} has no column '{missing[0]}'.", hint="Add it; see docs/how-to for boundary sets."
            )
        rows = list(reader)
    sets = tuple(_layer_set(path, number, row) for number, row in enumerate(rows, start=2))
    for layer in dict.fromkeys(item.layer for item in sets):
        _consistent(path, [item for item in sets if item.layer == layer])
    return sets


def _layer_set(path: Path, line: int, row: dict[str, str]) -> LayerSet:
    try:
        if row["policy"] not in ("current", "as_of"):
            raise ValueError(f"policy '{row['policy']}' is neither 'current' nor 'as_of'")
        if not row["layer"].isidentifier():
            raise ValueError(f"layer '{row['layer']}' is not a word of letters, digits and _")
        west, south, east, north = (float(row[name]) for name in ("west", "south", "east", "north"))
        spec = BoundarySpec(
            "code", "name", (west, south, east, north), features=int(row["features"]) if row["features"] else None
        )
        return LayerSet(
            row["layer"], row["set_id"], row["source"], row["dataset"],
            date.fromisoformat(row["valid_from"]) if row["valid_from"] else None,
            date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
            row["policy"], spec,
        )  # fmt: skip
    except (ValueError, TypeError) as error:
        raise TransformError(f"{path}:{line}: {error}.", hint="Mend the line and run the command again.") from error


def _consistent(path: Path, sets: Sequence[LayerSet]) -> None:
    """One policy per layer, one id per set, and of `as_of` sets never two in force on one day."""
    layer = sets[0].layer
    if len({item.policy for item in sets}) > 1:
        raise TransformError(f"{path}: layer '{layer}' has sets of both policies.", hint="Give all of them one policy.")
    if len({item.set_id for item in sets}) < len(sets):
        raise TransformError(f"{path}: layer '{layer}' has one set_id twice.", hint="Name each set differently.")
    ordered = sorted(sets, key=_start)
    for earlier, later in pairwise(ordered):
        if earlier.policy == "as_of" and (earlier.valid_to is None or earlier.valid_to >= _start(later)):
            raise TransformError(
                f"{path}: sets '{earlier.set_id}' and '{later.set_id}' of layer '{layer}' are in force on the same day.",
                hint="End the earlier one the day before the later one begins.",
            )


def _start(item: LayerSet) -> date:
    return item.valid_from or date.min


def store_layers(con: duckdb.DuckDBPyConnection, sets: Sequence[LayerSet]) -> tuple[LayerFinding, ...]:
    """Fill `geo.area` from the accepted rows of each set; geometry is mended where a repair cannot move a place.

    A set without rows is a finding; a layer without any set with rows raises `TransformError`, as do boundaries that nobody
    can place a point with (repeated codes, wrong coordinates).
    """
    con.execute("CREATE SCHEMA IF NOT EXISTS geo")
    con.execute(CREATE)
    findings: list[LayerFinding] = []
    filled: dict[str, list[tuple[LayerSet, BoundarySet]]] = {}
    for item in sets:
        rows = con.execute(
            f'SELECT area_code, area_name, geometry FROM accepted."{item.dataset}" WHERE _source = ? '
            "ORDER BY area_code, geometry",
            [item.source],
        ).fetchall()
        kept = filled.setdefault(item.layer, [])
        if not rows:
            message = f"No boundary of source '{item.source}' was accepted, so this set places nothing."
            findings.append(LayerFinding(item.layer, item.set_id, "boundary_set_missing", None, message))
            continue
        boundaries, found = _read(item, rows)
        kept.append((item, boundaries))
        findings.extend(found)
    for layer, kept in filled.items():
        if not kept:
            names = ", ".join(f"'{item.source}'" for item in sets if item.layer == layer)
            raise TransformError(
                f"Layer '{layer}' has no boundaries: none of {names} brought any.",
                hint="Give one of these sources an address or a file in civicops.toml.",
            )
        newest = max(kept, key=lambda pair: _start(pair[0]))[0].set_id
        for item, boundaries in kept:
            _insert(con, item, boundaries, is_newest=item.set_id == newest)
    return tuple(findings)


def _read(item: LayerSet, rows: Iterable[tuple[str, str, str]]) -> tuple[BoundarySet, list[LayerFinding]]:
    features = ",".join(
        json.dumps({"type": "Feature", "properties": {"code": code, "name": name}})[:-1] + f', "geometry": {geometry}}}'
        for code, name, geometry in rows
    )
    read, found = read_boundaries(f'{{"type":"FeatureCollection","features":[{features}]}}'.encode(), item.spec)
    mended, changes = repair_boundaries(read, item.spec)
    # What is wrong after mending counts; what a repair took away is listed as the repair. Only reading sees what a file's
    # features lack, so findings on features that were left out stay as they were.
    unread = [f for f in found if f.feature_index in read.left_out or f.check_id.startswith("code_")]
    left = [*unread, *(f for f in check_boundaries(mended, item.spec) if f not in unread)]
    fatal = next((f for f in left if f.check_id in FATAL), None)
    if fatal:
        raise TransformError(
            f"Boundary set '{item.set_id}' of layer '{item.layer}' cannot be used: area {fatal.area_code}: {fatal.message}",
            hint="Mend the file, or take the last good one with 'path' in civicops.toml.",
        )
    findings = [LayerFinding(item.layer, item.set_id, f.check_id, f.area_code, f.message) for f in left]
    findings += [LayerFinding(item.layer, item.set_id, c.kind, c.area_code, c.message) for c in changes]
    return mended, findings


def _insert(con: duckdb.DuckDBPyConnection, item: LayerSet, boundaries: BoundarySet, *, is_newest: bool) -> None:
    rows = [
        (
            item.layer, item.set_id, item.policy, item.valid_from, item.valid_to, is_newest,
            boundary.code, boundary.name, round(area_m2(boundary.geometry) / 1e6, 6), shapely.to_wkb(boundary.geometry),
            shapely.to_geojson(boundary.geometry),
        )
        for boundary in boundaries.boundaries
    ]  # fmt: skip
    # One statement: row by row costs ten times as much.
    marks = f"({', '.join('?' * 11)})"
    con.execute(
        f"INSERT INTO geo.area VALUES {', '.join([marks] * len(rows))}", [value for row in rows for value in row]
    )
