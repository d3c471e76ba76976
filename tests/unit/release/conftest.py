"""Contracts, tables and stores that the tests of releases share. Files on a real disk, the real engine, no stand-ins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from civicops.contracts import Contract, load_contract
from civicops.release import CheckOutcome, Conservation, InputManifest, Provenance, ReleaseStore

Column = dict[str, Any]


def column(name: str, logical: str = "string", **more: Any) -> Column:
    return {"name": name, "logicalType": logical, "description": f"The {name} of a thing.", **more}


def contract_text(
    dataset: str,
    columns: list[Column],
    *,
    access: str = "public",
    layer: str = "published",
    version: str = "1.0.0",
    privacy: list[dict[str, Any]] | None = None,
    sort_by: list[str] | None = None,
    licence: str = "CC0-1.0",
) -> str:
    custom = [{"property": "layer", "value": layer}, {"property": "access", "value": access}]
    custom.append({"property": "licence", "value": licence})
    if privacy:
        custom.append({"property": "privacy", "value": privacy})
    table: dict[str, Any] = {"name": dataset, "properties": columns}
    if sort_by:
        table["customProperties"] = [{"property": "sortBy", "value": sort_by}]
    content = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": f"things.{dataset}",
        "name": "Things",
        "version": version,
        "status": "active",
        "dataProduct": "things",
        "description": {"purpose": "To have things.", "usage": "Count them.", "limitations": "Made up."},
        "schema": [table],
        "team": {"members": [{"username": "robin_made_up", "role": "owner"}]},
        "customProperties": custom,
    }
    return yaml.safe_dump(content, sort_keys=False)


THING_COLUMNS = [
    column("thing_id", "integer", primaryKey=True, required=True),
    column("kind_code", "string"),
    column(
        "latitude",
        "number",
        customProperties=[{"property": "unit", "value": "degrees"}],
    ),
    column("seen_at", "timestamp", logicalTypeOptions={"defaultTimezone": "America/Los_Angeles"}),
    column("tags", "array"),
]


@pytest.fixture
def make_contract(tmp_path: Path) -> Callable[..., Contract]:
    """A contract read from a file, as any other."""

    def make(dataset: str = "items", columns: list[Column] | None = None, **more: Any) -> Contract:
        path = tmp_path / "contracts" / f"{dataset}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(contract_text(dataset, columns or THING_COLUMNS, **more), encoding="utf-8")
        return load_contract(path)

    return make


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET threads = 2")
        yield connection


@pytest.fixture
def store(tmp_path: Path) -> ReleaseStore:
    return ReleaseStore(tmp_path / "releases")


@pytest.fixture
def provenance() -> Provenance:
    return Provenance(
        run_id="20261122T113807Z-run",
        git_commit="0" * 40,
        git_dirty=True,
        inputs=(
            InputManifest("legacy", 3, ("ab" * 32,), title="Things of old", url="https://city.example/things", rows=7),
        ),
        checks=(CheckOutcome("thing_id_required", "stop", 0, 7, True, "Every row has a thing."),),
        conservation=Conservation(7, 5, 1, (("not ours", 1),)),
        tools=(("dbt", "1.11.0"),),
    )


def things(rows: int, *, shift: float = 0.0, kind: str = "tree", order: str = "thing_id") -> str:
    """SQL of a made-up table in the given order of rows."""
    return f"""SELECT i AS thing_id, CASE i % 3 WHEN 0 THEN '{kind}' WHEN 1 THEN 'lamp' END AS kind_code,
        34 + (i % 997) / 1013 + {shift} AS latitude,
        TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_seconds(i * 61) AS seen_at,
        CASE WHEN i % 5 > 0 THEN ['a', 'b' || i % 7] END AS tags
        FROM range({rows}) t(i) ORDER BY {order}"""
