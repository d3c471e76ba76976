"""A small dataset with a check of every kind and action, and a way to check text rows against it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from civicops.checks.batches import Batch, BatchStore, RawBatch
from civicops.contracts import Contract, load_contract

FIELDS = ("id", "came", "left", "age", "score", "kind", "lat", "lon", "zip", "ok")


def rule(name: str, **implementation: Any) -> dict[str, Any]:
    return {
        "id": name,
        "description": f"Rule {name}.",
        "type": "custom",
        "engine": "civicops",
        "implementation": implementation,
    }


def column(name: str, kind: str, *rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "logicalType": kind, "description": name, "quality": list(rules), **more}


MOMENT = {"format": "%Y-%m-%d %H:%M", "defaultTimezone": "America/Los_Angeles"}
CONTRACT: dict[str, Any] = {
    "apiVersion": "v3.1.0",
    "kind": "DataContract",
    "id": "library.visits",
    "name": "Visits",
    "version": "1.2.3",
    "status": "active",
    "dataProduct": "library",
    "description": {},
    "team": {},
    "customProperties": [
        {"property": "layer", "value": "accepted"},
        {"property": "access", "value": "internal"},
        {"property": "licence", "value": "CC0-1.0"},
    ],
    "schema": [
        {
            "name": "visits",
            "customProperties": [{"property": "latestBy", "value": ["came_at"]}],
            "quality": [
                rule("left_after_came", check="compare", left="left_at", operator=">=", right="came_at", action="blank"),
                rule("in_box", check="inside", longitude="lon", latitude="lat", west=-119, south=33, east=-118, north=35),
                rule("lat_with_lon", check="paired", columns=["lat", "lon"]),
                rule("old_enough", check="expression", expression="age >= 6 OR kind = 'child'", action="quarantine"),
            ],
            "properties": [
                column("visit_id", "string", primaryKey=True, physicalName="id"),
                column(
                    "came_at",
                    "timestamp",
                    rule("came_readable", check="parses", action="quarantine"),
                    rule("came_one_moment", check="local_time"),
                    rule("came_recently", check="range", minimum="2015-01-01 00:00:00", action="stop"),
                    physicalName="came",
                    required=True,
                    logicalTypeOptions=MOMENT,
                ),
                column("left_at", "timestamp", rule("left_readable", check="parses", action="blank"), physicalName="left", logicalTypeOptions=MOMENT),
                column("age", "integer", rule("age_human", check="range", minimum=0, maximum=120, action="blank")),
                column("score", "number", rule("score_readable", check="parses", action="flag")),
                column("kind", "string", rule("kind_known", check="allowed", lookup="kinds", lookupColumn="kind")),
                column("lat", "number"),
                column("lon", "number"),
                column("zip", "string", rule("zip_form", check="pattern", pattern="9[0-9]{4}", action="blank"), rule("zip_length", check="length", minimum=5, maximum=5)),
                column("is_ok", "boolean", rule("ok_readable", check="parses", action="blank"), physicalName="ok"),
            ],
        }
    ],
}  # fmt: skip
LOOKUPS = {("kinds", "kind"): ("adult", "child")}


@pytest.fixture
def contract(tmp_path: Path) -> Contract:
    path = tmp_path / "visits.yaml"
    path.write_text(yaml.safe_dump(CONTRACT, sort_keys=False), encoding="utf-8")
    return load_contract(path)


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


@pytest.fixture
def store(tmp_path: Path) -> BatchStore:
    return BatchStore(tmp_path / "accepted", tmp_path / "quarantine", "library")


Check = Callable[..., Batch]


@pytest.fixture
def check(con: duckdb.DuckDBPyConnection, store: BatchStore, contract: Contract) -> Check:
    """Check rows given as tuples in the order of `FIELDS` (missing ones are null)."""

    def run(rows: Sequence[Sequence[str | None]], *, sha: str = "a" * 64, sequence: int = 1, **more: Any) -> Batch:
        name = f"raw_{sha[:6]}_{sequence}"
        names = ", ".join(f'"{field}" VARCHAR' for field in FIELDS)
        con.execute(f"CREATE OR REPLACE TABLE {name} ({names}, _object VARCHAR, _delivery BIGINT)")
        for row in rows:
            values = [*row, *[None] * (len(FIELDS) - len(row)), sha, sequence]
            con.execute(f"INSERT INTO {name} VALUES ({', '.join('?' * len(values))})", values)
        raw = RawBatch(
            "desk", ((sha, sequence),), f"SELECT * FROM {name}", FIELDS, None, more.get("rows_in", len(rows))
        )
        return store.check(con, more.get("contract", contract), raw, more.get("lookups", LOOKUPS), "run-1")

    return run
