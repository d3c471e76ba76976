"""Small releases of the 311 product, straight from rows, for tests of what is made from releases.

Belongs here: publishing given rows with the product's real contracts. Does not belong here: assertions, the pipeline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import shapely

from civicops.contracts import Contract
from civicops.release.publish import publish, stage
from civicops.release.store import ReleaseStore
from civicops.release.values import Provenance, Release

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
TYPES = {"VARCHAR": pa.string(), "BOOLEAN": pa.bool_(), "BIGINT": pa.int64(), "DOUBLE": pa.float64(), "DATE": pa.date32(),
         "TIMESTAMP WITH TIME ZONE": pa.timestamp("us", "UTC"), "TIMESTAMPTZ": pa.timestamp("us", "UTC"),
         "VARCHAR[]": pa.list_(pa.string())}  # fmt: skip
REQUEST: dict[str, Any] = {
    "era": "legacy", "source_dataset": "old", "request_type_code": "graffiti", "source_request_type": "Graffiti Removal",
    "status_code": "closed", "source_status": "Closed", "is_open": False, "is_closed": True, "source_code": "phone",
    "department_code": "beautification", "is_resident_demand": True, "is_crew_logged": False, "is_information_only": False,
    "is_sensitive": False, "council_code": "10", "district_code": "1", "longitude": 5.0, "latitude": 5.0, "flags": [],
}  # fmt: skip
SQUARES: Mapping[tuple[str, str], tuple[float, float, float, float]] = {
    ("council", "10"): (0.0, 0.0, 10.0, 10.0), ("council", "20"): (10.0, 0.0, 20.0, 10.0), ("council", "30"): (8.0, 2.0, 12.0, 4.0),
    ("district", "1"): (0.0, 0.0, 20.0, 5.0), ("district", "2"): (0.0, 5.0, 20.0, 10.0),
}  # fmt: skip
"""Council 30 overlaps both others."""
AREAS: list[dict[str, Any]] = [
    {"layer": layer, "set_id": "now", "area_code": code, "area_name": f"{code} NC" if layer == "council" else None, "is_newest": True,
     "area_km2": 1.0, "geometry": shapely.to_geojson(shapely.box(*box))}
    for (layer, code), box in SQUARES.items()
]  # fmt: skip
COUNCILS: list[dict[str, Any]] = [
    {"council_code": "10", "council_name": "WEST NC", "is_area": True, "region_code": "1", "region_name": "WEST", "population": 100, "area_km2": 2.0},
    {"council_code": "20", "council_name": "EAST NC", "is_area": True, "region_code": "2", "region_name": "EAST", "population": None, "area_km2": 2.0},
    {"council_code": "30", "council_name": "MIDDLE NC", "is_area": True},
    {"council_code": "none", "council_name": "Outside every council", "is_area": False},
    {"council_code": "unknown", "council_name": "Place not known", "is_area": False},
]  # fmt: skip
KINDS: list[dict[str, Any]] = [
    {"request_type_code": code, "request_type_name": code.title(), "request_group_code": code, "request_group_name": code,
     "is_service_request": True, "is_information_only": False, "is_sensitive": code == "homeless_encampment", "request_count": 0}
    for code in ("graffiti", "homeless_encampment", "bulky_items")
]  # fmt: skip


def request(number: int, created_at: str, **values: Any) -> dict[str, Any]:
    """One request; `created_at` in UTC, its day the same."""
    moment = datetime.fromisoformat(created_at).replace(tzinfo=UTC)
    given = {"request_id": f"1-{number:06d}", "created_at": moment, "created_on": moment.date(), **values}
    return REQUEST | {"updated_at": moment, "closed_at": None, "hours_to_close": None} | given


def released(
    root: Path,
    contracts: Mapping[str, Contract],
    requests: Sequence[dict[str, Any]],
    **tables: Sequence[dict[str, Any]],
) -> dict[str, Release]:
    """Current releases with these requests; all else is a few squares unless given."""
    store = ReleaseStore(root)
    rows = {
        "requests": requests,
        "areas": AREAS,
        "councils": COUNCILS,
        "request_types": KINDS,
        "time_to_close": [],
        **tables,
    }
    staged = []
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        for dataset, given in rows.items():
            columns = contracts[dataset].columns
            table = pa.table({c.name: pa.array([row.get(c.name) for row in given], TYPES[c.sql_type]) for c in columns})
            con.register(f"t_{dataset}", table)
            staged.append(
                stage(
                    con,
                    contract=contracts[dataset],
                    select_sql=f"SELECT * FROM t_{dataset}",
                    provenance=Provenance("r"),
                    store=store,
                )
            )
    publish(staged, store=store, now=MOMENT)
    return store.snapshot("requests_311")
